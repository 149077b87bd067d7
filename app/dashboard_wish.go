package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// Do carries out what a person asks for on the page of an execution, if it is still what
// they were shown.
func (d dashboard) Do(ctx context.Context, w web.Wish) error {
	return inWords(d.carryOut(ctx, w))
}

func (d dashboard) carryOut(ctx context.Context, w web.Wish) error {
	switch w.Verb {
	case "freeze", "unfreeze":
		return d.turnWay(ctx, w)
	}
	return d.operate(ctx, w.Execution, w.Verb, func(x store.Execution) (operation, error) {
		if err := asShown(x, w); err != nil {
			return nil, about(x, err)
		}
		by := d.as(w.Says)
		switch w.Verb {
		case "approve", "reject":
			g, err := gateShown(x, w)
			if err != nil {
				return nil, about(x, err)
			}
			said := response{approved: w.Verb == "approve"}
			if said.approved {
				said.values = valuesOf(w.Values)
			}
			return d.decide(ctx, by, g, said)
		case "stop":
			return d.stop(ctx, by, repository(x), []store.Execution{x}, w.Abandon)
		case "retry":
			return d.retry(ctx, by, x, w.Stage, w.All)
		case "override":
			return d.override(ctx, by, x, w.Stage)
		}
		return nil, refused(codeNotFound, "there is nothing called %s", w.Verb)
	})
}

// turnWay closes or opens the way into a stage of all lanes.
func (d dashboard) turnWay(ctx context.Context, w web.Wish) error {
	x, err := d.seen(ctx, w.Execution)
	if err == nil {
		err = asShown(x, w)
	}
	if err != nil {
		return d.toAPI(noExecution(w.Execution, err))
	}
	into := api.Way{Repository: x.Repository, Pipeline: x.Definition.Name, Stage: w.Stage}
	if w.Verb == "freeze" {
		_, err = d.Disable(ctx, api.Disable{Way: into, Reason: w.Says, Until: w.Until})
	} else {
		_, err = d.Enable(ctx, into)
	}
	return err
}

// asShown refuses what is about another state than the person was shown.
func asShown(x store.Execution, w web.Wish) error {
	if x.Revision.Commit != w.Commit || x.Definition.Hash != w.Definition {
		return refused(codeConflict, "execution %d is of commit %s and pipeline file %s, and you were shown others: look again",
			x.Number, shortSHA(x.Revision.Commit), x.Definition.Hash[:min(12, len(x.Definition.Hash))])
	}
	if w.Action != "" || w.Stage == "" {
		return nil
	}
	i := x.StageIndex(w.Stage)
	if i < 0 {
		return noStage(x, w.Stage)
	}
	if x.Stages[i].Attempt != w.Attempt {
		return refused(codeConflict, "stage %s is at attempt %d now, and you were shown attempt %d: look again", w.Stage, x.Stages[i].Attempt, w.Attempt)
	}
	return nil
}

// gateShown finds the approval that a person was shown as waiting.
func gateShown(x store.Execution, w web.Wish) (gate, error) {
	i := x.StageIndex(w.Stage)
	if i < 0 {
		return gate{}, noStage(x, w.Stage)
	}
	j := slices.IndexFunc(x.Stages[i].Actions, func(a pipeline.ActionState) bool { return a.Name == w.Action })
	if j < 0 {
		return gate{}, refused(codeNotFound, "stage %s has no approval %q", w.Stage, w.Action)
	}
	g, act := gate{x, i, j}, x.Stages[i].Actions[j]
	switch {
	case slices.Contains(waitingApprovals(x.Execution, i), j) && act.Attempt == w.Attempt:
		return g, nil
	case act.Attempt != w.Attempt:
		return g, refused(codeConflict, "%s waits anew, at attempt %d, since you were shown attempt %d: look again", g.name(), act.Attempt, w.Attempt)
	case act.Decision != nil:
		return g, refused(codeConflict, "%s does not wait any more: %s has answered it already", g.name(), act.Decision.Actor)
	}
	return g, refused(codeConflict, "%s does not wait for an answer any more: it is %s", g.name(), strings.ReplaceAll(string(act.Status), "_", " "))
}

// inWords puts an error of the API into one for a page.
func inWords(err error) error {
	var no *api.Refusal
	if !errors.As(err, &no) {
		return err
	}
	switch no.Code {
	case api.Forbidden:
		return &web.Refusal{Status: http.StatusForbidden, Message: no.Message}
	case api.Conflict, api.Already:
		return &web.Refusal{Status: http.StatusConflict, Message: no.Message}
	case api.Unavailable:
		return web.ErrUnavailable
	default:
		return &web.Refusal{Status: http.StatusUnprocessableEntity, Message: no.Message}
	}
}
