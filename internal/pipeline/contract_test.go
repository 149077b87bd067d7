package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// town is many executions of two pipelines on two lanes, with their locks, carried as
// the store carries them. What the contract asks of them is written down here once
// more, from what is seen from outside: jobs that begin and end, approvals, doors, the
// clock. It does not read locks or statuses to know who may do what.
type town struct {
	t     *rapid.T
	mode  pipeline.Mode // of all, or with mixed what may be asked of all
	mixed bool          // each has a mode of its own, as where a file is edited
	all   []*pipeline.Execution
	locks map[pipeline.LockKey]pipeline.Lock
	timer []timer
	asks  []question // whether a commit contains what is deployed
	jobs  []pipeline.JobID
	hour  int
	depth int // of events that follow from others

	beginning map[string]pipeline.Execution
	history   map[string][]pipeline.Event // that were not refused

	closed   map[string]bool   // ways into stages, by place
	inside   map[string]string // who does work at a place that is for one
	order    map[string][]int  // numbers of who began work at a place, in order
	quorum   int               // how many must approve
	votes    map[pipeline.JobID][]string
	answered map[pipeline.JobID]bool // approvals that were given and are still good
	expires  map[pipeline.JobID]int  // the hour in which they are no longer
	began    map[string]bool         // attempts of stages that have begun work
	cleaned  map[string]int          // actions of finally that ran, by attempt of a stage
	live     map[string]int          // the commit that each pipeline last deployed
	passed   map[string][]string     // executions that succeeded, by pipeline, lane and stage
	waved    map[string]bool         // stages that a person let past their rules
	counts   map[string]int          // executions of a pipeline
}

type timer struct {
	at time.Time
	id string
	e  pipeline.Event
}

type question struct {
	id, stage, deployed string
}

var townPipelines, townLanes = []string{"web", "api"}, []string{"refs/heads/main", "refs/heads/next"}

// openHours is when the window of the last stage is open; the clock starts at midnight.
var openHours = pipeline.Window{Hours: []pipeline.Span{{From: 8 * 60, To: 20 * 60}}}

func (w *town) now() time.Time {
	return t0.Truncate(24 * time.Hour).Add(time.Duration(w.hour) * time.Hour)
}

func (w *town) pipeline(name string) pipeline.Definition {
	work := pipeline.Action{Name: "do", Image: "i", Run: "r", Inputs: []string{"source"}}
	after := func(a pipeline.Action, name string, needs ...string) pipeline.Action {
		a.Name, a.Needs = name, needs
		return a
	}
	ask := pipeline.Action{Name: "ask", Approval: &pipeline.Approval{Expires: 30 * time.Hour, Count: w.quorum}}
	clean, check := after(work, "clean"), after(work, "before-entry.1")
	clean.Role, check.Role = pipeline.RoleFinally, pipeline.RoleEntry
	more, deploy := after(work, "more"), after(work, "do", "ask")
	more.Retry, deploy.Retry = pipeline.ActionRetry{Times: 2}, pipeline.ActionRetry{Times: 1, Backoff: 5 * time.Hour}
	clean.Retry = deploy.Retry
	mode := w.mode
	if w.mixed {
		mode = rapid.SampledFrom([]pipeline.Mode{pipeline.Superseding, pipeline.Queueing, pipeline.Parallel}).Draw(w.t, "mode")
	}
	return pipeline.Definition{Name: name, Mode: mode, Stages: []pipeline.Stage{
		{Name: "build", Actions: []pipeline.Action{work, more, clean}, OnFailure: pipeline.OnFailure{Retry: pipeline.RetryFailed, Times: 1}},
		{Name: "gate", Actions: []pipeline.Action{check, ask, after(work, "do", "ask")}, BeforeEntry: []pipeline.Rule{{Command: "before-entry.1", Otherwise: pipeline.OtherwiseWait}}},
		{
			Name: "live", Environment: "production", Actions: []pipeline.Action{ask, deploy},
			BeforeEntry: []pipeline.Rule{{Window: &openHours, Otherwise: pipeline.OtherwiseWait}},
			OnFailure:   pipeline.OnFailure{Rollback: true},
		},
		{Name: "notice", If: "always()", Concurrency: "mail", Actions: []pipeline.Action{work}},
	}}
}

// places are those that a stage's work has to itself.
func (w *town) places(x *pipeline.Execution, stage string) []string {
	var places []string
	if w.mode != pipeline.Parallel {
		places = append(places, w.way(x, stage))
	}
	switch stage {
	case "live":
		places = append(places, "environment")
	case "notice":
		places = append(places, "mail")
	}
	return places
}

func (w *town) way(x *pipeline.Execution, stage string) string {
	return x.Definition.Name + " " + x.Lane + " " + stage
}

func attemptOf(x *pipeline.Execution, stage string) string {
	return fmt.Sprintf("%s %s %d", x.ID, stage, x.Stages[x.StageIndex(stage)].Attempt)
}

func (w *town) find(id string) *pipeline.Execution {
	return w.all[slices.IndexFunc(w.all, func(x *pipeline.Execution) bool { return x.ID == id })]
}

// send carries an event through, and all that follows.
func (w *town) send(id string, e pipeline.Event) {
	if w.depth++; w.depth > 200 {
		w.t.Fatalf("%s of %s never ends", e.Kind(), id)
	}
	defer func() { w.depth-- }()
	x := w.find(id)
	before := mustJSON(w.t, *x)
	next, effects, err := x.Apply(e)
	if again := mustJSON(w.t, *x); again != before {
		w.t.Fatalf("%s changed the execution that it was applied to", e.Kind())
	}
	if err != nil {
		return
	}
	if x.Status == pipeline.Superseded && mustJSON(w.t, next) != before {
		w.t.Fatalf("%s woke the superseded execution %s", e.Kind(), id)
	}
	*x = next
	w.history[id] = append(w.history[id], e)
	for _, effect := range effects {
		w.carry(x, effect)
	}
}

// replay applies all events of an execution again, from its beginning.
func (w *town) replay(x *pipeline.Execution) {
	again := w.beginning[x.ID]
	for _, e := range w.history[x.ID] {
		var err error
		if again, _, err = again.Apply(e); err != nil {
			w.t.Fatalf("replay of %s: %v", x.ID, err)
		}
	}
	if mustJSON(w.t, again) != mustJSON(w.t, *x) {
		w.t.Fatalf("replay of %s ends elsewhere", x.ID)
	}
}

func (w *town) carry(x *pipeline.Execution, effect pipeline.Effect) {
	switch f := effect.(type) {
	case pipeline.TellLock:
		w.tell(f.Key, f.Event)
	case pipeline.StartJob:
		w.begin(x, f.Job.ID)
	case pipeline.AwaitExpiry:
		w.expires[f.Job] = int(f.At.Sub(w.now()).Hours()) + w.hour
		w.timer = append(w.timer, timer{f.At, x.ID, pipeline.ApprovalExpired(f)})
	case pipeline.AwaitDue:
		w.timer = append(w.timer, timer{f.At, x.ID, pipeline.Due(f)})
	case pipeline.Compare:
		w.asks = append(w.asks, question{x.ID, f.Stage, f.Deployed})
	case pipeline.AskTrust:
		w.send(x.ID, pipeline.Trusted{At: w.now(), Stage: f.Stage, Trust: pipeline.Trust{Environment: f.Environment, Trusted: true}})
	case pipeline.RollBack:
		w.rollBack(x, f)
	case pipeline.Passed:
		w.passed[w.way(x, f.Stage)] = append(w.passed[w.way(x, f.Stage)], x.ID)
		if f.Stage == "live" {
			w.live[x.Definition.Name] = commit(x)
		}
	}
}

func (w *town) tell(key pipeline.LockKey, e pipeline.LockEvent) {
	lock := w.locks[key]
	lock.Closed = w.closed[key.Pipeline+" "+key.Lane+" "+key.Stage]
	lock, answers := lock.Apply(e)
	w.locks[key] = lock
	for _, a := range answers {
		w.send(a.Execution, a.Event(w.now(), key))
	}
}

// commit is the place of an execution's commit in history, which is a line.
func commit(x *pipeline.Execution) int {
	var n int
	if _, err := fmt.Sscanf(x.Revision.Commit, "c%d", &n); err != nil {
		panic(err)
	}
	return n
}

// begin is a job that is handed out: it asks whether it may.
func (w *town) begin(x *pipeline.Execution, id pipeline.JobID) {
	if slices.Contains(w.jobs, id) {
		w.t.Fatalf("job %s was handed out twice", id)
	}
	w.jobs = append(w.jobs, id)
	if id.Action == "before-entry.1" {
		return
	}
	attempt := attemptOf(x, id.Stage)
	if id.Action == "clean" {
		w.cleaned[attempt]++
		if !w.began[attempt] && x.Stages[0].Retries == 0 { // a retry may have only this to do again
			w.t.Fatalf("%s cleans up what never began", id)
		}
		return
	}
	for _, p := range w.places(x, id.Stage) {
		if other := w.inside[p]; other != "" && other != x.ID {
			w.t.Fatalf("%s begins at %s while %s works there", id, p, other)
		}
		w.inside[p] = x.ID
	}
	if id.Stage != "build" && id.Stage != "notice" {
		w.mayPass(x, id)
	}
	if !w.began[attempt] {
		w.first(x, id)
	}
	w.began[attempt] = true
}

// mayPass asks for the approval in front of a job, which the first of a stage needs
// before its time is over.
func (w *town) mayPass(x *pipeline.Execution, id pipeline.JobID) {
	if x.Rollback != nil && x.Rollback.Automatic {
		return
	}
	gate, ok := id, false
	gate.Action = "ask"
	for gate.Attempt = 1; gate.Attempt < 50; gate.Attempt++ {
		ok = ok || w.answered[gate] && (w.began[attemptOf(x, id.Stage)] || w.hour < w.expires[gate])
	}
	if !ok {
		w.t.Fatalf("%s passed its gate without an approval", id)
	}
}

// first is the first job of an attempt of a stage: what may change while it waited was
// looked at again.
func (w *town) first(x *pipeline.Execution, id pipeline.JobID) {
	place := w.way(x, id.Stage)
	// One that has failed comes to the last stage past those that wait elsewhere.
	retried := x.Stages[x.StageIndex(id.Stage)].Retries > 0
	if w.closed[place] && !retried {
		w.t.Fatalf("%s begins though the way is closed", id)
	}
	if w.mode == pipeline.Queueing && id.Stage != "notice" && !ranAgain(x) && x.Rollback == nil {
		if order := w.order[place]; len(order) > 0 && order[len(order)-1] > x.Number {
			w.t.Fatalf("execution %d begins stage %s after %v", x.Number, id.Stage, order)
		}
		w.order[place] = append(w.order[place], x.Number)
	}
	if id.Stage != "live" || x.Rollback != nil || w.waved[x.ID+id.Stage] {
		return
	}
	if open, _ := openHours.Open(w.now()); !open {
		w.t.Fatalf("%s begins outside the window, at hour %d", id, w.hour%24)
	}
	if was := w.live[x.Definition.Name]; was > commit(x) {
		w.t.Fatalf("%s deploys %d over %d", id, commit(x), was)
	}
}

// ranAgain tells whether a person has run a stage again: the execution then comes last
// to where others wait already, and so to all that follows.
func ranAgain(x *pipeline.Execution) bool {
	return slices.ContainsFunc(x.Stages, func(st pipeline.StageState) bool { return st.Attempt > st.Retries+1 })
}

func (w *town) rollBack(x *pipeline.Execution, e pipeline.RollBack) {
	before := slices.DeleteFunc(slices.Clone(w.passed[w.way(x, e.Stage)]), func(id string) bool { return id == x.ID })
	w.leaves(x.ID, e.Stage)
	if len(before) == 0 {
		w.send(x.ID, pipeline.RolledBack{At: w.now(), Stage: e.Stage, Why: "nothing has succeeded in it before"})
		for _, key := range e.Locks {
			w.tell(key, pipeline.Leave{Execution: x.ID})
		}
		return
	}
	back := w.find(before[len(before)-1]).RollBackTo(pipeline.Rollback{Stage: e.Stage, Automatic: true, For: x.Number}, nil)
	w.add(&back)
	w.send(x.ID, pipeline.RolledBack{At: w.now(), Stage: e.Stage, By: back.Number, To: back.Rollback.Number})
	for _, key := range e.Locks {
		w.tell(key, pipeline.HandOver{Execution: x.ID, To: pipeline.Claim{
			Execution: back.ID, Number: back.Number, Pipeline: back.Definition.Name, Stage: e.Stage, Mode: pipeline.Queueing, First: true,
		}})
	}
	w.send(back.ID, pipeline.Started{At: w.now()})
}

func (w *town) add(x *pipeline.Execution) {
	name := x.Definition.Name
	w.counts[name]++
	x.ID, x.Number = fmt.Sprintf("%s-%d", name, w.counts[name]), w.counts[name]
	w.all = append(w.all, x)
	w.beginning[x.ID] = *x
}

func (w *town) start() {
	name := rapid.SampledFrom(townPipelines).Draw(w.t, "pipeline")
	x := &pipeline.Execution{
		RepositoryID: 1, Trust: trusting, Lane: rapid.SampledFrom(townLanes).Draw(w.t, "lane"), Definition: w.pipeline(name),
		Revision: pipeline.Revision{Commit: fmt.Sprintf("c%d", rapid.IntRange(1, 6).Draw(w.t, "commit"))},
	}
	w.add(x)
	w.send(x.ID, pipeline.Started{At: w.now()})
}

func (w *town) fetch(x *pipeline.Execution) {
	w.send(x.ID, pipeline.SourceFetched{At: w.now(), Source: pipeline.Artifact{Name: "source", Digest: "s"}})
}

func (w *town) finish(k int, s pipeline.Status) {
	job := w.jobs[k]
	w.jobs = slices.Delete(w.jobs, k, k+1)
	w.leaves(job.Execution, job.Stage)
	w.send(job.Execution, pipeline.JobFinished{At: w.now(), Job: job, Result: pipeline.Result{Status: s}})
}

// leaves empties the places of a stage of which no job runs.
func (w *town) leaves(id, stage string) {
	works := func(j pipeline.JobID) bool {
		return j.Execution == id && j.Stage == stage && j.Action != "before-entry.1"
	}
	if slices.ContainsFunc(w.jobs, works) {
		return
	}
	for _, p := range w.places(w.find(id), stage) {
		if w.inside[p] == id {
			delete(w.inside, p)
		}
	}
}

// decide has somebody answer every approval of an execution that waits. A login in
// another case is the same person, and who meets nothing has no vote.
func (w *town) decide(x *pipeline.Execution, approves bool) {
	for i, st := range x.Stages {
		for j, a := range st.Actions {
			if a.Status != pipeline.Waiting {
				continue
			}
			job := x.JobID(i, j)
			actor := rapid.SampledFrom([]string{"bob", "BOB", "carol", "dave", "mallory"}).Draw(w.t, "actor")
			meets, who := []string{pipeline.GroupRequirement(0)}, strings.ToLower(actor)
			switch {
			case actor == "mallory":
				meets = nil
			case w.hour >= w.expires[job]:
			case !approves:
				w.votes[job], w.answered[job] = nil, false
			case !slices.Contains(w.votes[job], who):
				w.votes[job] = append(w.votes[job], who)
				w.answered[job] = len(w.votes[job]) >= w.quorum
			}
			w.send(x.ID, pipeline.Decided{At: w.now(), Job: job, Actor: actor, Approved: approves, Meets: meets})
		}
	}
}

func (w *town) answer(k int) {
	q := w.asks[k]
	w.asks = slices.Delete(w.asks, k, k+1)
	var deployed int
	if _, err := fmt.Sscanf(q.deployed, "c%d", &deployed); err != nil {
		w.t.Fatal(err)
	}
	w.send(q.id, pipeline.Compared{At: w.now(), Stage: q.stage, Deployed: q.deployed, Descendant: commit(w.find(q.id)) >= deployed})
}

// pass lets time go on to an hour, and fires what was set for it.
func (w *town) pass(hours int) {
	w.hour += hours
	var due []timer
	w.timer = slices.DeleteFunc(w.timer, func(t timer) bool {
		if late := !t.at.After(w.now()); late {
			due = append(due, t)
			return true
		}
		return false
	})
	for _, t := range due {
		switch e := t.e.(type) {
		case pipeline.Due:
			e.At = w.now()
			w.send(t.id, e)
		case pipeline.ApprovalExpired:
			e.At = w.now()
			w.send(t.id, e)
		}
	}
}

func (w *town) step() {
	some := func() *pipeline.Execution { return w.all[rapid.IntRange(0, len(w.all)-1).Draw(w.t, "execution")] }
	stage := func() string {
		return rapid.SampledFrom([]string{"build", "gate", "live", "notice"}).Draw(w.t, "stage")
	}
	what := rapid.IntRange(0, 13).Draw(w.t, "what")
	if len(w.all) == 0 {
		what = 0
	}
	switch what {
	case 0:
		w.start()
	case 1, 2:
		w.fetch(some())
	case 3, 4, 5, 6:
		if len(w.jobs) > 0 {
			status := rapid.SampledFrom([]pipeline.Status{pipeline.Succeeded, pipeline.Succeeded, pipeline.Succeeded, pipeline.Failed}).Draw(w.t, "result")
			w.finish(rapid.IntRange(0, len(w.jobs)-1).Draw(w.t, "job"), status)
		}
	case 7, 8:
		w.decide(some(), rapid.IntRange(0, 5).Draw(w.t, "answer") > 0)
	case 9:
		w.person(some(), stage())
	case 10:
		x := some()
		w.door(x.LockKey(rapid.IntRange(0, len(x.Definition.Stages)-1).Draw(w.t, "stage")), rapid.Bool().Draw(w.t, "opens"))
	case 11:
		if len(w.asks) > 0 {
			w.answer(0)
		}
	default:
		w.pass(rapid.IntRange(1, 14).Draw(w.t, "hours"))
	}
}

// person does what a person may, on an execution.
func (w *town) person(x *pipeline.Execution, stage string) {
	switch rapid.IntRange(0, 5).Draw(w.t, "does") {
	case 0:
		w.send(x.ID, pipeline.Cancel{At: w.now(), Reason: "stop"})
	case 1:
		w.send(x.ID, pipeline.Stop{At: w.now(), Reason: "stop", Abandon: rapid.Bool().Draw(w.t, "abandons")})
	case 2:
		w.send(x.ID, pipeline.SourceFailed{At: w.now(), Reason: "gone"})
	case 3:
		if i := x.StageIndex(stage); i >= 0 {
			w.waved[x.ID+stage] = true // whether it is obeyed or not: this asks less than it could
			w.send(x.ID, pipeline.Override{At: w.now(), Actor: "bob", Stage: stage, Overtaken: w.locks[x.LockKey(i)].Overtaken(x.Number)})
		}
	default:
		if i := x.StageIndex(stage); i >= 0 {
			w.send(x.ID, pipeline.Retry{
				At: w.now(), Stage: stage, All: rapid.Bool().Draw(w.t, "all"), Overtaken: w.locks[x.LockKey(i)].Overtaken(x.Number),
			})
		}
	}
}

func (w *town) door(key pipeline.LockKey, opens bool) {
	w.closed[key.Pipeline+" "+key.Lane+" "+key.Stage] = !opens
	if opens {
		w.tell(key, pipeline.Open{})
	}
}

// settle lets everything happen that is owed: then every execution must end.
func (w *town) settle() {
	for _, x := range w.all {
		for i := range x.Stages {
			w.door(x.LockKey(i), true)
		}
	}
	going := func(x *pipeline.Execution) bool { return !x.Status.Ended() }
	for turn := 0; turn < 40*len(w.all) && slices.ContainsFunc(w.all, going); turn++ {
		w.pass(3)
		for _, x := range slices.Clone(w.all) {
			w.fetch(x)
			w.decide(x, true)
		}
		for len(w.asks) > 0 {
			w.answer(0)
		}
		for len(w.jobs) > 0 {
			w.finish(0, pipeline.Succeeded)
		}
	}
	for _, x := range w.all {
		w.replay(x)
		if !x.Status.Ended() {
			w.t.Fatalf("execution %s is still %s:%s", x.ID, x.Status, w.picture())
		}
	}
	for key, lock := range w.locks {
		if lock.Holder.Execution != "" || len(lock.Waiters) > 0 || len(lock.Shut) > 0 {
			w.t.Fatalf("lock %v is left to %v, %v, %v", key, lock.Holder, lock.Waiters, lock.Shut)
		}
	}
	w.allCleaned()
}

// picture is where everything stands.
func (w *town) picture() string {
	text := ""
	for _, x := range w.all {
		text += "\n" + x.ID + " " + statuses(*x)
		for _, st := range x.Stages {
			text += fmt.Sprintf(" %s:%d %d/%d %v", st.Hold.For, st.Attempt, st.Granted, st.Asked, st.Barred)
		}
	}
	for key, lock := range w.locks {
		text += fmt.Sprintf("\n%v: %v, %v, %v", key, lock.Holder, lock.Waiters, lock.Shut)
	}
	return text
}

// allCleaned asks that what has begun was cleaned up after, unless it was abandoned
// while that was under way.
func (w *town) allCleaned() {
	for _, x := range w.all {
		for _, st := range x.Stages {
			attempt := attemptOf(x, st.Name)
			if st.Name == "build" && w.began[attempt] && (w.cleaned[attempt] < 1 || w.cleaned[attempt] > 2) {
				w.t.Fatalf("%s was cleaned up %d times", attempt, w.cleaned[attempt])
			}
		}
	}
}

// TestContract runs random histories of many executions in every mode, and of such as
// have one each.
func TestContract(t *testing.T) {
	for _, mode := range []pipeline.Mode{pipeline.Superseding, pipeline.Queueing, pipeline.Parallel, "mixed"} {
		t.Run("mode "+string(mode), func(t *testing.T) {
			mixed := mode == "mixed"
			if mixed {
				mode = pipeline.Parallel
			}
			rapid.Check(t, func(t *rapid.T) {
				w := &town{
					t: t, mode: mode, mixed: mixed, beginning: map[string]pipeline.Execution{}, history: map[string][]pipeline.Event{}, locks: map[pipeline.LockKey]pipeline.Lock{}, closed: map[string]bool{}, inside: map[string]string{},
					order: map[string][]int{}, quorum: rapid.IntRange(1, 2).Draw(t, "quorum"), votes: map[pipeline.JobID][]string{}, answered: map[pipeline.JobID]bool{}, expires: map[pipeline.JobID]int{}, began: map[string]bool{},
					cleaned: map[string]int{}, live: map[string]int{}, passed: map[string][]string{}, waved: map[string]bool{}, counts: map[string]int{},
				}
				for range rapid.IntRange(1, 120).Draw(t, "steps") {
					w.step()
				}
				w.settle()
			})
		})
	}
}
