package app

import (
	"context"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
)

func (v visitor) Runners(ctx context.Context) ([]api.Runner, error) {
	if err := v.operates(ctx, "see runners"); err != nil {
		return nil, v.toAPI(err)
	}
	var found []api.Runner
	err := v.store.View(ctx, func(tx store.Tx) error {
		all, err := tx.Runners(ctx)
		for _, r := range all {
			found = append(found, runnerOut(r))
		}
		return err
	})
	return found, err
}

func (v visitor) AddRunner(ctx context.Context, name string) (api.NewRunner, error) {
	if err := v.operates(ctx, "add runners"); err != nil {
		return api.NewRunner{}, v.toAPI(err)
	}
	r, token, err := v.addRunner(ctx, v.as(""), name)
	return api.NewRunner{Runner: runnerOut(r), Token: token}, v.toAPI(err)
}

func (v visitor) RemoveRunner(ctx context.Context, name string) (api.Runner, error) {
	if err := v.operates(ctx, "remove runners"); err != nil {
		return api.Runner{}, v.toAPI(err)
	}
	gone, err := v.removeRunner(ctx, v.as(""), name)
	return runnerOut(gone), v.toAPI(err)
}

// operates refuses what is the operator's alone.
func (v visitor) operates(ctx context.Context, what string) error {
	if v.login == theOperator {
		return nil
	}
	return v.denied(ctx, wish{by: v.as(""), asked: what}, refused(codeForbidden, "%s may not %s: the operator may", v.as(""), what))
}

func runnerOut(r store.Runner) api.Runner {
	return api.Runner{Name: r.Name, MadeAt: r.MadeAt, MadeBy: r.MadeBy, SeenAt: r.SeenAt}
}
