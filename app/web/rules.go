package web

import "github.com/stagegate/stagegate/internal/pipeline"

// check is what the rules of a stage came to at one time.
type check struct {
	Point string
	At    moment
	Rules []rule
}

// rule is what one rule came to, with what shows it.
type rule struct {
	Name     string
	Status   badge
	Evidence string
	Else     string // what follows because it does not hold
}

// override is who let a stage go on though its rules did not hold, and why.
type override struct {
	Actor, Reason, Point string
	At                   moment
}

var (
	ruleHolds = badge{"holds", "✓", "good"}
	ruleFails = badge{"does not hold", "✗", "bad"}
	ruleWaits = badge{"does not hold yet", "…", "ask"}
)

func checksOf(list []pipeline.Check) []check {
	var out []check
	for _, c := range list {
		shown := check{Point: points[c.Point], At: momentOf(c.At)}
		for _, f := range c.Findings {
			shown.Rules = append(shown.Rules, ruleOf(f))
		}
		out = append(out, shown)
	}
	return out
}

func ruleOf(f pipeline.Finding) rule {
	r := rule{Name: clip(f.Rule, 100), Status: ruleHolds, Evidence: clip(f.Evidence, 1000)}
	if f.Holds {
		return r
	}
	r.Status = ruleFails
	switch f.Otherwise {
	case pipeline.OtherwiseWait:
		r.Status, r.Else = ruleWaits, "the stage waits"
	case pipeline.OtherwiseSkip:
		r.Else = "the stage is passed over"
	case pipeline.OtherwiseRollback:
		r.Else = "the stage fails and is rolled back"
	case pipeline.OtherwiseFail:
		r.Else = "the stage fails"
	}
	return r
}

// points are where rules are asked, and what their commands are for.
var points = map[pipeline.Role]string{pipeline.RoleEntry: "before entry", pipeline.RoleSuccess: "on success"}

func overridesOf(list []pipeline.Overridden) []override {
	var out []override
	for _, o := range list {
		out = append(out, override{clip(o.Actor, 100), clip(o.Reason, 1000), points[o.Point], momentOf(o.At)})
	}
	return out
}

// roleWords says what an action is there for, where it is not the stage's own.
func roleWords(role pipeline.Role) string {
	switch role {
	case pipeline.RoleEntry, pipeline.RoleSuccess:
		return "command of a rule " + points[role]
	case pipeline.RoleFinally:
		return "finally"
	case pipeline.RoleWork:
	}
	return ""
}
