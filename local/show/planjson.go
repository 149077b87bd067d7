package show

import (
	"fmt"
	"io"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// A plan in JSON. What is not known is an empty text; lists are never null;
// times are seconds, and 0 is the default of whoever runs it.
type (
	planObject struct {
		Event     pipeline.Trigger `json:"event"`
		Type      string           `json:"type"`
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
		Name    string         `json:"name"`
		Actions []actionObject `json:"actions"`
	}
	actionObject struct {
		Name      string            `json:"name"`
		Wave      int               `json:"wave"`
		Needs     []string          `json:"needs"`
		Image     string            `json:"image,omitempty"`
		Env       map[string]string `json:"env,omitempty"`
		Inputs    []string          `json:"inputs,omitempty"`
		Artifacts map[string]string `json:"artifacts,omitempty"`
		Secrets   []string          `json:"secrets,omitempty"`
		Timeout   float64           `json:"timeout,omitempty"`
		Approval  *approvalObject   `json:"approval,omitempty"`
		Problem   string            `json:"problem,omitempty"`
	}
	approvalObject struct {
		Users      []string `json:"users"`
		Teams      []string `json:"teams"`
		Expires    float64  `json:"expires"`
		SelfReview bool     `json:"selfReview"`
	}
)

// PlanJSON writes what an event would start, for machines.
func PlanJSON(w io.Writer, p local.Plan) error {
	out := planObject{
		Event: p.Event, Type: p.Type, Ref: p.Revision.Ref, Branch: p.Revision.Branch, Base: p.Revision.Base, Commit: p.Revision.Commit,
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
	out := stageObject{Name: s.Name}
	for _, a := range s.Actions {
		o := actionObject{
			Name: a.Name, Wave: a.Wave, Needs: list(a.Needs), Image: a.Image, Inputs: a.Inputs, Secrets: a.Secrets,
			Timeout: a.Timeout.Seconds(), Problem: a.Problem,
		}
		if len(a.Env) > 0 {
			o.Env = map[string]string{}
		}
		for _, v := range a.Env {
			o.Env[v.Name] = v.Value
		}
		if len(a.Artifacts) > 0 {
			o.Artifacts = map[string]string{}
		}
		for _, v := range a.Artifacts {
			o.Artifacts[v.Name] = v.Path
		}
		if a.Approval != nil {
			o.Approval = &approvalObject{list(a.Approval.Users), list(a.Approval.Teams), a.Approval.Expires.Seconds(), a.Approval.SelfReview}
		}
		out.Actions = append(out.Actions, o)
	}
	return out
}

// list is never null in JSON.
func list(names []string) []string { return append([]string{}, names...) }
