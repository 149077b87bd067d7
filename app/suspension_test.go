package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestSuspendedIsToldLater ends an execution while GitHub lets nobody tell it, and has
// the check run end once it does.
func TestSuspendedIsToldLater(t *testing.T) {
	w := newWorld(t)
	sha := w.pushed(slow)
	w.running(sha)
	if err := w.github.SuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.api().Stop(w.context(), w.newest(sha).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.ended(w.newest(sha).ID, pipeline.Stopped)
	w.stop() // the token that it had is forgotten
	w.start()
	w.eventually("a token is refused for both changes", func() bool {
		refused := 0
		for _, r := range w.github.Requests() {
			if strings.HasSuffix(r.URL, "/access_tokens") && r.Status == http.StatusForbidden {
				refused++
			}
		}
		return refused >= 2
	})
	if err := w.github.UnsuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.sleep(time.Hour)
	w.check(sha, "ci / build", "cancelled")
}
