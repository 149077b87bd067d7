package api

import (
	"cmp"
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

func summary(x Found) Summary {
	r := x.Revision
	return Summary{
		ID: x.ID, Number: x.Number, Repository: x.Repository, Pipeline: x.Definition.Name, Lane: x.Lane,
		Trigger: string(x.Trigger), Upstream: upstream(x), Rollback: goesBack(x), Actor: x.Actor, Status: string(x.Status), Reason: x.Reason, Abandoned: x.Abandoned,
		Revision: Revision{
			Commit: r.Commit, Ref: r.Ref, Branch: r.Branch, Base: r.Base, PullRequest: r.PullRequest,
			Message: r.Message, Author: r.Author, Time: r.Time,
		},
		CreatedAt: x.CreatedAt, EndedAt: x.EndedAt, URL: x.URL,
	}
}

func upstream(x Found) *Upstream {
	if len(x.Chain) == 0 {
		return nil
	}
	last := x.Chain[len(x.Chain)-1]
	return &Upstream{Execution: last.Execution, Number: last.Number, Pipeline: last.Pipeline, Stage: last.Stage}
}

func execution(x Found) Execution {
	out := Execution{
		Summary: summary(x), File: x.Definition.File, Definition: x.Definition.Hash, Notes: x.Notes,
		Stages: make([]Stage, len(x.Stages)), Artifacts: artifacts(x.Artifacts()),
	}
	if out.Artifacts == nil {
		out.Artifacts = []Artifact{}
	}
	for _, p := range x.Problems {
		out.Problems = append(out.Problems, Problem(p))
	}
	for _, v := range x.Definition.Variables {
		out.Variables = append(out.Variables, Variable{v.Name, v.Default})
	}
	for i := range x.Stages {
		out.Stages[i] = stage(x, i)
	}
	return out
}

func stage(x Found, i int) Stage {
	st := x.Stages[i]
	out := Stage{
		Name: st.Name, Status: string(st.Status), Attempt: st.Attempt, Reason: st.Reason, RolledBack: st.RolledBack,
		StartedAt: st.StartedAt, EndedAt: st.EndedAt, Actions: make([]Action, len(st.Actions)),
		Conditions: conditions(st.Checks), Overrides: overrides(st.Overrides), Retries: st.Retries,
	}
	for j := range st.Actions {
		out.Actions[j] = action(x, i, j)
	}
	for _, p := range st.Past {
		out.Past = append(out.Past, past(x.Definition.Stages[i], p))
	}
	if t, closed := x.Around.Closed[st.Name]; closed {
		shown := TransitionOf(x.Repository, t)
		out.Transition = &shown
	}
	for _, w := range explain.Waits(x.Execution, i, x.Around) {
		out.WaitsFor = append(out.WaitsFor, Wait{string(w.Kind), w.Text, w.Since, w.Next})
	}
	return out
}

func past(def pipeline.Stage, p pipeline.Attempt) PastStage {
	out := PastStage{
		Attempt: p.Attempt, Status: string(p.Status), Reason: p.Reason, StartedAt: p.StartedAt, EndedAt: p.EndedAt,
		Actions: make([]PastAction, len(p.Actions)), Conditions: conditions(p.Checks), Overrides: overrides(p.Overrides),
	}
	for j, a := range p.Actions {
		out.Actions[j] = PastAction{
			Name: a.Name, Title: def.Actions[j].Title(), Role: string(def.Actions[j].Role),
			Status: string(a.Status), Attempt: a.Attempt, Reason: a.Reason, ExitCode: a.ExitCode,
			StartedAt: a.StartedAt, EndedAt: a.EndedAt,
		}
	}
	return out
}

func conditions(checks []pipeline.Check) []Check {
	var out []Check
	for _, c := range checks {
		check := Check{At: c.At, Point: string(c.Point), Findings: make([]Finding, len(c.Findings))}
		for k, f := range c.Findings {
			check.Findings[k] = Finding{f.Rule, f.Holds, f.Evidence, cmp.Or(string(f.Otherwise), "fail")}
		}
		out = append(out, check)
	}
	return out
}

func overrides(list []pipeline.Overridden) []Overridden {
	var out []Overridden
	for _, o := range list {
		out = append(out, Overridden{o.At, o.Actor, o.Reason, string(o.Point)})
	}
	return out
}

func action(x Found, i, j int) Action {
	a, def := x.Stages[i].Actions[j], x.Definition.Stages[i].Actions[j]
	return Action{
		Name: a.Name, Title: def.Title(), Role: string(def.Role), If: def.If, Needs: def.Needs, Status: string(a.Status), Attempt: a.Attempt, Reason: a.Reason, ExitCode: a.ExitCode,
		Image: a.Image, Runner: a.Runner, StartedAt: a.StartedAt, EndedAt: a.EndedAt, Outputs: variables(a.Outputs),
		Artifacts: artifacts(a.Artifacts), Attempts: attempts(x, x.Stages[i].Name, a.Name),
		Approval: approval(x.Execution, def.Approval, a), Decision: decision(a.Decision),
	}
}

func attempts(x Found, stage, action string) []Attempt {
	var out []Attempt
	for _, j := range x.Jobs {
		if j.ID.Stage == stage && j.ID.Action == action {
			out = append(out, Attempt{j.ID.Attempt, j.Image, variables(environment(j)), pipeline.SecretNames(j.Secrets), artifacts(j.Inputs)})
		}
	}
	slices.SortFunc(out, func(a, b Attempt) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

// environment is what a job sets, digests of files as they are written.
func environment(j pipeline.Job) []pipeline.Value {
	all := slices.Clip(j.Env)
	for _, h := range j.Hashed {
		all = append(all, h.Value())
	}
	return all
}

func artifacts(list []pipeline.Artifact) []Artifact {
	var out []Artifact
	for _, a := range list {
		out = append(out, Artifact(a))
	}
	return out
}

func variables(list []pipeline.Value) []Variable {
	var out []Variable
	for _, v := range list {
		out = append(out, Variable(v))
	}
	return out
}
