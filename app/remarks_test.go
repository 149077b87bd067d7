package app_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/githubtest"
)

const talkative = `
on: push
stages:
  - name: test
    actions:
      - name: unit
        image: IMAGE
        run: |
          echo "::warning file=a.go,line=7::slow"
          echo "::error file=b.go,line=3,endLine=4,title=Broken::it *is* broken"
          echo "::notice::by the way"
          printf '# Hi @octocat\n~~~\n<!--' > "$STAGEGATE_SUMMARY"
          exit 1
      - name: lint
        image: IMAGE
        run: echo "::error file=../../x::outside"; echo fine > "$STAGEGATE_SUMMARY"
`

func TestAScriptSpeaksOnItsCheckRun(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(talkative)
	w.push("main")
	run := w.check(sha, "ci / test", "failure")
	const file = ".github/pipelines/ci.yaml"
	want := []githubtest.Annotation{
		{Path: "b.go", StartLine: 3, EndLine: 4, Level: "failure", Title: "unit: Broken", Message: "it *is* broken"},
		{Path: file, StartLine: 1, EndLine: 1, Level: "failure", Title: "lint", Message: "../../x: outside"},
		{Path: "a.go", StartLine: 7, EndLine: 7, Level: "warning", Title: "unit", Message: "slow"},
		{Path: file, StartLine: 1, EndLine: 1, Level: "notice", Title: "unit", Message: "by the way"},
	}
	if diff := cmp.Diff(want, run.Annotations); diff != "" {
		t.Error(diff)
	}
	const text = "**unit** wrote:\n\n> # Hi @\u200boctocat\n> ~~~\n> <!--\n\n\n**lint** wrote:\n\n> fine\n\n\n"
	if diff := cmp.Diff(text, run.Text); diff != "" {
		t.Error(diff)
	}
	if want := "exit code 1\n\n- b.go:3: it \\*is\\* broken\n"; !strings.Contains(run.Summary, want) {
		t.Errorf("summary:\n%s", run.Summary)
	}
	if err := w.repo.RerequestCheckRun("alice", run.ID); err != nil {
		t.Fatal(err)
	}
	w.eventually("a second run", func() bool { return len(w.runs(sha, "ci / test")) == 2 })
	again := w.check(sha, "ci / test", "failure")
	if diff := cmp.Diff(want, again.Annotations); diff != "" {
		t.Error(diff)
	}
	if n := len(w.runs(sha, "ci / test")[0].Annotations); n != len(want) {
		t.Errorf("the first run has %d annotations now", n)
	}
}
