package local

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// Planning is an event to think of, and the pipelines to ask about.
type Planning struct {
	Dir       string           // where the person stands
	Pipeline  string           // name or path; empty: all of the working tree
	Variables []pipeline.Value // instead of the defaults in the files
	Event     pipeline.Trigger // empty: a pull request if there is a Base, else a push
	Branch    string           // pushed to, or of the pull request; empty: the one checked out
	Tag       string           // pushed, in place of a branch
	Ref       string           // in full, in place of both
	Base      string           // of the pull request; empty: the remote's default branch
	Type      string           // what happened to the pull request; empty: synchronize
	Upstream  string           // the pipeline that succeeded, or PIPELINE/STAGE; empty: any
	Changed   []string         // files that change, from the root of the repository; none: not known
}

// Events are what a plan can think of, the usual ones first.
var Events = []pipeline.Trigger{pipeline.Push, pipeline.PullRequest, pipeline.MergeGroup, pipeline.OnSchedule, pipeline.OnPipeline, pipeline.OnWebhook}

// listed writes events for people: a, b or c.
func listed(events []pipeline.Trigger) string {
	text := string(events[0])
	for i, e := range events[1:] {
		separator := ", "
		if i == len(events)-2 {
			separator = " or "
		}
		text += separator + string(e)
	}
	return text
}

// Plan is what an event would start, as far as it is known: of the revision what
// is empty is not.
type Plan struct {
	Event     pipeline.Trigger
	Type      string // what happened to the pull request
	Upstream  string // what succeeded; empty: any pipeline
	Revision  pipeline.Revision
	Pipelines []PlannedPipeline
}

// PlannedPipeline is what becomes of one file.
type PlannedPipeline struct {
	Name     string
	File     string
	Starts   bool                // the event is one of those the file names
	Skips    bool                // it is, but for its paths or the commit's message
	Why      string              // it starts, skips or does neither
	Mistakes []schema.Diagnostic // for which nothing of it runs
	Stages   []PlannedStage      // in order; none where nothing runs
}

// PlannedStage is a stage as the file has it, and its actions in the order of
// their waves.
type PlannedStage struct {
	Stage   pipeline.Stage
	Actions []PlannedAction
}

// PlannedAction is an action with what is known of its expressions in their
// place.
type PlannedAction struct {
	pipeline.Action

	Wave    int    // from 1: those of a wave wait only for earlier ones
	Problem string // how it will end, if that is known already
}

// Mistaken tells whether a file has mistakes.
func (p Plan) Mistaken() bool {
	return slices.ContainsFunc(p.Pipelines, func(f PlannedPipeline) bool { return len(f.Mistakes) > 0 })
}

// MakePlan says what the event would start, of the files as they are in the
// working tree. It asks Git at most for what is checked out. An error is a Usage
// or one of the machine; the mistakes of files stand in the plan.
func MakePlan(ctx context.Context, p Planning) (Plan, error) {
	tree, err := findWorktree(p.Dir)
	if err != nil {
		return Plan{}, err
	}
	x, err := p.execution(ctx, tree)
	if err != nil {
		return Plan{}, err
	}
	all, err := tree.files()
	if err != nil {
		return Plan{}, err
	}
	chosen := all
	if p.Pipeline != "" {
		f, err := tree.choose(p.Dir, p.Pipeline)
		if err != nil {
			return Plan{}, err
		}
		chosen = []file{f}
	} else if len(all) == 0 {
		return Plan{}, usage("there is no pipeline: %s holds no .yaml file", filepath.Join(tree.root, schema.Folder))
	}
	if chosen, err = giveVariables(chosen, p.Variables); err != nil {
		return Plan{}, err
	}
	plan := Plan{Event: x.Trigger, Type: x.Activity, Upstream: p.Upstream, Revision: x.Revision}
	for _, f := range chosen {
		plan.Pipelines = append(plan.Pipelines, planFile(x, f, all))
	}
	return plan, nil
}

// giveVariables gives each pipeline those of the values that it has a variable
// for. One that none has is refused, unless a mistake may hide it.
func giveVariables(files []file, values []pipeline.Value) ([]file, error) {
	files = slices.Clone(files)
	hidden := slices.ContainsFunc(files, func(f file) bool { return len(f.mistakes) > 0 })
	for _, v := range values {
		used, refusal := false, error(nil)
		for i := range files {
			d, err := withVariables(files[i].definition, []pipeline.Value{v})
			if err != nil {
				refusal = err
				continue
			}
			files[i].definition, used = d, true
		}
		switch {
		case used, hidden:
		case len(files) == 1:
			return nil, refusal
		default:
			return nil, usage("no pipeline has a variable %s", v.Name)
		}
	}
	return files, nil
}

// planFile says what becomes of a file when x begins. Two that start and are
// called alike are a mistake of both.
func planFile(x pipeline.Execution, f file, all []file) PlannedPipeline {
	p := PlannedPipeline{Name: f.definition.Name, File: f.shown, Mistakes: f.mistakes}
	match := f.definition.On.Match(x)
	p.Starts, p.Skips, p.Why = match.Starts, match.Skips, match.Why
	for _, other := range all {
		m := other.definition.On.Match(x)
		if other.shown == f.shown || !match.Starts && !match.Skips || !m.Starts && !m.Skips {
			continue
		}
		if clash, ok := schema.Clash(other.definition, f.definition); ok {
			p.Mistakes = append(slices.Clone(p.Mistakes), clash)
		}
	}
	if p.Skips && len(p.Mistakes) > 0 {
		p.Starts, p.Skips, p.Why = true, false, p.Why+", but mistakes are always shown"
	}
	if !p.Starts || len(p.Mistakes) > 0 {
		return p
	}
	x.Definition = f.definition
	for _, s := range f.definition.Stages {
		p.Stages = append(p.Stages, planStage(x, s))
	}
	return p
}

func planStage(x pipeline.Execution, s pipeline.Stage) PlannedStage {
	out := PlannedStage{Stage: s}
	waves := waves(s.Actions)
	for i, a := range s.Actions {
		shown, err := x.Preview(a)
		action := PlannedAction{Action: shown, Wave: waves[i]}
		if err != nil {
			action.Action, action.Problem = a, err.Error()
		}
		out.Actions = append(out.Actions, action)
	}
	slices.SortStableFunc(out.Actions, func(a, b PlannedAction) int { return a.Wave - b.Wave })
	return out
}

// waves says of each action how many run one after another until it has run, at
// least. Those of a role begin when all of the roles before have ended.
func waves(actions []pipeline.Action) []int {
	index := map[string]int{}
	for i, a := range actions {
		index[a.Name] = i
	}
	var waves []int
	for first := 0; first < len(actions); first = len(waves) {
		before, last := 0, first
		if first > 0 {
			before = slices.Max(waves)
		}
		for last < len(actions) && actions[last].Role == actions[first].Role {
			waves = append(waves, before+1)
			last++
		}
		for range actions[first:last] { // no chain of needs is longer
			for i, a := range actions[first:last] {
				for _, need := range a.Needs {
					waves[first+i] = max(waves[first+i], waves[index[need]]+1)
				}
			}
		}
	}
	return waves
}

// execution is one that the event would start, as far as it is known.
func (p Planning) execution(ctx context.Context, tree worktree) (pipeline.Execution, error) {
	p, err := p.complete()
	x := pipeline.Execution{Trigger: p.Event, Activity: p.Type, Chain: p.chain()}
	x.Revision.Changed = pipeline.Changes{Files: p.Changed, Complete: len(p.Changed) > 0}
	switch {
	case err != nil:
		return x, err
	case p.Tag != "":
		x.Revision.Ref = "refs/tags/" + p.Tag
		return x, nil
	case p.Event == pipeline.MergeGroup:
		x.Revision.Base = p.Base
		return x, nil
	case p.Event == pipeline.OnSchedule, p.Event == pipeline.OnWebhook:
		return x, nil
	}
	head, err := tree.head(ctx)
	if p.Branch == "" {
		switch {
		case err != nil:
			return x, err
		case head.Branch == "":
			return x, usage("no branch is checked out: name one with --branch")
		}
		p.Branch = head.Branch
	}
	if p.Branch == head.Branch {
		x.Revision.Commit, x.Revision.Message = head.Commit, head.Message
	}
	x.Revision.Branch = p.Branch
	if p.Event == pipeline.Push || p.Event == pipeline.OnPipeline {
		x.Revision.Ref = "refs/heads/" + p.Branch
		return x, nil
	}
	if x.Revision.Base = p.Base; p.Base != "" {
		return x, nil
	}
	x.Revision.Base, err = tree.defaultBranch(ctx)
	return x, err
}

// chain is what succeeded, as far as it was told.
func (p Planning) chain() []pipeline.Link {
	if p.Upstream == "" {
		return nil
	}
	name, stage, _ := strings.Cut(p.Upstream, "/")
	return []pipeline.Link{{Pipeline: name, Stage: stage}}
}

// head is what is checked out. Where there are changes its commit is none that
// an event could be about.
func (w worktree) head(ctx context.Context) (pipeline.Revision, error) {
	r, err := w.revision(ctx)
	if err != nil {
		return r, err
	}
	dirty, err := w.dirty(ctx)
	if dirty {
		r.Commit, r.Message = "", ""
	}
	return r, err
}

// complete reads what was left to be told from the rest, and refuses what does
// not go together.
func (p Planning) complete() (Planning, error) {
	switch {
	case p.Event == "" && p.Base != "":
		p.Event = pipeline.PullRequest
	case p.Event == "" && p.Upstream != "":
		p.Event = pipeline.OnPipeline
	case p.Event == "":
		p.Event = pipeline.Push
	case !slices.Contains(Events, p.Event):
		return p, usage("there is no event %q: it is %s", p.Event, listed(Events))
	}
	if err := p.misplaced(); err != nil {
		return p, err
	}
	if p.Ref != "" {
		if p.Branch != "" || p.Tag != "" {
			return p, usage("--ref stands in place of --branch and --tag")
		}
		branch, isBranch := strings.CutPrefix(p.Ref, "refs/heads/")
		tag, isTag := strings.CutPrefix(p.Ref, "refs/tags/")
		switch {
		case isBranch && branch != "":
			p.Branch = branch
		case isTag && tag != "":
			p.Tag = tag
		default:
			return p, usage("--ref %s: write refs/heads/BRANCH or refs/tags/TAG", p.Ref)
		}
	}
	switch {
	case p.Tag != "" && p.Branch != "":
		return p, usage("a push is of a branch or of a tag: leave out --branch or --tag")
	case p.Tag != "" && p.Event == pipeline.PullRequest:
		return p, usage("a pull request is of a branch: leave out the tag")
	case p.Event == pipeline.MergeGroup && p.Tag+p.Branch != "":
		return p, usage("a merge group has a branch of its own: leave out --branch, --tag and --ref")
	case p.Base != "" && p.Event == pipeline.Push:
		return p, usage("a push has no base: leave out --base, or write --event pull_request")
	}
	return p.narrow()
}

// misplaced refuses what is told of an event that GitHub does not send.
func (p Planning) misplaced() error {
	narrowed := p.Base+p.Type != "" || len(p.Changed) > 0
	named := p.Branch+p.Tag+p.Ref != ""
	switch {
	case p.Upstream != "" && p.Event != pipeline.OnPipeline:
		return usage("--upstream is of the event pipeline")
	case p.Event == pipeline.OnPipeline && narrowed:
		return usage("a pipeline that succeeded says nothing of --base, --type and --changed: leave them out")
	case (p.Event == pipeline.OnSchedule || p.Event == pipeline.OnWebhook) && (narrowed || named):
		return usage("a %s is about the newest commit of the default branch: leave out all flags of other events", p.Event)
	}
	return nil
}

// narrow reads what filters of types and paths are asked with.
func (p Planning) narrow() (Planning, error) {
	switch {
	case p.Type != "" && p.Event == pipeline.Push:
		return p, usage("a push has no type: leave out --type, or write --event pull_request")
	case p.Event == pipeline.MergeGroup && p.Type != "":
		return p, usage("--type is of a pull request")
	case p.Event == pipeline.MergeGroup:
		p.Type = "checks_requested"
	case p.Type == "" && p.Event == pipeline.PullRequest:
		p.Type = "synchronize"
	case p.Type != "" && !slices.Contains(schema.PullRequestTypes, p.Type):
		return p, usage("a pull request has no type %s: among them are %s", p.Type, strings.Join(schema.PullRequestTypes[:4], ", "))
	}
	var changed []string
	for _, file := range p.Changed {
		clean := path.Clean(filepath.ToSlash(file))
		if !filepath.IsLocal(clean) {
			return p, usage("--changed %s: write the path from the root of the repository", file)
		}
		changed = append(changed, clean)
	}
	p.Changed = changed
	return p, nil
}

// defaultBranch is that of the remote, as the clone knows it.
func (w worktree) defaultBranch(ctx context.Context) (string, error) {
	const prefix = "refs/remotes/origin/"
	if w.git {
		out, err := w.command(ctx, "symbolic-ref", prefix+"HEAD")
		if err == nil {
			return strings.TrimPrefix(strings.TrimSpace(string(out)), prefix), nil
		}
	}
	return "", usage("name the branch that the pull request is to go into with --base")
}
