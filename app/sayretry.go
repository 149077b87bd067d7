package app

import (
	"context"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/store"
)

// stageOf is a stage of an execution.
type stageOf struct {
	x     store.Execution
	stage int
}

func (s stageOf) name() string { return s.x.Definition.Name + "/" + s.x.Stages[s.stage].Name }

// called tells whether people call the stage by the name: STAGE or PIPELINE/STAGE,
// in any case.
func (s stageOf) called(name string) bool {
	return strings.EqualFold(name, s.x.Stages[s.stage].Name) || strings.EqualFold(name, s.name())
}

// sayRetry runs a stage of the newest execution of a pipeline again.
func (a *App) sayRetry(ctx context.Context, s spoken) (operation, error) {
	args, all := s.option("all")
	if len(args) > 1 {
		return nil, s.mistold("")
	}
	newest := newestOfEach(s.lane)
	switch {
	case len(newest) == 0:
		return nil, refused(codeConflict, "nothing has run here that could be run again")
	case len(newest) == 1 && len(args) == 0:
		return a.retry(ctx, s.by, newest[0], "", all)
	}
	meant, err := chooseStage(newest, strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	return a.retry(ctx, s.by, meant.x, meant.x.Stages[meant.stage].Name, all)
}

// chooseStage finds the one stage that is called by the name. Of several, or
// without a name, it is the one that can be run again.
func chooseStage(newest []store.Execution, name string) (stageOf, error) {
	var all []stageOf
	for _, x := range newest {
		for i := range x.Stages {
			all = append(all, stageOf{x, i})
		}
	}
	match := slices.DeleteFunc(slices.Clone(all), func(s stageOf) bool { return name != "" && !s.called(name) })
	switch {
	case len(all) == 0:
		return stageOf{}, unstartable()
	case len(match) == 0 && len(newest) == 1:
		return stageOf{}, noStage(newest[0], name)
	case len(match) == 0:
		return stageOf{}, refused(codeNotFound, "no stage here is called %s; there is %s", shown(name), quotedStages(all)).offering(stageNames(all))
	case len(match) == 1:
		return match[0], nil
	}
	match = slices.DeleteFunc(match, func(s stageOf) bool { return !repeatable(s.x.Stages[s.stage]) })
	switch len(match) {
	case 1:
		return match[0], nil
	case 0:
		return stageOf{}, refused(codeConflict, "no stage here has failed or was stopped")
	}
	return stageOf{}, refused(codeAmbiguous, "several stages can be run again; name one of them: %s", quotedStages(match)).offering(stageNames(match))
}

func stageNames(all []stageOf) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.name())
	}
	return names
}

func quotedStages(all []stageOf) string { return "`" + strings.Join(stageNames(all), "`, `") + "`" }
