package app

import (
	"context"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/audit"
)

// Audit lists rows of the audit log, for the operator alone: it has what people did in
// all repositories.
func (v visitor) Audit(ctx context.Context, q api.AuditQuery) ([]audit.Row, map[int64]string, error) {
	if v.login != theOperator {
		no := refused(codeForbidden, "%s may not read the audit log: that is for whoever holds the operator's token", v.as(""))
		return nil, nil, v.toAPI(v.denied(ctx, wish{by: v.as(""), asked: "audit"}, no))
	}
	f := store.AuditFilter{
		Execution: q.Execution, Actor: q.Actor, Kind: q.Kind, Since: q.Since,
		Before: q.Before, After: q.After, Oldest: q.Oldest, Limit: q.Limit,
	}
	if q.Repository != "" {
		repo, err := v.knownRepository(ctx, q.Repository)
		if err != nil {
			return nil, nil, v.toAPI(err)
		}
		f.Repository = repo.ID
	}
	var rows []audit.Row
	names := map[int64]string{}
	err := v.store.View(ctx, func(tx store.Tx) (err error) {
		if rows, err = tx.Audited(ctx, f); err != nil {
			return err
		}
		for _, r := range rows {
			if _, known := names[r.Repository]; known || r.Repository == 0 {
				continue
			}
			newest, err := tx.Find(ctx, store.Filter{RepositoryID: r.Repository, Limit: 1})
			if err != nil {
				return err
			}
			for _, x := range newest {
				names[r.Repository] = x.Repository
			}
		}
		return nil
	})
	return rows, names, err
}
