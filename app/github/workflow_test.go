package github

import (
	"net/http"
	"strings"
	"testing"
)

// TestDispatchOnOlderServers starts a workflow where return_run_details is not known.
func TestDispatchOnOlderServers(t *testing.T) {
	s := newScript(t)
	const path = "/repos/acme/shop/actions/workflows/gate.yml/dispatches"
	s.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, _ *http.Request) {
		calls := s.calls()
		if strings.Contains(calls[len(calls)-1].body, "return_run_details") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"message":"Invalid request. \"return_run_details\" is not a permitted key."}`))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	run, err := s.client(t).DispatchWorkflow(t.Context(), testRepo, "gate.yml", "main", "production")
	if err != nil || run.ID != 0 {
		t.Errorf("%+v %v", run, err)
	}
	if n := len(s.calls()); n != 2 {
		t.Errorf("%d requests", n)
	}
}
