package app

import (
	"context"
	"errors"
	"io"

	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// pages is what the web pages show. It implements web.Executions.
type pages struct{ *App }

func (p pages) ByToken(ctx context.Context, token string) (pipeline.Execution, error) {
	var x store.Execution
	err := p.store.View(ctx, func(tx store.Tx) error {
		var err error
		x, err = tx.ExecutionByToken(ctx, token)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = web.ErrNotFound
	}
	return x.Execution, err
}

func (p pages) Around(ctx context.Context, x pipeline.Execution) (explain.Around, error) {
	var around explain.Around
	err := p.store.View(ctx, func(tx store.Tx) error {
		var err error
		around, err = p.around(ctx, tx, x)
		return err
	})
	return around, err
}

func (p pages) Log(ctx context.Context, id pipeline.JobID) (io.ReadCloser, error) {
	r, err := p.openLog(ctx, id)
	if errors.Is(err, blob.ErrNotFound) {
		err = web.ErrNotFound
	}
	return r, err
}
