package pipeline

import (
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// Touches tells whether a file that the pattern matches has changed: what
// changed() asks. Where not all that changed is known it says so, as a filter of
// paths lets the event through.
func (c Changes) Touches(pattern string) bool {
	return !c.Complete || slices.ContainsFunc(c.Files, func(file string) bool { return MatchesPath(pattern, file) })
}

// MatchesPath tells whether a pattern of changed() or hash() matches a path.
func MatchesPath(pattern, file string) bool {
	ok, err := doublestar.Match(pattern, file)
	return err == nil && ok
}

// WantsFiles tells whether what becomes of the event hangs on the files that
// changed, by a filter of paths or by changed(), and those are not known.
func (d Definition) WantsFiles(x Execution) bool {
	return x.Revision.Tag() == "" && !x.Revision.Changed.Complete && d.On.Match(x).Starts && (d.On.asksFiles(x.Trigger) || d.callsChanged())
}

// callsChanged tells whether an expression of the definition calls changed().
func (d Definition) callsChanged() bool {
	return slices.ContainsFunc(d.Stages, func(s Stage) bool {
		rule := func(r Rule) bool { return callsChanged(r.Expression) }
		return callsChanged(s.If) || textCallsChanged(s.Concurrency) || slices.ContainsFunc(s.BeforeEntry, rule) || slices.ContainsFunc(s.OnSuccess, rule) ||
			slices.ContainsFunc(s.Actions, Action.callsChanged)
	})
}

// callsChanged tells whether an expression of the action calls changed().
func (a Action) callsChanged() bool {
	return callsChanged(a.If) || textCallsChanged(a.Image) ||
		slices.ContainsFunc(a.Env, func(v Value) bool { return textCallsChanged(v.Value) })
}

func textCallsChanged(text string) bool {
	t, err := expression.Parse(text)
	return err == nil && slices.ContainsFunc(t.Calls(), isChanged)
}

func isChanged(c expression.Call) bool { return c.Function == "changed" }

func callsChanged(condition string) bool {
	c, err := expression.ParseCondition(condition)
	return err == nil && slices.ContainsFunc(c.Calls(), isChanged)
}
