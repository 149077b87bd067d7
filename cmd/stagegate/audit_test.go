package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAudit shows, exports and proves the audit log of a process that is killed, then of
// its file, and then changes that.
func TestAudit(t *testing.T) {
	p := newProcess(t)
	p.start()
	sha := p.pushTo(p.repo, gatedPipeline)
	p.wait("the approval", func() bool { return p.run(sha).Conclusion == "action_required" })
	p.tells(0, "transition disable ci build --reason lunch", "closed")
	p.tells(0, "reject ci/1 --comment never", "failed")
	p.tells(0, "audit show", "ROW", "decided", "the operator  api", "octo/shop", `"Comment":"never"`)
	p.tells(0, "audit show --kind decided --json", `"actor": "the operator"`, `"repositories": {`, `"octo/shop"`)
	p.tells(0, "audit show --actor alice --execution ci/1 --repository octo/shop --since 1h", "started  alice", sha)
	p.tells(0, "audit show --kind disabled --since 2099-01-01 --json", `"items": []`)
	p.tells(1, "audit show --repository octo/nope", "no execution of a repository \"octo/nope\" is known; there is octo/shop")
	p.tells(1, "audit show --execution ci/9", "there is no execution ci/9")
	p.tells(2, "audit show --since yesterday", `--since "yesterday" is no time: write a day`)

	head := strings.TrimSpace(strings.SplitAfter(p.ask("audit", "verify").out, "head: ")[1])
	export := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(export, []byte(p.ask("audit", "export").out), 0o600); err != nil {
		t.Fatal(err)
	}
	p.tells(0, "audit verify "+export, "holds: ", "head: "+head)
	p.kill()
	p.tells(0, "audit verify --head "+head, "holds: ", "rows.\nhead: ")
	p.tells(0, "audit verify --json --head "+head[strings.Index(head, ":")+1:], `"holds": true`, `"head": "`+head)

	p.edit(`DROP TRIGGER audit_keeps_all; DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)`)
	p.tells(0, "audit verify", "holds: ")
	p.tells(1, "audit verify --head "+head, "the audit log is broken at row ", "it is missing, and so is what follows up to row ")
	p.edit(`DROP TRIGGER audit_keeps_what_was; UPDATE audit SET actor = 'mallory' WHERE number = 2`)
	p.tells(1, "audit verify", "the audit log is broken at row 2: what it says does not give its hash")
	if got := p.ask("audit", "verify", "--json"); got.code != 1 || !strings.Contains(got.out, `"broken": 2`) || got.err != "" {
		t.Errorf("with --json: %+v", got)
	}
}

// edit changes the database by SQL.
func (p *process) edit(statements string) {
	p.t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(p.data, "stagegate.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(p.t.Context(), statements); err != nil {
		p.t.Fatal(err)
	}
}

// TestAuditMistakes asks to verify what is no log.
func TestAuditMistakes(t *testing.T) {
	dir := t.TempDir()
	empty, strange := filepath.Join(dir, "empty"), filepath.Join(dir, "strange.db")
	for path, text := range map[string]string{empty: "", strange: "SQLite format 3\x00 and no more"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"audit verify", exitUsage, "there is no database " + dir + "/none/stagegate.db: name the file, or set STAGEGATE_DATA"},
		{"audit verify " + dir + "/nope", exitUsage, "no such file"},
		{"audit verify " + strange, exitFailed, "file is not a database"},
		{"audit verify --head x " + empty, exitUsage, `--head "x" is no head: write NUMBER:HASH`},
		{"audit verify --head 3:" + strings.Repeat("0f", 32) + " " + empty, exitFailed, "broken at row 1: it is missing, and so is what follows up to row 3"},
		{"audit verify a b", exitUsage, "too many arguments: a b"},
		{"audit prove", exitUsage, `there is no command "prove"`},
	} {
		got := callWith(t, []string{"STAGEGATE_DATA=" + dir + "/none", "PATH=/bin"}, strings.Fields(c.args)...)
		if got.code != c.code || !strings.Contains(got.err, c.want) || got.out != "" {
			t.Errorf("stagegate %s: %+v, want %d and %q", c.args, got, c.code, c.want)
		}
	}
	if got := callWith(t, nil, "audit", "verify", empty); got.code != 0 || !strings.Contains(got.out, "holds: 0 rows") {
		t.Errorf("an empty export: %+v", got)
	}
}
