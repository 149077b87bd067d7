package web_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// ruled waits in front of production for a window, with a command that has said no and
// something that runs last.
func ruled() pipeline.Execution {
	x := execution(2)
	def := &x.Definition.Stages[2]
	def.Actions = append([]pipeline.Action{{Name: "before-entry.2", Role: pipeline.RoleEntry, Image: "curl"}}, def.Actions...)
	def.Actions = append(def.Actions, pipeline.Action{Name: "tidy", Role: pipeline.RoleFinally, Image: "busybox"})
	st := &x.Stages[2]
	st.Actions = append([]pipeline.ActionState{{
		Name: "before-entry.2", Status: pipeline.Failed, Attempt: 1, Reason: "exit code 22", ExitCode: 22, StartedAt: at(121), EndedAt: at(123), LogTail: "curl: (22)\n",
	}}, st.Actions...)
	st.Actions = append(st.Actions, pipeline.ActionState{Name: "tidy", Status: pipeline.Pending, Attempt: 1})
	st.Status, st.Admitted, st.WaitsFrom = pipeline.Waiting, true, at(120)
	st.Reason = "window does not hold: closed: mon-thu 09:00-16:00 Europe/Paris; it opens Tuesday 5 May 09:00 CEST"
	st.Hold = pipeline.Hold{For: pipeline.HoldRules, Until: at(68400)}
	st.Checks = []pipeline.Check{{At: at(124), Point: pipeline.RoleEntry, Findings: []pipeline.Finding{
		{Rule: "tests-pass", Holds: true, Evidence: "214 of 214 tests of stage test passed (100%, to be 100%)"},
		{Rule: "window", Evidence: "closed: mon-thu 09:00-16:00 Europe/Paris; it opens Tuesday 5 May 09:00 CEST", Otherwise: pipeline.OtherwiseWait},
		{Rule: "command", Evidence: "before-entry.2 failed: exit code 22", Otherwise: pipeline.OtherwiseWait},
	}}}
	return x
}

func TestRulesThatHoldAStageBack(t *testing.T) {
	html := newSite(ruled(), nil).get(t, pagePath)
	wantWords(
		t, html,
		"Waits for its rules: window does not hold: closed: mon-thu 09:00-16:00 Europe/Paris; it opens Tuesday 5 May 09:00 CEST (asked again at 5 May 2026 07:00 UTC). Then stage production begins.",
		"Rules before entry, asked 2026-05-04 12:02:04 UTC",
		"tests-pass ✓ holds 214 of 214 tests", "window … does not hold yet closed:", "— the stage waits",
		"can let it go on all the same: /override release/production REASON",
		"before-entry.2 command of a rule before entry", "tidy finally",
	)
	if strings.Contains(html, `<section class="note bad">`) {
		t.Error("a rule that is waited for is shown as a failure")
	}
}

func TestRulesThatFailedAStage(t *testing.T) {
	x := ruled()
	st := &x.Stages[2]
	x.Status, x.EndedAt, x.Reason = pipeline.Failed, at(125), "stage production failed"
	st.Status, st.EndedAt, st.Barred, st.Hold = pipeline.Failed, at(125), pipeline.RoleEntry, pipeline.Hold{}
	st.Actions[0].Status = pipeline.Succeeded
	st.Checks[0].Findings = []pipeline.Finding{{Rule: "variable", Evidence: `variables.<b> is "1", to be == "2"`}}
	st.Reason = `variable does not hold: variables.<b> is "1", to be == "2"`
	html := newSite(x, nil).get(t, pagePath)
	const why = `Stage production failed: variable does not hold: variables.&lt;b&gt; is &#34;1&#34;, to be == &#34;2&#34;`
	wantWords(t, html, why, "variable ✗ does not hold variables.&lt;b&gt;", "— the stage fails", "/override release/production REASON")
}

func TestOverridesAreShown(t *testing.T) {
	x := ruled()
	st := &x.Stages[2]
	st.Past = []pipeline.Attempt{{Attempt: 1, Status: pipeline.Failed, Actions: st.Actions, Checks: st.Checks}}
	st.Status, st.Hold, st.Reason = pipeline.InProgress, pipeline.Hold{}, ""
	st.Overrides = []pipeline.Overridden{{At: at(126), Actor: "grace", Reason: "hotfix <i>", Point: pipeline.RoleEntry}}
	st.Checks = nil
	html := newSite(x, nil).get(t, pagePath)
	wantWords(t, html, "Rules before entry overridden by grace , 2026-05-04 12:02:06 UTC : hotfix &lt;i&gt;", "Attempt 1 ✗ failed", "window … does not hold yet")
	if strings.Contains(html, "/override") {
		t.Error("the page offers to override what is overridden")
	}
}
