package app_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/internal/audit"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// auditLog reads the audit log from its file, and asks that its chain holds.
func (w *world) auditLog() []audit.Row {
	w.t.Helper()
	var rows []audit.Row
	v := audit.NewVerifier(audit.Head{})
	err := sqlite.ReadAudit(w.t.Context(), filepath.Join(w.data, "stagegate.db"), func(r audit.Row) error {
		rows = append(rows, r)
		return v.Next(r)
	})
	if err != nil {
		w.t.Error(err)
	}
	return rows
}

// inAudit asks what the rows of some kinds say: kind, actor, door and, behind a colon,
// a text of their event.
func (w *world) inAudit(kinds []pipeline.Kind, wants ...string) {
	w.t.Helper()
	rows := slices.DeleteFunc(w.auditLog(), func(r audit.Row) bool { return !slices.Contains(kinds, pipeline.Kind(r.Kind)) })
	for i, r := range rows {
		if got := strings.Join([]string{r.Kind, r.Actor, r.Door}, " "); i < len(wants) {
			who, text, _ := strings.Cut(wants[i], ": ")
			if got != who || !strings.Contains(r.Event, text) || r.Repository == 0 {
				w.t.Errorf("row %d of the audit log is %s: %s, want %s", r.Number, got, r.Event, wants[i])
			}
		}
	}
	if len(rows) != len(wants) {
		w.t.Errorf("the audit log has %d such rows, want %d: %+v", len(rows), len(wants), rows)
	}
}

// TestEveryDecisionIsAudited has people decide by every door, with a crash of the App in
// between: who, by which door and what, in one chain.
func TestEveryDecisionIsAudited(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval(""))
	w.check(sha, "ci / production", "action_required")
	w.reaction(w.comment("bob", n, "/freeze production stock-taking"), "+1")
	w.stop()
	w.start()
	w.reaction(w.comment("bob", n, "/unfreeze production"), "+1")
	run := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("bob", run.ID, "reject"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "failure")
	id := w.newest(sha).ID
	if _, err := w.api().Retry(w.context(), id, api.Retry{}); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "action_required")
	w.reaction(w.comment("bob", n, "/stop"), "+1")
	w.reaction(w.comment("bob", n, "/run"), "+1")
	w.check(sha, "ci / production (manual 2)", "action_required")
	w.reaction(w.comment("carol", n, "/approve "+sha), "+1")
	w.check(sha, "ci / production (manual 2)", "success")
	w.inAudit([]pipeline.Kind{
		pipeline.KindStarted, pipeline.KindDisabled, pipeline.KindEnabled, pipeline.KindDecided, pipeline.KindRetry, pipeline.KindStop,
	},
		`started alice : "Trigger":"pull_request"`, "disabled bob comment: stock-taking", "enabled bob comment", `decided bob button: "Approved":false`,
		"retry the operator api", "stop bob comment", `started bob comment: `+sha, `decided carol comment: "Approved":true`)
}

// TestRefusedPeopleAreAudited has those ask who may not, by every door.
func TestRefusedPeopleAreAudited(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("users: [bob]"))
	run := w.check(sha, "ci / production", "action_required")
	w.refusedBy("mallory", n, "/approve production\n/stop\n/approve nowhere", "mallory may not")
	w.refusedBy("mallory", n, "/freeze production for fun", "mallory may not")
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal", func() bool {
		return strings.Contains(w.runs(sha, "ci / production")[0].Summary, "carol may not decide")
	})
	id := w.newest(sha).ID
	_, err := w.api().Decide(w.context(), id, api.Answer{Approved: true})
	w.refusedWith(err, api.Forbidden, "the operator may not decide")
	w.inAudit([]pipeline.Kind{"refused"},
		"refused mallory comment: /approve production", "refused mallory comment: /stop", "refused mallory comment: /freeze production for fun",
		"refused carol button: approve ci / production", "refused the operator api: approve")
	rows := w.auditLog()
	if last := rows[len(rows)-1]; last.Execution != id || !strings.Contains(last.Event, "these may: bob") {
		t.Errorf("the last row is %+v", last)
	}
	for _, r := range rows {
		if r.Kind == "refused" && strings.Contains(r.Event, "/approve production") && r.Execution != id {
			t.Errorf("the refused comment is about execution %q", r.Execution)
		}
	}
}
