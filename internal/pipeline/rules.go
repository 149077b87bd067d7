package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// askEvery is how old what the rules of a stage came to may be before their commands
// run again, and how long a command that says no is waited for.
const askEvery = time.Minute

// LongestWait is how long rules may keep an execution waiting in front of a stage; then
// it fails.
const LongestWait = 30 * 24 * time.Hour

// judge asks the rules of a point of a stage, after their commands, and tells whether
// all hold. Where they do not, it has seen to what follows.
func (m *move) judge(i int, point Role) bool {
	st := m.own(i)
	rules := m.rules(i, point)
	if len(rules) == 0 || st.overridden(point) {
		return true
	}
	if m.commandsRun(i, point) {
		return false
	}
	check := Check{At: m.now, Point: point}
	for _, r := range rules {
		check.Findings = append(check.Findings, m.find(i, r))
	}
	st.Checks = append(slices.DeleteFunc(slices.Clone(st.Checks), func(c Check) bool { return c.Point == point }), check)
	worst := check.worst()
	if worst == nil {
		st.HeldFrom = time.Time{}
		if st.Hold.For == HoldRules {
			st.Hold, st.Reason = Hold{}, ""
		}
		return true
	}
	m.follow(i, point, *worst)
	return false
}

func (m *move) rules(i int, point Role) []Rule {
	if point == RoleEntry {
		return m.Definition.Stages[i].BeforeEntry
	}
	return m.Definition.Stages[i].OnSuccess
}

// worst is the finding that decides: of those that do not hold one that fails, else one
// that rolls back, skips or waits.
func (c Check) worst() *Finding {
	for _, o := range []Otherwise{OtherwiseFail, OtherwiseRollback, OtherwiseSkip, OtherwiseWait} {
		for i, f := range c.Findings {
			if !f.Holds && f.Otherwise == o {
				return &c.Findings[i]
			}
		}
	}
	return nil
}

// follow does what a rule says that does not hold.
func (m *move) follow(i int, point Role, f Finding) {
	st := m.own(i)
	reason := f.Rule + " does not hold: " + f.Evidence
	switch {
	case point == RoleSuccess: // what runs last comes first
		st.Barred, st.Reason = RoleSuccess, reason
	case f.Otherwise == OtherwiseWait:
		m.wait(i, reason)
	case f.Otherwise == OtherwiseSkip:
		m.leave(i)
		m.skipStage(i, reason)
		m.goOn(i)
	default:
		st.Barred = RoleEntry
		m.bar(i, reason)
	}
}

// wait keeps a stage back until its rules may hold, and not for ever.
func (m *move) wait(i int, reason string) {
	st := m.own(i)
	if st.HeldFrom.IsZero() {
		st.HeldFrom = m.now
	}
	last := st.HeldFrom.Add(LongestWait)
	if !m.now.Before(last) {
		st.Barred = RoleEntry
		m.bar(i, fmt.Sprintf("%s, for %d days now", reason, int(LongestWait.Hours()/24)))
		return
	}
	m.letGo(i)
	st.Reason = reason
	until := m.again(i)
	if until.IsZero() || until.After(last) {
		until = last
	}
	if st.Hold.For != HoldRules || !until.Equal(st.Hold.Until) {
		st.Hold = Hold{For: HoldRules, Until: until}
		m.emit(AwaitDue{At: until, Stage: st.Name, Attempt: st.Attempt})
	}
}

// bar fails a stage that may not begin its work.
func (m *move) bar(i int, reason string) {
	m.dropCommands(i)
	m.leave(i)
	m.fail(i, reason)
	m.goOn(i)
}

// again is when rules that do not hold may: the last of what their windows say, soon
// where a command said no. It is zero where time alone changes nothing.
func (m *move) again(i int) time.Time {
	var until time.Time
	st := m.own(i)
	check := st.Checks[slices.IndexFunc(st.Checks, func(c Check) bool { return c.Point == RoleEntry })]
	for k, r := range m.rules(i, RoleEntry) {
		if check.Findings[k].Holds {
			continue
		}
		var at time.Time
		switch {
		case r.Window != nil:
			at, _ = r.Window.Next(m.now)
		case r.Command != "":
			at = m.now.Add(askEvery)
		}
		if at.After(until) {
			until = at
		}
	}
	return until
}

// commandsRun starts the commands of the rules of a point where what they said is not
// known or old, and tells whether any still runs.
func (m *move) commandsRun(i int, point Role) bool {
	st, defs := m.own(i), m.Definition.Stages[i].Actions
	if !slices.ContainsFunc(defs, func(a Action) bool { return a.Role == point }) {
		return false
	}
	fresh := slices.ContainsFunc(st.Checks, func(c Check) bool { return c.Point == point && m.now.Before(c.At.Add(askEvery)) })
	if !st.Asking && !fresh {
		st.Asking = true
		for j, def := range defs {
			if a := &st.Actions[j]; def.Role == point && a.Status != Pending {
				*a = ActionState{Name: a.Name, Status: Pending, Attempt: a.Attempt + 1}
			}
		}
	}
	for j, def := range defs {
		if def.Role == point && st.Actions[j].Status == Pending {
			m.handOut(i, j, def)
		}
	}
	runs := m.busy(i, point)
	st.Asking = runs
	return runs
}

// dropCommands stops the commands of a stage's rules, whose word no longer counts.
func (m *move) dropCommands(i int) {
	st := m.own(i)
	for j, def := range m.Definition.Stages[i].Actions {
		a := &st.Actions[j]
		if def.Role == RoleEntry && (a.Status == Queued || a.Status == InProgress) {
			m.emit(StopJob{m.JobID(i, j)})
			m.finish(a, Cancelled, "")
		}
	}
	st.Asking = false
}

// find looks whether a rule holds. One that cannot be told does not.
func (m *move) find(i int, r Rule) Finding {
	f := Finding{Otherwise: r.Otherwise}
	var err error
	switch {
	case r.Window != nil:
		f.Rule = "window"
		f.Holds, f.Evidence, err = m.findWindow(*r.Window)
	case r.TestsPass != nil:
		f.Rule = "tests-pass"
		f.Holds, f.Evidence = r.TestsPass.Holds(m.tests(r.TestsPass.Stage), nil)
	case r.Variable != nil:
		f.Rule = "variable"
		f.Holds, f.Evidence, err = m.findVariable(*r.Variable)
	case r.Command != "":
		f.Rule = "command"
		a := m.Stages[i].Actions[m.action(i, r.Command)]
		f.Holds, f.Evidence = a.Status == Succeeded, r.Command+" "+words(a.Status)
		if a.Reason != "" {
			f.Evidence += ": " + a.Reason
		}
	default:
		f.Rule, f.Evidence = "expression", r.Expression
		f.Holds, _, err = m.holds(r.Expression, expression.Status{}, nil)
	}
	if err != nil {
		f.Holds, f.Evidence = false, err.Error()
	}
	return f
}

func (m *move) action(i int, name string) int {
	return slices.IndexFunc(m.Stages[i].Actions, func(a ActionState) bool { return a.Name == name })
}

func (m *move) findWindow(w Window) (bool, string, error) {
	open, err := w.Open(m.now)
	if err != nil || open {
		return open, "open: " + w.String(), err
	}
	next, err := w.Next(m.now)
	if next.IsZero() {
		return false, "closed for good: " + w.String(), err
	}
	return false, fmt.Sprintf("closed: %s; it opens %s", w, next.Format("Monday 2 January 15:04 MST")), err
}

func (m *move) findVariable(r VariableRule) (bool, string, error) {
	text, err := m.lookup(strings.Split(r.Name, "."))
	if err != nil {
		return false, "", err
	}
	evidence := fmt.Sprintf("%s is %.200q, to be %s %q", r.Name, text, r.Operator, r.Value)
	switch r.Operator {
	case Equal:
		return text == r.Value, evidence, nil
	case NotEqual:
		return text != r.Value, evidence, nil
	case Contains:
		return strings.Contains(text, r.Value), evidence, nil
	case Matches:
		pattern, err := regexp.Compile(r.Value)
		if err != nil {
			return false, "", fmt.Errorf("read %q: %w", r.Value, err)
		}
		return pattern.MatchString(text), evidence, nil
	}
	return false, "", errors.New("no rule compares by " + string(r.Operator))
}

// tests adds up what the actions of a stage have reported; nil: nothing.
func (m *move) tests(stage string) *Tests {
	var sum *Tests
	for _, st := range m.Stages {
		for _, a := range st.Actions {
			if st.Name != stage || a.Tests == nil {
				continue
			}
			if sum == nil {
				sum = &Tests{}
			}
			sum.Passed, sum.Failed, sum.Skipped = sum.Passed+a.Tests.Passed, sum.Failed+a.Tests.Failed, sum.Skipped+a.Tests.Skipped
			sum.Failing = append(sum.Failing, a.Tests.Failing...)
		}
	}
	return sum
}

// Holds tells whether the tests are good enough, and why. Before are those of the last
// success of their stage; nil: there was none.
func (r TestsPass) Holds(now, before *Tests) (bool, string) {
	if now == nil || now.Passed+now.Failed == 0 {
		return false, "stage " + r.Stage + " has reported no tests"
	}
	share := 100 * float64(now.Passed) / float64(now.Passed+now.Failed)
	evidence := fmt.Sprintf("%d of %d tests of stage %s passed (%.4g%%, to be %.4g%%)", now.Passed, now.Passed+now.Failed, r.Stage, share, r.Minimum)
	if share < r.Minimum {
		return false, evidence
	}
	if before != nil {
		for _, name := range now.Failing {
			if !slices.Contains(before.Failing, name) {
				return false, evidence + ", but " + name + " fails, which did not when the stage last succeeded"
			}
		}
	}
	return true, evidence
}

// holds tells whether a condition holds, and whether it asks how what was before has
// ended. What no status is given for cannot be asked.
func (m *move) holds(text string, status expression.Status, matrix []Value) (holds, asks bool, err error) {
	c, err := expression.ParseCondition(text)
	if err != nil {
		return false, false, fmt.Errorf("resolve %s: %w", text, err)
	}
	scope := m.scope(matrix)
	scope.Status = &status
	holds, err = c.Evaluate(scope)
	if err != nil {
		err = fmt.Errorf("resolve %s: %w", text, err)
	}
	return holds, c.Asks(), err
}

// judged tells whether the rules of a stage on success were asked.
func (st StageState) judged() bool {
	return slices.ContainsFunc(st.Checks, func(c Check) bool { return c.Point == RoleSuccess })
}

func (st StageState) overridden(point Role) bool {
	return slices.ContainsFunc(st.Overrides, func(o Overridden) bool { return o.Point == point })
}

// Overridable tells whether a person can let the stage go on though its rules, or what
// is deployed, keep it back or have failed it.
func (st StageState) Overridable() bool {
	return st.Hold.For == HoldRules || st.Hold.For == HoldCompare || st.Status == Failed && st.Barred != RoleWork
}

// override lets a stage go on though its rules, or what is deployed, say no.
func (m *move) override(i int, e Override) error {
	st := m.own(i)
	over := func(point Role) {
		st.Overrides = append(slices.Clone(st.Overrides), Overridden{At: e.At, Actor: e.Actor, Reason: e.Reason, Point: point})
		st.Hold, st.Barred, st.Reason = Hold{}, RoleWork, ""
	}
	switch {
	case e.Overtaken:
		return refuse("a newer execution has entered stage %s since; override that one", e.Stage)
	case st.Hold.For == HoldRules || st.Hold.For == HoldCompare:
		over(RoleEntry)
		m.advance(i)
		return nil
	case !m.Status.Ended():
		return refuse("no rule keeps execution %d back at stage %s", m.Number, e.Stage)
	case m.Status != Failed:
		return refuse("execution %d was %s, and does not go on; start the pipeline anew", m.Number, words(m.Status))
	case st.Status == Failed && st.Barred == RoleEntry:
		m.rerun(i, false)
		over(RoleEntry)
		return nil
	case st.Status == Failed && st.Barred == RoleSuccess && m.outcome(i, true) == Succeeded:
		over(RoleSuccess)
		return m.countAsSucceeded(i)
	}
	return refuse("stage %s did not fail by its rules; run it again", e.Stage)
}
