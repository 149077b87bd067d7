package web

import (
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// wait says what a stage waits for, or will wait for, in front of it.
func (v *view) wait(out *stage, i int) {
	st := v.x.Stages[i]
	t, closed := v.around.Closed[st.Name]
	out.Shut = closed
	waits := st.Status == pipeline.Waiting && !v.x.Status.Ended()
	switch {
	case closed && waits && !st.Admitted:
		out.Reason = v.closedWay(t)
	case closed:
		out.Closed = v.closedWay(t)
	case v.x.Status.Ended() || st.Status.Ended():
	case st.Status == pipeline.InProgress && st.Hold.For != "":
		if w, held := explain.Held(v.x, i, v.around); held {
			out.Reason = "Waits for " + clip(w.Text, 1000) + ". Then " + clip(w.Next, 500) + "."
		}
	case waits:
		w := explain.Waits(v.x, i, v.around)[0]
		out.Reason = "Waits for " + clip(w.Text, 1000) + ". Then " + clip(w.Next, 500) + "."
	case out.Reason == "":
		if w, ok := explain.ForRunner(v.x, i); ok {
			out.Reason = "Waits for " + clip(w.Text, 1000) + "."
		}
	}
}

// closedWay says who closed the way into a stage and what opening it does.
func (v *view) closedWay(t pipeline.Transition) string {
	return "The way into this stage is " + clip(t.Words(), 2000) + ". When it is opened, " + clip(v.x.Definition.Mode.GoesOn(v.x.Lane), 300) + "."
}
