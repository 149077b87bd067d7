package app

import (
	"context"
	"slices"
	"strconv"

	"github.com/stagegate/stagegate/app/store"
)

// sayRollback deploys again what a stage had before, or what the execution that is named
// has made of it.
func (a *App) sayRollback(ctx context.Context, s spoken) (operation, error) {
	args, preview := s.option("preview")
	if len(args) == 0 || len(args) > 2 {
		return nil, s.mistold("")
	}
	g, err := s.goal(args[0])
	if err != nil {
		return nil, err
	}
	if len(args) == 2 {
		if g.number, err = strconv.Atoi(args[1]); err != nil || g.number < 1 {
			return nil, s.mistold(", with the number of an execution such as 41")
		}
	}
	c, err := a.rollBack(ctx, s.by, s.repo, g)
	if err != nil {
		return nil, err
	}
	if preview {
		return operation{telling("Nothing was started.\n\n" + c.words())}, nil
	}
	c.back.Delivery = store.Derived("rollback comment", strconv.FormatInt(s.comment.ID, 10), g.stage)
	return operation{c}, nil
}

// goal is the stage that people call STAGE or PIPELINE/STAGE, of what the comment acts
// on. A rollback does not have all stages of its pipeline.
func (s spoken) goal(name string) (goal, error) {
	whole := slices.DeleteFunc(slices.Clone(s.lane), func(x store.Execution) bool { return x.Rollback != nil })
	var all, match []stageOf
	for _, x := range newestOfEach(whole) {
		for i := range x.Stages {
			of := stageOf{x, i}
			all = append(all, of)
			if of.called(name) {
				match = append(match, of)
			}
		}
	}
	switch {
	case len(match) == 1:
		return goal{match[0].x.Definition.Name, match[0].x.Stages[match[0].stage].Name, match[0].x.Lane, 0}, nil
	case len(match) > 1:
		return goal{}, refused(codeAmbiguous, "several stages are called %s; name one of them: %s", shown(name), quotedStages(match)).offering(stageNames(match))
	case len(all) == 0:
		return goal{}, refused(codeConflict, "nothing has run here that could be rolled back")
	}
	return goal{}, refused(codeNotFound, "no stage here is called %s; there is %s", shown(name), quotedStages(all)).offering(stageNames(all))
}
