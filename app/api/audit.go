package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/stagegate/stagegate/internal/audit"
)

// AuditQuery picks rows of the audit log. Zero fields do not filter.
type AuditQuery struct {
	Repository string // owner/name
	Execution  string // id
	Actor      string
	Kind       string
	Since      time.Time
	Before     int64 // number: only earlier rows
	After      int64 // number: only later rows
	Oldest     bool  // the oldest come first; else the newest
	Limit      int
}

// AuditPage is a page of rows of the audit log, as an export has them.
type AuditPage struct {
	Page[audit.Row]
	Repositories map[string]string `json:"repositories"` // owner/name by number, of those that the rows are about
}

func (s *server) audit(w http.ResponseWriter, r *http.Request) error {
	q, err := auditQuery(r)
	if err != nil {
		return err
	}
	want := q.Limit
	q.Limit++ // whether there are more
	rows, names, err := s.Executions.Audit(r.Context(), q)
	if err != nil {
		return err
	}
	page := AuditPage{Page[audit.Row]{Items: []audit.Row{}}, map[string]string{}}
	page.Items = append(page.Items, rows[:min(len(rows), want)]...)
	if len(rows) > want {
		page.Next = strconv.FormatInt(rows[want-1].Number, 10)
	}
	for id, name := range names {
		page.Repositories[strconv.FormatInt(id, 10)] = name
	}
	s.write(w, http.StatusOK, page)
	return nil
}

// auditQuery reads the parameters of a list of rows.
func auditQuery(r *http.Request) (AuditQuery, error) {
	if err := parameters(r, "repository", "execution", "actor", "kind", "since", "order", "cursor", "limit"); err != nil {
		return AuditQuery{}, err
	}
	v := r.URL.Query()
	q := AuditQuery{
		Repository: v.Get("repository"), Execution: v.Get("execution"), Actor: v.Get("actor"), Kind: v.Get("kind"),
		Oldest: v.Get("order") == "oldest",
	}
	var err error
	if q.Limit, err = number(r, "limit", 1, mostLimit, defaultLimit); err != nil {
		return q, err
	}
	orders := []string{"newest", "oldest"}
	switch {
	case v.Get("order") != "" && v.Get("order") != orders[0] && !q.Oldest:
		return q, refuse(Invalid, "order is to be newest or oldest: which come first").offering(orders)
	case q.Execution != "" && !possibleID.MatchString(q.Execution):
		return q, refuse(Invalid, "execution is to be the id of one: %s/executions lists them", Prefix)
	case v.Get("cursor") != "" && !possibleID.MatchString(v.Get("cursor")):
		return q, refuse(Invalid, "cursor is to be what an earlier page had as next")
	}
	if since := v.Get("since"); since != "" {
		if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
			return q, refuse(Invalid, "since is to be a time such as 2026-12-01T09:00:00Z")
		}
	}
	if cursor, _ := strconv.ParseInt(v.Get("cursor"), 10, 64); q.Oldest { // which is a number, as was asked above
		q.After = cursor
	} else {
		q.Before = cursor
	}
	return q, nil
}
