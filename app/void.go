package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// voidBefore says of the execution before this one in its lane what had been approved of
// it and is void: its comment is this one's now.
func (a *App) voidBefore(ctx context.Context, x store.Execution) (string, error) {
	var found []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		found, err = tx.Find(ctx, store.Filter{RepositoryID: x.RepositoryID, Pipeline: x.Definition.Name, Lane: x.Lane, Before: x.ID, Limit: 1})
		return err
	})
	if err != nil || len(found) == 0 {
		return "", err
	}
	before := found[0]
	var b strings.Builder
	for i, st := range before.Stages {
		for j, act := range st.Actions {
			if text := explain.Void(before.Execution, i, j); text != "" && len(act.Voters(true)) > 0 {
				fmt.Fprintf(&b, "\n\nThe approval [%s / %s / %s](%s) of execution %d, commit `%s`, is %s.",
					before.Definition.Name, st.Name, act.Name, a.pageURL(before, st.Name), before.Number, before.Revision.Commit, plain(text))
			}
		}
	}
	return b.String(), nil
}
