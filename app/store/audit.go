package store

import (
	"context"
	"time"

	"github.com/stagegate/stagegate/internal/audit"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// AuditEntry is one thing that was decided or has happened. It is written in the
// transaction of what it is about, so that there is neither without the other.
type AuditEntry struct {
	At         time.Time // kept in milliseconds
	Repository int64     // GitHub's id; zero: it is about none
	Execution  string    // empty: it is about none
	Kind       string    // pipeline.Kind of an event, or a word of its own, such as refused
	Actor      string    // login; empty where no person caused it
	Door       string    // by which they asked: comment, button, api; empty where none did
	Event      any       // all that is to be kept of it, as JSON: never a secret
}

// AuditFilter picks rows of the audit log. Zero fields do not filter.
type AuditFilter struct {
	Repository int64
	Execution  string
	Kind       string
	Actor      string // in any case
	Since      time.Time
	Before     int64 // number: only earlier rows
	After      int64 // number: only later rows
	Oldest     bool  // the oldest come first; else the newest
	Limit      int   // zero: 1000
}

// AuditLog keeps everything that was decided, for ever: each row holds the hash of the
// one before it.
type AuditLog interface {
	Audit(ctx context.Context, entry AuditEntry) error
	Audited(ctx context.Context, f AuditFilter) ([]audit.Row, error)
	// AuditHead is the last row, or number zero and audit.Begin where there is none.
	AuditHead(ctx context.Context) (audit.Head, error)
}

// begun is what the audit log has of the event that began an execution: of what, and
// because of what.
type begun struct {
	Pipeline string
	Number   int
	Trigger  pipeline.Trigger
	Lane     string
	Commit   string
	Rollback *pipeline.Rollback `json:",omitempty"`
	Event    pipeline.Event
}

// entryOf is what the audit log has of an event that an execution has taken.
func entryOf(x Execution, e pipeline.Event) AuditEntry {
	entry := AuditEntry{At: e.When(), Repository: x.RepositoryID, Execution: x.ID, Kind: string(e.Kind()), Event: e}
	switch e := e.(type) {
	case pipeline.Started, pipeline.Invalid, pipeline.Outrun, pipeline.Skip:
		entry.Actor, entry.Door = x.Actor, x.Door
		entry.Event = begun{x.Definition.Name, x.Number, x.Trigger, x.Lane, x.Revision.Commit, x.Rollback, e}
	case pipeline.Cancel:
		entry.Actor = e.Actor
	case pipeline.Admitted:
		entry.Actor, entry.Door = e.Actor, e.Door
	case pipeline.Stop:
		entry.Actor, entry.Door = e.Actor, e.Door
	case pipeline.Retry:
		entry.Actor, entry.Door = e.Actor, e.Door
	case pipeline.Override:
		entry.Actor, entry.Door = e.Actor, e.Door
	case pipeline.Decided:
		entry.Actor, entry.Door = e.Actor, e.Door
	}
	return entry
}
