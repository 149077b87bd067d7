package api_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/audit"
)

// logged are the rows of the shelf's audit log, the newest first.
func logged() []audit.Row {
	var rows []audit.Row
	last := audit.Begin
	for n := range int64(3) {
		r := audit.Row{Number: n + 1, At: time.Date(2026, 11, 25, 12, 0, int(n), 1_000_000, time.UTC), Repository: 42, Kind: "decided", Actor: "ann", Door: "api", Event: `{"Comment":"\u003cb\u003e"}`}
		r.Hash = r.Follow(last)
		last = r.Hash
		rows = append(rows, r)
	}
	slices.Reverse(rows)
	return rows
}

func (s *shelf) Audit(_ context.Context, q api.AuditQuery) ([]audit.Row, map[int64]string, error) {
	if s.err != nil {
		return nil, nil, s.err
	}
	s.asked = append(s.asked, q)
	rows := logged()
	if q.Oldest {
		slices.Reverse(rows)
	}
	rows = slices.DeleteFunc(rows, func(r audit.Row) bool { return q.Before != 0 && r.Number >= q.Before || r.Number <= q.After })
	return rows[:min(len(rows), q.Limit)], map[int64]string{42: "octo/shop"}, nil
}

func TestAuditPages(t *testing.T) {
	s := newShelf()
	server, c := serve(t, s)
	since := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	q := api.AuditQuery{Repository: "octo/shop", Execution: "10", Actor: "ann", Kind: "decided", Since: since, Limit: 2}
	page, err := c.Audit(t.Context(), q)
	if err != nil || page.Next != "2" || page.Repositories["42"] != "octo/shop" {
		t.Fatalf("%+v %v", page, err)
	}
	if diff := cmp.Diff(logged()[:2], page.Items); diff != "" {
		t.Error(diff)
	}
	q.Limit = 3 // one more, to know whether there is more
	if diff := cmp.Diff([]any{q}, s.asked); diff != "" {
		t.Error(diff)
	}
	if page, err = c.Audit(t.Context(), api.AuditQuery{Before: 2}); err != nil || len(page.Items) != 1 || page.Next != "" || page.Items[0].Number != 1 {
		t.Errorf("behind the first page: %+v %v", page, err)
	}
	v := audit.NewVerifier(audit.Head{})
	for after := int64(0); ; after++ {
		page, err := c.Audit(t.Context(), api.AuditQuery{Oldest: true, After: after, Limit: 1})
		if err != nil || v.Next(page.Items[0]) != nil {
			t.Fatalf("%+v %v", page, err)
		}
		if page.Next == "" {
			break
		}
	}
	if head, err := v.End(); err != nil || head.Number != 3 {
		t.Errorf("the pages end at %v, %v", head, err)
	}
	for query, want := range map[string]string{
		"order=up":      "order is to be newest or oldest: which come first",
		"since=monday":  "since is to be a time such as 2026-12-01T09:00:00Z",
		"execution=ci":  "execution is to be the id of one: /api/v1/executions lists them",
		"cursor=-1":     "cursor is to be what an earlier page had as next",
		"limit=1000":    "limit is to be a number from 1 to 200",
		"login=ann":     `there is no parameter "login"; there is repository, execution, actor, kind, since, order, cursor, limit`,
		"kind=a&kind=b": "the parameter kind is given 2 times: give it once",
	} {
		if got, no := request(t, server, http.MethodGet, "/api/v1/audit?"+query, ""); got.StatusCode != 422 || no.Message != want {
			t.Errorf("%s: %d %s", query, got.StatusCode, no.Message)
		}
	}
}
