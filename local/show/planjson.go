package show

import (
	"fmt"
	"io"
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// A plan in JSON. What is not known is an empty text; lists are never null;
// times are seconds, and 0 is the default of whoever runs it.
type (
	planObject struct {
		Event     pipeline.Trigger `json:"event"`
		Type      string           `json:"type"`
		Upstream  string           `json:"upstream,omitempty"`
		Ref       string           `json:"ref"`
		Branch    string           `json:"branch"`
		Base      string           `json:"base"`
		Commit    string           `json:"commit"`
		Pipelines []pipelineObject `json:"pipelines"`
	}
	pipelineObject struct {
		Name     string        `json:"name"`
		File     string        `json:"file"`
		Starts   bool          `json:"starts"`
		Skips    bool          `json:"skips"`
		Why      string        `json:"why"`
		Mistakes []object      `json:"mistakes"`
		Stages   []stageObject `json:"stages"`
	}
	stageObject struct {
		Name        string           `json:"name"`
		If          string           `json:"if,omitempty"`
		Environment string           `json:"environment,omitempty"`
		Concurrency string           `json:"concurrency,omitempty"`
		BeforeEntry []ruleObject     `json:"beforeEntry,omitempty"`
		OnSuccess   []ruleObject     `json:"onSuccess,omitempty"`
		OnFailure   *onFailureObject `json:"onFailure,omitempty"`
		Actions     []actionObject   `json:"actions"`
	}
	ruleObject struct {
		Kind      string `json:"kind"`
		Text      string `json:"text"` // of a command the name of its action
		Otherwise string `json:"otherwise"`
	}
	onFailureObject struct {
		Retry    string  `json:"retry,omitempty"`
		Times    int     `json:"times,omitempty"`
		Backoff  float64 `json:"backoff,omitempty"`
		Rollback bool    `json:"rollback"`
		Skip     bool    `json:"skip"`
	}
	actionObject struct {
		Name      string            `json:"name"`
		Role      string            `json:"role,omitempty"`
		Of        string            `json:"of,omitempty"`
		Matrix    map[string]string `json:"matrix,omitempty"`
		If        string            `json:"if,omitempty"`
		Wave      int               `json:"wave"`
		Needs     []string          `json:"needs"`
		Image     string            `json:"image,omitempty"`
		Env       map[string]string `json:"env,omitempty"`
		Inputs    []string          `json:"inputs,omitempty"`
		Artifacts map[string]string `json:"artifacts,omitempty"`
		Secrets   []string          `json:"secrets,omitempty"`
		// SecretFiles are those of Secrets that come as files.
		SecretFiles []string `json:"secretFiles,omitempty"`
		// Isolation are the options of it that the operator must allow.
		Isolation []string        `json:"isolation,omitempty"`
		Timeout   float64         `json:"timeout,omitempty"`
		Approval  *approvalObject `json:"approval,omitempty"`
		Problem   string          `json:"problem,omitempty"`
	}
	approvalObject struct {
		groupObject

		AllOf       []groupObject `json:"allOf,omitempty"`
		AnyOf       []groupObject `json:"anyOf,omitempty"`
		Environment string        `json:"environment,omitempty"`
		Expires     float64       `json:"expires"`
		SelfReview  bool          `json:"selfReview"`
		RejectCount int           `json:"rejectCount,omitempty"`
		Fields      []string      `json:"fields,omitempty"` // of its form
	}
	groupObject struct {
		Users      []string `json:"users"`
		Teams      []string `json:"teams"`
		Permission string   `json:"permission,omitempty"`
		CodeOwners bool     `json:"codeOwners,omitempty"`
		Count      int      `json:"count,omitempty"` // missing: 1
	}
)

// PlanJSON writes what an event would start, for machines.
func PlanJSON(w io.Writer, p local.Plan) error {
	out := planObject{
		Event: p.Event, Type: p.Type, Upstream: p.Upstream, Ref: p.Revision.Ref, Branch: p.Revision.Branch, Base: p.Revision.Base, Commit: p.Revision.Commit,
		Pipelines: []pipelineObject{},
	}
	for _, f := range p.Pipelines {
		o := pipelineObject{
			Name: f.Name, File: f.File, Starts: f.Starts, Skips: f.Skips, Why: f.Why,
			Mistakes: objects(f.Mistakes), Stages: []stageObject{},
		}
		for _, s := range f.Stages {
			o.Stages = append(o.Stages, stageOf(s))
		}
		out.Pipelines = append(out.Pipelines, o)
	}
	if err := encode(w, out); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

func stageOf(s local.PlannedStage) stageObject {
	f := s.Stage.OnFailure
	out := stageObject{
		Name: s.Stage.Name, If: s.Stage.If, Environment: s.Stage.Environment, Concurrency: s.Stage.Concurrency,
		BeforeEntry: rulesOf(s.Stage.BeforeEntry), OnSuccess: rulesOf(s.Stage.OnSuccess), Actions: []actionObject{},
	}
	if f != (pipeline.OnFailure{}) {
		out.OnFailure = &onFailureObject{string(f.Retry), f.Times, f.Backoff.Seconds(), f.Rollback, f.Skip}
	}
	for _, a := range s.Actions {
		out.Actions = append(out.Actions, actionOf(a))
	}
	return out
}

func rulesOf(rules []pipeline.Rule) []ruleObject {
	var out []ruleObject
	for _, r := range rules {
		kind, text := r.Words()
		out = append(out, ruleObject{kind, text, r.Otherwise.Word()})
	}
	return out
}

func actionOf(a local.PlannedAction) actionObject {
	o := actionObject{
		Name: a.Name, Role: string(a.Role), Of: a.Of, Matrix: texts(a.Matrix), If: a.If, Wave: a.Wave, Needs: list(a.Needs),
		Image: a.Image, Env: texts(a.Env), Inputs: a.Inputs,
		Secrets: pipeline.SecretNames(a.Secrets), SecretFiles: secretFiles(a.Secrets),
		Isolation: a.Isolation.Options(), Timeout: a.Timeout.Seconds(), Problem: a.Problem,
	}
	if len(a.Artifacts) > 0 {
		o.Artifacts = map[string]string{}
	}
	for _, v := range a.Artifacts {
		o.Artifacts[v.Name] = v.Path
	}
	if a.Approval != nil {
		o.Approval = approvalOf(*a.Approval)
	}
	return o
}

// secretFiles are the names of the secrets that come as files.
func secretFiles(uses []pipeline.SecretUse) []string {
	return pipeline.SecretNames(slices.DeleteFunc(slices.Clone(uses), func(s pipeline.SecretUse) bool { return !s.File }))
}

func approvalOf(a pipeline.Approval) *approvalObject {
	own := pipeline.Group{Users: a.Users, Teams: a.Teams, Permission: a.Permission, CodeOwners: a.CodeOwners, Count: a.Count}
	return &approvalObject{
		groupObject: groupOf(own), AllOf: groupsOf(a.AllOf), AnyOf: groupsOf(a.AnyOf), Environment: a.Environment,
		Expires: a.Expires.Seconds(), SelfReview: a.SelfReview, RejectCount: a.RejectCount, Fields: a.Fields(),
	}
}

func groupOf(g pipeline.Group) groupObject {
	return groupObject{list(g.Users), list(g.Teams), string(g.Permission), g.CodeOwners, g.Count}
}

func groupsOf(all []pipeline.Group) []groupObject {
	var out []groupObject
	for _, g := range all {
		out = append(out, groupOf(g))
	}
	return out
}

// texts are named values as an object; null where there are none.
func texts(values []pipeline.Value) map[string]string {
	if len(values) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, v := range values {
		out[v.Name] = v.Value
	}
	return out
}

// list is never null in JSON.
func list(names []string) []string { return append([]string{}, names...) }
