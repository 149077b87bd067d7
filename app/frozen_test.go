package app_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestApprovedWhileFrozen approves what is inside a stage whose way in was closed
// behind it: it runs when the way is opened, or makes way for what is newer then.
func TestApprovedWhileFrozen(t *testing.T) {
	w := newWorld(t)
	w.commit("Script", map[string]string{"run.sh": "true\n"})
	first := w.pushed(signedOff)
	w.check(first, "ci / production", "action_required")
	w.frozen("", "")
	id := w.newest(first).ID
	w.approve(id)
	w.waits(id, "transition")
	w.stop()
	w.start()
	w.waits(id, "transition")
	w.enable("")
	w.check(first, "ci / production", "success")

	second := w.pushed(signedOff + "# 2\n")
	w.check(second, "ci / production", "action_required")
	w.frozen("", "")
	old := w.newest(second).ID
	w.approve(old)
	w.waits(old, "transition")
	third := w.pushed(signedOff + "# 3\n")
	w.held(third)
	w.enable("")
	if x := w.ended(old, pipeline.Superseded); x.Stages[0].Actions[1].Status != "cancelled" {
		t.Errorf("the older one: %+v", x.Stages[0].Actions[1])
	}
	w.check(third, "ci / production", "action_required")
	w.approve(w.newest(third).ID)
	w.check(third, "ci / production", "success") // the older one has left the environment
}
