package app

import (
	"context"
	"errors"

	"github.com/stagegate/stagegate/app/store"
)

// kindRefused is the audit log's word for an operation that is not for whoever asked.
const kindRefused = "refused"

// denial is what the audit log keeps of such an operation.
type denial struct {
	Asked string // the line of a comment, or what the button or the API call does
	Why   string
}

// wish is an operation that somebody asked for, by what it is about.
type wish struct {
	by         caller
	repository int64
	execution  string // empty: about none, or it is not known which
	asked      string
}

// deny writes into the audit log that a wish was refused because it is for others to
// have. Other errors and refusals, which anybody would get, are none of its business.
func (a *App) deny(ctx context.Context, tx store.Tx, w wish, err error) error {
	var no refusal
	if !errors.As(err, &no) || no.code != codeForbidden {
		return nil
	}
	if w.execution == "" {
		w.execution = no.execution
	}
	return tx.Audit(ctx, store.AuditEntry{
		At: a.now(), Repository: w.repository, Execution: w.execution, Kind: kindRefused,
		Actor: w.by.login, Door: w.by.door, Event: denial{Asked: w.asked, Why: no.message},
	})
}

// denied is deny where nothing else is to be written, as at the API. It returns the
// error that it was given, or its own.
func (a *App) denied(ctx context.Context, w wish, err error) error {
	var no refusal
	if !errors.As(err, &no) || no.code != codeForbidden {
		return err
	}
	if failed := a.store.Update(ctx, func(tx store.Tx) error { return a.deny(ctx, tx, w, err) }); failed != nil {
		return failed
	}
	return err
}
