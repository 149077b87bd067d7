package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// closed tells what keeps the ways into the stages of an execution closed, by the
// name of the stage. Stages that have ended are not asked about.
func (a *App) closed(ctx context.Context, tx store.Tx, x pipeline.Execution) (map[string]pipeline.Transition, error) {
	if x.Status.Ended() {
		return nil, nil
	}
	all, err := tx.Transitions(ctx, x.RepositoryID)
	if err != nil {
		return nil, err
	}
	by := map[string]pipeline.Transition{}
	for i, st := range x.Stages {
		if t, ok := pipeline.Closing(all, x.LockKey(i), a.now()); ok && !st.Status.Ended() {
			by[st.Name] = t
		}
	}
	return by, nil
}

// closed says in the run of a stage that the way into it is closed: first of all
// where the execution waits for that alone.
func (w *wanted) closed(x pipeline.Execution, i int, t pipeline.Transition) {
	st := x.Stages[i]
	if st.Status == pipeline.Waiting && !st.Admitted {
		w.run.Title = sentence(cut(t.Words(), 200))
	}
	w.run.Summary = closedNote(x, t) + "\n\n" + w.run.Summary
}

// closedNote says who closed the way, what goes on when it is opened, and how that
// is done.
func closedNote(x pipeline.Execution, t pipeline.Transition) string {
	when := "It is opened"
	if !t.Until.IsZero() {
		when = "It opens by itself then, or earlier"
	}
	how := fmt.Sprintf("`/unfreeze %s` in a comment, or `stagegate transition enable %s %s`", wayName(t), t.Pipeline, t.Stage)
	if t.Lane != "" {
		how = fmt.Sprintf("`stagegate transition enable %s %s --lane %s`", t.Pipeline, t.Stage, strings.ReplaceAll(t.Lane, "`", "'"))
	}
	return fmt.Sprintf("**The way into this stage is %s.**\n\nWhen it is opened, %s. %s by someone with write access: %s.",
		plain(t.Words()), plain(x.Definition.Mode.GoesOn(x.Lane)), when, how)
}
