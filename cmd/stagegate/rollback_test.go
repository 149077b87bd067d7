package main

import (
	"strings"
	"testing"
)

const delivering = `
on: push
stages:
  - name: build
    actions: [{ name: compile, image: "stagegate/busybox:local", run: "echo shop > out", artifacts: { shop: out } }]
  - name: production
    actions: [{ name: roll-out, image: "stagegate/busybox:local", inputs: [shop], run: "echo MARK" }]
`

// TestRollback goes back by the command line, after it has looked what that would do.
func TestRollback(t *testing.T) {
	p := newProcess(t)
	p.start()
	deliver := func(mark string) string {
		t.Helper()
		sha := p.pushTo(p.repo, strings.ReplaceAll(delivering, "MARK", mark))
		p.wait("the delivery of "+mark, func() bool {
			runs := p.repo.CheckRuns(sha)
			return len(runs) == 2 && runs[1].Conclusion == "success" && runs[0].Conclusion == "success"
		})
		return sha
	}
	first, second := deliver("one"), deliver("two")
	p.tells(1, "rollback ci live", `pipeline ci has no stage "live" at `+second[:7])
	p.tells(2, "rollback ci", "the PIPELINE and the STAGE are not both there")
	p.tells(2, "rollback ci production --to 0", "write the number of an execution")
	p.tells(0, "rollback ci production --preview", "nothing was started\n", "stage production goes back to execution 1, "+first[:7]+" of refs/heads/main",
		"it has now:      execution 2, "+second[:7], "runs:            roll-out\n", "is given:        shop\n", "passes:          nothing (of the file at "+second[:7]+")")
	p.tells(0, "executions --succeeded-in production", "octo/shop/ci/1", "octo/shop/ci/2")
	p.tells(0, "executions --succeeded-in nothing --json", `"items": []`)
	p.tells(0, "__complete rollback ci production --to ", "2\t"+second[:7], "1\t"+first[:7])
	p.tells(0, "rollback ci production --to 1 --reason slow --json", `"number": 3`, `"reason": "slow"`)
	p.wait("the rollback", func() bool {
		return p.run(first).Name == "ci / production (rollback 3)" && p.run(first).Conclusion == "success"
	})
	p.tells(0, "execution show ci/3", "rollback by the operator", "goes back to execution 1 in stage production, as the operator asked: slow; it runs by the definition ")
	p.tells(0, "__complete rollback ci ", "build\nproduction\n:4")
	p.tells(1, "rollback ci production --to 3", "execution 3 is itself a rollback: name the one that it went back to, 1")
	p.tells(1, "rollback ci production --lane refs/heads/next", "nothing has succeeded in stage production on refs/heads/next that could be gone back to")
}
