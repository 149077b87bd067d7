package app

import (
	"cmp"
	"context"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
)

// Rollback goes back to what a stage had before, or tells what that would do.
func (v visitor) Rollback(ctx context.Context, r api.Rollback, key string) (api.Comeback, bool, error) {
	c, fresh, err := v.goBack(ctx, r, v.rollbackKey(r, cmp.Or(key, newToken())))
	if err != nil {
		return api.Comeback{}, false, v.toAPI(err)
	}
	return api.Comeback{Back: v.found(c.back), Target: v.found(c.target), Now: v.found(c.now), Halfway: c.halfway, Closed: c.closed}, fresh, nil
}

func (v visitor) found(x store.Execution) api.Found {
	return api.Found{Execution: x.Execution, URL: v.pageURL(x, "")}
}

// rollbackKey is that of a person's rollback.
func (v visitor) rollbackKey(r api.Rollback, key string) int64 {
	return v.derived("rollback", strings.ToLower(r.Repository), strings.ToLower(r.Pipeline), key)
}

func (v visitor) goBack(ctx context.Context, r api.Rollback, key int64) (*comeback, bool, error) {
	if c, err := v.wentBack(ctx, r, key); !r.Preview && (err != nil || c.back.ID != "") {
		if err == nil {
			_, err = v.seen(ctx, c.back.ID)
		}
		return c, false, noExecution(c.back.ID, err)
	}
	repo, err := v.enter(ctx, r.Repository)
	if err != nil {
		return nil, false, err
	}
	c, err := v.rollBack(ctx, v.as(r.Reason), repo, goal{r.Pipeline, r.Stage, r.Lane, r.Execution})
	if err != nil || r.Preview {
		return c, false, v.denied(ctx, wish{by: v.as(""), repository: repo.ID, asked: "rollback " + r.Stage}, err)
	}
	c.back.Delivery = key
	err = v.update(ctx, func(tx store.Tx) error {
		_, err := c.apply(ctx, tx)
		if err == nil && c.back.ID != "" {
			c.back, err = tx.Execution(ctx, c.back.ID)
		}
		return err
	})
	if err == nil && c.back.ID == "" { // the same was asked for twice at once
		c, err = v.wentBack(ctx, r, key)
		return c, false, err
	}
	return c, true, err
}

// wentBack finds what a key has started. To ask under the same key for what does not
// agree with it is a mistake.
func (v visitor) wentBack(ctx context.Context, r api.Rollback, key int64) (*comeback, error) {
	c := &comeback{app: v.App}
	err := v.store.View(ctx, func(tx store.Tx) error {
		found, err := tx.Find(ctx, store.Filter{Delivery: key})
		if err != nil || len(found) == 0 {
			return err
		}
		c.back = found[0]
		c.target, err = tx.Execution(ctx, c.back.Rollback.Target)
		return err
	})
	if err != nil || c.back.ID == "" {
		return c, err
	}
	is := c.back.Rollback
	if !strings.EqualFold(is.Stage, r.Stage) || r.Execution != 0 && is.Number != r.Execution || r.Lane != "" && c.back.Lane != r.Lane {
		return c, refused(codeConflict, "the key has started execution %d already, which goes back to execution %d in stage %s", c.back.Number, is.Number, is.Stage)
	}
	return c, nil
}
