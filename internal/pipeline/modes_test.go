package pipeline_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// town is many executions of two pipelines on two lanes, with their locks, as
// the store carries them. What it asks of them is written down on its own, not
// read from the locks.
type town struct {
	t      *rapid.T
	mode   pipeline.Mode
	all    []*pipeline.Execution
	locks  map[pipeline.LockKey]pipeline.Lock
	closed map[pipeline.LockKey]bool
	jobs   []pipeline.JobID
	began  map[pipeline.LockKey][]int // numbers, in the order in which they began a stage
	counts map[string]int             // executions of a pipeline
	minute int
}

var townPipelines, townLanes = []string{"web", "api"}, []string{"refs/heads/main", "refs/heads/next"}

func (w *town) pipeline(name string) pipeline.Definition {
	act := []pipeline.Action{{Name: "do", Image: "i", Run: "r", Inputs: []string{"source"}}}
	gate := []pipeline.Action{
		{Name: "ask", Approval: &pipeline.Approval{Expires: pipeline.DefaultApprovalExpiry}},
		{Name: "do", Needs: []string{"ask"}, Image: "i", Run: "r", Inputs: []string{"source"}},
	}
	return pipeline.Definition{Name: name, Mode: w.mode, Stages: []pipeline.Stage{
		{Name: "build", Actions: act}, {Name: "gate", Actions: gate}, {Name: "live", Environment: "production", Actions: act},
	}}
}

// send carries an event through, and all that follows.
func (w *town) send(id string, e pipeline.Event) {
	i := slices.IndexFunc(w.all, func(x *pipeline.Execution) bool { return x.ID == id })
	x := w.all[i]
	before := *x
	next, effects, err := x.Apply(e)
	if err != nil {
		return
	}
	if before.Status == pipeline.Superseded && mustJSON(w.t, next) != mustJSON(w.t, before) {
		w.t.Fatalf("%s woke the superseded execution %s", e.Kind(), id)
	}
	*x = next
	w.look(before, next)
	for _, effect := range effects {
		switch f := effect.(type) {
		case pipeline.TellLock:
			w.tell(f.Key, f.Event)
		case pipeline.StartJob:
			w.jobs = append(w.jobs, f.Job.ID)
		case pipeline.StopJob, pipeline.FetchSource, pipeline.AwaitExpiry, pipeline.Report:
		}
	}
}

func (w *town) tell(key pipeline.LockKey, e pipeline.LockEvent) {
	lock, answers := w.locks[key].Apply(e)
	w.locks[key] = lock
	for _, a := range answers {
		if a.By == 0 && w.closed[key] {
			w.t.Fatalf("execution %s was let into %v, which is closed", a.Execution, key)
		}
		if a.By == 0 {
			w.send(a.Execution, pipeline.Entered{At: at(w.minute), Stage: a.Stage, Environment: key.OfEnvironment()})
		} else {
			w.send(a.Execution, pipeline.MadeWay{At: at(w.minute), Stage: a.Stage, By: a.By})
		}
	}
}

// look notes which stages began with a change, and asks whether they might.
func (w *town) look(before, after pipeline.Execution) {
	for i, st := range after.Stages {
		was := pipeline.Pending
		if i < len(before.Stages) {
			was = before.Stages[i].Status
		}
		if was != pipeline.Waiting || st.Status == was || st.Status == pipeline.Cancelled || st.Status == pipeline.Stopped || st.Status == pipeline.Superseded || st.Status == pipeline.Pending {
			continue
		}
		key := after.LockKey(i)
		if order := w.began[key]; w.mode != pipeline.Parallel && len(order) > 0 && order[len(order)-1] > after.Number {
			w.t.Fatalf("execution %d began stage %s after %v", after.Number, st.Name, order)
		}
		w.began[key] = append(w.began[key], after.Number)
	}
}

// check asks that nobody shares what is for one.
func (w *town) check() {
	inside := map[string]string{}
	for _, x := range w.all {
		for i, st := range x.Stages {
			if st.Status != pipeline.InProgress && st.Status != pipeline.Cancelling {
				continue
			}
			places := []string{}
			if w.mode != pipeline.Parallel {
				places = append(places, fmt.Sprint(x.LockKey(i)))
			}
			if key, ok := x.EnvironmentKey(i); ok {
				places = append(places, fmt.Sprint(key))
			}
			for _, p := range places {
				if other := inside[p]; other != "" {
					w.t.Fatalf("%s and %s are both in %s", other, x.ID, p)
				}
				inside[p] = x.ID
			}
		}
	}
}

func (w *town) start() {
	name := rapid.SampledFrom(townPipelines).Draw(w.t, "pipeline")
	w.counts[name]++
	x := &pipeline.Execution{
		ID: fmt.Sprintf("%s-%d", name, w.counts[name]), Number: w.counts[name], RepositoryID: 1, Trusted: true,
		Lane: rapid.SampledFrom(townLanes).Draw(w.t, "lane"), Definition: w.pipeline(name),
	}
	w.all = append(w.all, x)
	w.send(x.ID, pipeline.Started{At: at(w.minute)})
}

func (w *town) fetch(x *pipeline.Execution) {
	w.send(x.ID, pipeline.SourceFetched{At: at(w.minute), Source: pipeline.Artifact{Name: "source", Digest: "s"}})
}

func (w *town) finish(k int, s pipeline.Status) {
	job := w.jobs[k]
	w.jobs = slices.Delete(w.jobs, k, k+1)
	w.send(job.Execution, pipeline.JobFinished{At: at(w.minute), Job: job, Result: pipeline.Result{Status: s}})
}

func (w *town) approve(x *pipeline.Execution) {
	job := pipeline.JobID{Execution: x.ID, Stage: "gate", Action: "ask", Attempt: 1}
	w.send(x.ID, pipeline.Decided{At: at(w.minute), Job: job, Actor: "bob", Approved: true})
}

func (w *town) step() {
	w.minute++
	some := func() *pipeline.Execution { return rapid.SampledFrom(w.all).Draw(w.t, "execution") }
	what := rapid.IntRange(0, 9).Draw(w.t, "what")
	if len(w.all) == 0 {
		what = 0
	}
	switch what {
	case 0:
		w.start()
	case 1, 2:
		w.fetch(some())
	case 3, 4, 5:
		if len(w.jobs) > 0 {
			status := rapid.SampledFrom([]pipeline.Status{pipeline.Succeeded, pipeline.Succeeded, pipeline.Succeeded, pipeline.Failed}).Draw(w.t, "result")
			w.finish(rapid.IntRange(0, len(w.jobs)-1).Draw(w.t, "job"), status)
		}
	case 6, 7:
		w.approve(some())
	case 8:
		switch rapid.IntRange(0, 3).Draw(w.t, "ends") {
		case 0:
			w.send(some().ID, pipeline.Cancel{At: at(w.minute), Reason: "stop"})
		case 1:
			w.send(some().ID, pipeline.Stop{At: at(w.minute), Reason: "stop", Abandon: rapid.Bool().Draw(w.t, "abandons")})
		default:
			w.send(some().ID, pipeline.SourceFailed{At: at(w.minute), Reason: "gone"})
		}
	case 9:
		x := some()
		w.door(x.LockKey(rapid.IntRange(0, 2).Draw(w.t, "stage")), rapid.Bool().Draw(w.t, "opens"))
	}
	w.check()
}

func (w *town) door(key pipeline.LockKey, opens bool) {
	w.closed[key] = !opens
	if opens {
		w.tell(key, pipeline.Open{})
	} else {
		w.tell(key, pipeline.Close{})
	}
}

// settle lets everything happen that is owed: then every execution must end.
func (w *town) settle() {
	for key := range w.closed {
		w.door(key, true)
	}
	going := func(x *pipeline.Execution) bool { return !x.Status.Ended() }
	for turn := 0; turn < 10*len(w.all) && slices.ContainsFunc(w.all, going); turn++ {
		w.minute++
		for _, x := range w.all {
			w.fetch(x)
			w.approve(x)
		}
		for len(w.jobs) > 0 {
			w.finish(0, pipeline.Succeeded)
		}
		w.check()
	}
	for _, x := range w.all {
		if !x.Status.Ended() {
			w.t.Fatalf("execution %s is still %s: %+v", x.ID, x.Status, x.Stages)
		}
	}
	for key, lock := range w.locks {
		if lock.Holder.Execution != "" || len(lock.Waiters) > 0 {
			w.t.Fatalf("lock %v is left to %v, %v", key, lock.Holder, lock.Waiters)
		}
	}
}

// TestModes runs random histories of many executions in every mode.
func TestModes(t *testing.T) {
	for _, mode := range []pipeline.Mode{pipeline.Superseding, pipeline.Queueing, pipeline.Parallel} {
		t.Run("mode "+string(mode), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := &town{
					t: t, mode: mode, locks: map[pipeline.LockKey]pipeline.Lock{}, closed: map[pipeline.LockKey]bool{},
					began: map[pipeline.LockKey][]int{}, counts: map[string]int{},
				}
				for range rapid.IntRange(1, 100).Draw(t, "steps") {
					w.step()
				}
				w.settle()
			})
		})
	}
}
