// Package local runs one pipeline of a working tree on this machine: state in
// memory, no GitHub, no database. What may happen is decided by the same pure
// functions as in the app, and the same runner carries it out; this package
// gives both what the app and its store give elsewhere. It imports neither the
// app nor an engine, reads no flags and writes to no terminal.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// Manual is what starts a local run.
const Manual pipeline.Trigger = "manual"

// Config is what a run needs. Dir, Engine and Reporter must be set.
type Config struct {
	Dir       string           // where the person stands; the working tree is found from there
	Pipeline  string           // name or path of the file; empty: the only one there is
	Stages    []string         // run only these, and Actions
	Actions   []string         // ACTION or STAGE.ACTION; both empty: all
	Variables []pipeline.Value // instead of the defaults in the file; of a name given twice the last
	Secrets   string           // path of the file of secrets; empty: none
	Actor     string           // who runs it
	Parallel  int              // jobs at once; default 1
	Grace     time.Duration    // between TERM and KILL; default the runner's
	Limits    runner.Limits
	// Refused lists what of the isolation of its containers a run may not take
	// down; nil: nothing may be.
	Refused func(repository string, options []string) []string
	Approve bool // gives every approval
	// Ask has a person answer an approval. It returns soon once ctx ends. Nil:
	// there is nobody, and without Approve every approval is refused.
	Ask      func(ctx context.Context, q Question) (Answer, error)
	Keep     bool // containers and workspaces stay until the next run
	Engine   runner.Engine
	Reporter Reporter
	// Kill, when closed after ctx has ended, ends the run without the grace
	// period. Nil: never.
	Kill <-chan struct{}
}

// Run runs the pipeline and reports how it went. When ctx ends, the run is
// interrupted: what runs is stopped and the outcome says so. An error is that
// of a run that never began, such as Mistakes, Usage, Busy or NoEngine, or of
// the machine it ran on.
func Run(ctx context.Context, c Config) (Outcome, error) {
	began := time.Now()
	tree, err := findWorktree(c.Dir)
	if err != nil {
		return Outcome{}, err
	}
	around, stop := context.WithCancel(ctx)
	defer stop()
	facts := tree.look(around)
	file, err := tree.choose(c.Dir, c.Pipeline)
	if err != nil {
		return Outcome{}, err
	}
	if len(file.mistakes) > 0 {
		return Outcome{}, Mistakes(file.mistakes)
	}
	wish, err := c.settle(file.definition)
	if err != nil {
		return Outcome{}, err
	}
	h, err := openHome(tree.root)
	if err != nil {
		return Outcome{}, err
	}
	r := &run{Config: c, tree: tree, home: h, file: file, wish: wish, shelf: newShelf(h), began: began}
	o, err := r.run(ctx, facts)
	return o, errors.Join(err, h.close())
}

// run is one run of one pipeline.
type run struct {
	Config
	wish
	tree     worktree
	home     *home
	file     file
	began    time.Time
	revision string // for people
	shelf    *shelf
	standIns standIns
	source   source
	machine  *machine
	jobs     *jobs
	desk     *desk
}

func (r *run) run(ctx context.Context, facts <-chan facts) (o Outcome, err error) {
	id, err := r.home.id()
	if err != nil {
		return Outcome{}, err
	}
	engine := survey(ctx, r.Engine, id)
	release := r.reserve(ctx, engine, id)
	defer func() { err = errors.Join(err, release(ctx)) }()
	f := <-facts
	if f.err != nil {
		return Outcome{}, f.err
	}
	if err := r.secrets.hidden(r.tree, f.names); err != nil {
		return Outcome{}, err
	}
	if r.standIns, err = r.recall(ctx); err != nil {
		return Outcome{}, err
	}
	r.revision = describe(f.revision, f.dirty)
	r.Reporter.Begin(r.beginning())
	for _, n := range r.secrets.notes {
		r.Reporter.Note(n)
	}
	if r.source, err = r.tree.pack(f.names, f.revision, r.home); err != nil {
		return Outcome{}, err
	}
	defer r.source.close()
	if err := engine.found(ctx); err != nil {
		return Outcome{}, err
	}
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	r.assemble(work, f.revision)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = r.runner(id, engine).Run(work) // its error is the context's
	}()
	err = r.drive(ctx)
	end()
	<-stopped
	r.desk.all.Wait()
	r.shelf.clearing.Wait()
	if err != nil {
		err = errors.Join(err, sweep(ctx, r.Engine, id))
	}
	o = r.outcome(ctx)
	err = errors.Join(err, r.remember())
	r.Reporter.End(o)
	return o, err
}

func (r *run) beginning() Beginning {
	b := Beginning{
		Pipeline: r.file.definition.Name, File: r.file.shown, Root: r.tree.root,
		Revision: r.revision, At: r.began,
	}
	for p, a := range everyAction(r.definition) {
		if !r.chosen.has(p) {
			continue
		}
		if n := len(b.Stages); n == 0 || b.Stages[n-1].Stage != p.Stage {
			b.Stages = append(b.Stages, Step{Stage: p.Stage})
		}
		last := &b.Stages[len(b.Stages)-1]
		last.Actions, last.Titles = append(last.Actions, p.Action), append(last.Titles, a.Title())
	}
	return b
}

func (r *run) execution() string { return "local-" + strconv.FormatInt(r.began.UnixMilli(), 36) }

// assemble makes the execution and what carries it.
func (r *run) assemble(ctx context.Context, rev pipeline.Revision) {
	actions := 0
	for range everyAction(r.definition) {
		actions++
	}
	r.jobs = newJobs(actions)
	r.machine = &machine{
		x: pipeline.Execution{
			ID: r.execution(), Number: 1,
			Repository: "local/" + r.file.definition.Name, Lane: rev.Ref,
			Trigger: Manual, Actor: r.Actor, Trust: trustAll(r.definition), Revision: rev, Definition: alone(r.definition),
		},
		locks:  map[pipeline.LockKey]pipeline.Lock{},
		begin:  r.jobs.add,
		stop:   r.jobs.stop,
		answer: r.answer,
		decide: func(e pipeline.AwaitExpiry, at time.Time) []pipeline.Event { return r.decide(ctx, e, at) },
		change: func(x pipeline.Execution) { r.desk.withdraw(x); r.Reporter.Change(r.chosen.of(x)) },
		note:   r.Reporter.Note,
		ended:  make(chan struct{}),
	}
	r.jobs.apply, r.jobs.runs = r.machine.apply, r.shelf.clear
	r.desk = &desk{
		ask: r.Ask, apply: r.machine.apply, actor: r.Actor, report: r.Reporter.Note,
		open: map[pipeline.JobID]context.CancelFunc{},
	}
}

// trustAll trusts whoever runs a pipeline on their machine.
func trustAll(d pipeline.Definition) []pipeline.Trust {
	all := []pipeline.Trust{{Trusted: true}}
	for _, name := range d.Environments() {
		all = append(all, pipeline.Trust{Environment: name, Trusted: true})
	}
	return all
}

func (r *run) runner(id string, e runner.Engine) *runner.Runner {
	return runner.New(runner.Config{
		ID: id, Slots: r.Parallel, Grace: r.Grace, Jobs: r.jobs, Engine: e, Limits: r.Limits, Refused: r.Refused,
		Files:   &files{jobs: r.jobs, home: r.home, shelf: r.shelf, source: r.source, secrets: r.secrets.values, reporter: r.Reporter},
		Log:     slog.New(notes{r.Reporter}),
		TempDir: r.home.join("tmp"), WorkDir: r.home.join("work"), Keep: r.Keep,
	})
}

// errKilled is a run that was not waited for.
var errKilled = errors.New("killed")

// drive takes the execution from its start to its end.
func (r *run) drive(ctx context.Context) error {
	if err := r.machine.apply(pipeline.Started{At: time.Now()}); err != nil {
		return err
	}
	err := r.machine.apply(pipeline.SourceFetched{At: time.Now(), Source: r.source.artifact, Notes: r.source.notes})
	if err != nil {
		return err
	}
	for _, n := range append(r.source.notes, r.standIns.notes(r.whole, r.source.artifact.Digest)...) {
		r.Reporter.Note(n)
	}
	select {
	case <-r.machine.ended:
		return nil
	case <-ctx.Done():
	}
	r.Reporter.Note("interrupted: stopping what runs; interrupt again to kill it")
	err = r.machine.apply(pipeline.Cancel{At: time.Now(), Actor: r.Actor, Reason: "interrupted"})
	if err != nil && !errors.Is(err, pipeline.ErrRefused) { // refused where it has just ended
		return err
	}
	select {
	case <-r.machine.ended:
		return nil
	case <-r.Kill:
		return errKilled
	}
}

func (r *run) outcome(ctx context.Context) Outcome {
	x := r.chosen.of(r.machine.now())
	return Outcome{
		Execution: x, Interrupted: ctx.Err() != nil && x.Status != pipeline.Succeeded,
		Took: time.Since(r.began), Logs: r.home.join("logs"), Artifacts: r.home.join("artifacts"),
	}
}

// remember stores what the actions made for runs of parts of the pipeline.
func (r *run) remember() error {
	p := readPast(r.home)
	p.keep(r.machine.now(), r.chosen, r.revision)
	return p.write(r.home)
}

// facts are what there is to know about the tree.
type facts struct {
	names    []string
	revision pipeline.Revision
	dirty    bool
	err      error
}

// look asks Git all at once, beside whatever else is to be done.
func (w worktree) look(ctx context.Context) <-chan facts {
	found := make(chan facts, 1)
	go func() {
		var f facts
		var errs [3]error
		both := make(chan struct{}, 2)
		go func() { f.names, errs[0] = w.list(ctx); both <- struct{}{} }()
		go func() { f.dirty, errs[1] = w.dirty(ctx); both <- struct{}{} }()
		f.revision, errs[2] = w.revision(ctx)
		<-both
		<-both
		f.err = errors.Join(errs[:]...)
		found <- f
	}()
	return found
}

// notes passes on what the runner warns of. Whoever runs a pipeline by hand is
// its operator.
type notes struct{ reporter Reporter }

func (n notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (n notes) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += fmt.Sprintf(" %s=%s", a.Key, a.Value); return true })
	n.reporter.Note(text)
	return nil
}

func (n notes) WithAttrs([]slog.Attr) slog.Handler { return n }
func (n notes) WithGroup(string) slog.Handler      { return n }
