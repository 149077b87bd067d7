package github

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFailedDeliveries(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	row := func(id int, guid string, minutes, code int) string {
		return fmt.Sprintf(`{"id":%d,"guid":%q,"delivered_at":%q,"status_code":%d,"status":"x","event":"push","action":null,"installation_id":7,"repository_id":null}`,
			id, guid, at(minutes).Format(time.RFC3339), code)
	}
	pages := map[string][]string{
		"":   {row(9, "twice", 1, 502), row(8, "fine", 2, 200), row(7, "healed", 3, 202)},
		"c1": {row(6, "twice", 10, 0), row(5, "healed", 11, 500), row(4, "late success", 12, 404), row(3, "late success", 13, 200)},
		"c2": {row(2, "once", 20, 503), row(1, "too old", 90, 500)},
		"c3": {row(0, "never read", 91, 500)},
	}
	next := map[string]string{"": "c1", "c1": "c2", "c2": "c3"}
	s := newScript(t)
	s.mux.HandleFunc("GET /app/hook/deliveries", func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		if cursor == "c3" {
			t.Error("read beyond the time asked for")
		}
		reply(w, 200, "["+strings.Join(pages[cursor], ",")+"]",
			fmt.Sprintf(`Link: <%s/app/hook/deliveries?per_page=100&cursor=%s>; rel="next"`, s.URL, next[cursor]))
	})
	s.on("POST /app/hook/deliveries/9/attempts", 202, `{}`)
	c := s.client(t)
	got, err := c.FailedDeliveries(t.Context(), now.Add(-time.Hour))
	want := []FailedDelivery{
		{ID: 9, GUID: "twice", Event: "push", At: at(1), Attempts: 2},
		{ID: 2, GUID: "once", Event: "push", At: at(20), Attempts: 1},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := c.Redeliver(t.Context(), 9); err != nil {
		t.Error(err)
	}
	for _, call := range s.seen {
		if !strings.HasPrefix(call.auth, "Bearer ey") {
			t.Errorf("%s: Authorization %q", call, call.auth)
		}
	}
}
