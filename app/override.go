package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// override lets a stage go on though its rules, or what is deployed, keep it back or
// have failed it; without a name, the one of which that is so.
func (a *App) override(ctx context.Context, by caller, x store.Execution, stage string) (operation, error) {
	reason := strings.Join(strings.Fields(by.says), " ")
	may, err := a.mayWrite(ctx, repository(x), by)
	switch n := utf8.RuneCountInString(reason); {
	case err != nil:
		return nil, err
	case !may:
		return nil, about(x, refused(codeForbidden, "%s may not override rules: that takes write access", by))
	case n == 0:
		return nil, refused(codeInvalid, "the reason is missing: it is kept with the execution and in the audit log")
	case n > mostReason:
		return nil, refused(codeInvalid, "the reason has %d characters: say it in %d", n, mostReason)
	case len(x.Problems) > 0:
		return nil, unstartable()
	}
	i := slices.IndexFunc(x.Stages, pipeline.StageState.Overridable)
	if stage != "" {
		i = slices.IndexFunc(x.Stages, func(st pipeline.StageState) bool { return strings.EqualFold(st.Name, stage) })
		if i < 0 {
			return nil, noStage(x, stage)
		}
	}
	if i < 0 {
		return nil, refused(codeConflict, "no rule keeps execution %d back or has failed it", x.Number)
	}
	if !x.Stages[i].Overridable() {
		return nil, a.notKept(ctx, x, i)
	}
	return operation{addressed{x, pipeline.Override{At: a.now(), Actor: by.login, Door: by.door, Reason: reason, Stage: x.Stages[i].Name}}}, nil
}

// notKept refuses to override what no rule keeps back, and says what does.
func (a *App) notKept(ctx context.Context, x store.Execution, i int) error {
	var around explain.Around
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		around, err = a.around(ctx, tx, x.Execution)
		return err
	})
	if err != nil {
		return fmt.Errorf("read what execution %s waits for: %w", x.ID, err)
	}
	st, is := x.Stages[i], ""
	waits := explain.Waits(x.Execution, i, around)
	switch {
	case len(waits) > 0:
		is = "it waits for " + waits[0].Text
	case repeatable(st):
		is = "it " + strings.ReplaceAll(string(st.Status), "_", " ") + ", and can be run again"
	case st.Status == pipeline.Pending:
		is = "it was not reached"
	default:
		is = "it is " + string(st.Status)
	}
	var kept []string
	for _, st := range x.Stages {
		if st.Overridable() {
			kept = append(kept, st.Name)
		}
	}
	no := refused(codeConflict, "no rule keeps stage %s of execution %d back: %s", st.Name, x.Number, is)
	if len(kept) > 0 {
		no.message += "; there is one that keeps " + strings.Join(kept, ", ")
	}
	return no.offering(kept)
}

// sayOverride lets the stage of that name go on which its rules keep back or have
// failed.
func (a *App) sayOverride(ctx context.Context, s spoken) (operation, error) {
	if len(s.args) < 2 {
		return nil, s.mistold(", with the reason: it is kept with the execution")
	}
	s.by.says = strings.Join(s.args[1:], " ")
	meant, err := s.kept(s.args[0])
	if err != nil {
		return nil, err
	}
	if s.pull.Merged && !outlives(meant.x) && meant.x.Revision.Commit != s.pull.Merge {
		return nil, refused(codeConflict, "%s of execution %d is about %s, which is not what this pull request's merge made; say it where that was merged, or `%s`",
			meant.name(), meant.x.Number, shortSHA(meant.x.Revision.Commit), meant.command())
	}
	return a.override(ctx, s.by, meant.x, meant.x.Stages[meant.stage].Name)
}

// kept finds the one stage called by the name that is kept back; where none is, one
// that could have been meant.
func (s spoken) kept(name string) (stageOf, error) {
	newest := newestOfEach(s.lane)
	var all, called, kept []stageOf
	for _, x := range s.lane {
		latest := slices.ContainsFunc(newest, func(o store.Execution) bool { return o.ID == x.ID })
		for i, st := range x.Stages {
			one := stageOf{x, i}
			if latest {
				all = append(all, one)
			}
			switch {
			case !one.called(name) || !latest && x.Status.Ended():
			case st.Overridable():
				kept = append(kept, one)
			case latest:
				called = append(called, one)
			}
		}
	}
	switch {
	case len(kept) == 1:
		return kept[0], nil
	case len(kept) > 1:
		return stageOf{}, several(kept)
	case len(called) > 0:
		return called[0], nil
	case len(newest) == 1 && len(all) > 0:
		return stageOf{}, noStage(newest[0], name)
	case len(all) > 0:
		return stageOf{}, refused(codeNotFound, "no stage here is called %s; there is %s", shown(name), quotedStages(all)).offering(stageNames(all))
	}
	return stageOf{}, refused(codeConflict, "nothing has run here that rules could keep back")
}

// several refuses a name that more than one stage has which is kept back: of several
// pipelines, or of several executions of one.
func several(kept []stageOf) refusal {
	names := stageNames(kept)
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 1 {
		return refused(codeAmbiguous, "several stages are kept back; name one of them: `%s`", strings.Join(names, "`, `")).offering(names)
	}
	var commands []string
	for _, s := range kept {
		commands = append(commands, s.command())
	}
	return refused(codeAmbiguous, "several executions are kept back at %s; choose by command line: `%s`", names[0], strings.Join(commands, "`, `")).offering(commands)
}

// command is how the command line overrides the rules of the stage.
func (s stageOf) command() string {
	return fmt.Sprintf("stagegate override %s/%d %s --reason TEXT", s.x.Definition.Name, s.x.Number, s.x.Stages[s.stage].Name)
}
