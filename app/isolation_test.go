package app_test

import (
	"strings"
	"testing"
)

const lowered = `
on: push
stages:
  - name: build
    actions:
      - name: trace
        image: stagegate/busybox:local
        run: grep -q '^CapEff:.*' /proc/self/status
        isolation:
          cap-add: SYS_PTRACE
`

// What the operator does not allow is refused with its line when a pipeline starts,
// and again when its job is handed out: the setting may have changed since.
func TestIsolationTakesTheOperator(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(lowered)
	w.push("main")
	run := w.check(sha, "ci", "failure")
	if len(run.Annotations) != 1 {
		t.Fatalf("%+v", run)
	}
	a := run.Annotations[0]
	if a.StartLine != 10 || !strings.Contains(a.Message, "the operator does not allow octo/shop cap-add=SYS_PTRACE") {
		t.Errorf("%+v", a)
	}

	w.stop()
	w.allow, w.apart = "octo/* cap-add=SYS_PTRACE", true
	w.start()
	sha = w.commit("Again", map[string]string{"a.txt": "a\n"})
	w.push("main")
	w.eventually("the job waits", func() bool { return len(w.runs(sha, "ci / build")) == 1 })
	w.stop()
	w.allow, w.apart = "octo/other privileged", false
	w.start()
	run = w.check(sha, "ci / build", "failure")
	if want := "isolation: octo/shop is not allowed cap-add=SYS"; !strings.Contains(run.Summary+run.Text, want) {
		t.Errorf("%s\n%s", run.Summary, run.Text)
	}

	w.stop()
	w.allow = "octo/shop cap-add=SYS_PTRACE"
	w.start()
	sha = w.commit("Allowed", map[string]string{"a.txt": "b\n"})
	w.push("main")
	w.check(sha, "ci / build", "success")
}
