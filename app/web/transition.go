package web

import "github.com/stagegate/stagegate/internal/pipeline"

// wait says what a stage waits for, or will wait for, in front of it.
func (v *view) wait(out *stage, st pipeline.StageState) {
	t, closed := v.closed[st.Name]
	waits := st.Status == pipeline.Waiting
	switch {
	case closed && waits && !st.Admitted:
		out.Reason = v.closedWay(t)
	case closed:
		out.Closed = v.closedWay(t)
	case waits && out.Reason == "":
		out.Reason = "Another execution of " + clip(v.x.Lane, 200) + " is in stage " + clip(st.Name, 100) + "."
	}
}

// closedWay says who closed the way into a stage and what opening it does.
func (v *view) closedWay(t pipeline.Transition) string {
	return "The way into this stage is " + clip(t.Words(), 2000) + ". When it is opened, " + clip(v.x.Definition.Mode.GoesOn(v.x.Lane), 300) + "."
}
