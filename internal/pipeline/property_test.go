package pipeline_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// world carries out the effects of one execution as the store and the runners
// would, with duplicates and late messages thrown in.
type world struct {
	t       *rapid.T
	x       pipeline.Execution
	inside  string // the stage whose lock it holds
	waiting string
	clear   string           // the stage that asked whether it may begin
	jobs    []pipeline.JobID // handed out, not reported
	gone    []pipeline.Event // delivered before, to be delivered again
	minute  int
}

func (w *world) apply(e pipeline.Event) {
	before := mustJSON(w.t, w.x)
	next, effects, err := w.x.Apply(e)
	if again := mustJSON(w.t, w.x); again != before {
		w.t.Fatalf("%s changed the execution it was applied to", e.Kind())
	}
	replay, effects2, err2 := w.x.Apply(e)
	if mustJSON(w.t, replay) != mustJSON(w.t, next) || mustJSON(w.t, effects) != mustJSON(w.t, effects2) || (err == nil) != (err2 == nil) {
		w.t.Fatalf("%s is not deterministic", e.Kind())
	}
	if err != nil {
		if !errors.Is(err, pipeline.ErrRefused) {
			w.t.Fatalf("%s: %v", e.Kind(), err)
		}
		return
	}
	if w.x.Status.Ended() && e.Kind() != pipeline.KindRetry && mustJSON(w.t, next) != before {
		w.t.Fatalf("%s changed an ended execution", e.Kind())
	}
	w.x = next
	w.gone = append(w.gone, e)
	for _, effect := range effects {
		w.carry(effect)
	}
	if stage := w.clear; stage != "" {
		w.clear = ""
		w.apply(pipeline.Cleared{At: e.When(), Stage: stage})
	}
	w.check()
}

func (w *world) carry(effect pipeline.Effect) {
	switch e := effect.(type) {
	case pipeline.TellLock:
		switch e.Event.(type) {
		case pipeline.Enter:
			w.waiting = e.Key.Stage
		case pipeline.Leave:
			if w.inside == e.Key.Stage {
				w.inside = ""
			}
			if w.waiting == e.Key.Stage {
				w.waiting = ""
			}
		case pipeline.Begin:
			w.clear = e.Key.Stage
		}
	case pipeline.StartJob:
		if w.x.Status != pipeline.InProgress {
			w.t.Fatalf("job %s was handed out by an execution that is %s", e.Job.ID, w.x.Status)
		}
		if w.inside != e.Job.ID.Stage {
			w.t.Fatalf("job %s was handed out without the lock of its stage (inside %q)", e.Job.ID, w.inside)
		}
		if slices.Contains(w.jobs, e.Job.ID) {
			w.t.Fatalf("job %s was handed out twice", e.Job.ID)
		}
		w.needsMet(e.Job.ID)
		w.jobs = append(w.jobs, e.Job.ID)
	case pipeline.StopJob:
		if !slices.Contains(w.jobs, e.Job) {
			w.t.Fatalf("job %s was stopped but does not run", e.Job)
		}
	}
}

// needsMet fails when a job starts before what it needs has succeeded, an
// approval included.
func (w *world) needsMet(id pipeline.JobID) {
	i, j, _ := w.x.Find(id)
	for _, need := range w.x.Definition.Stages[i].Actions[j].Needs {
		_, k, _ := w.x.Find(pipeline.JobID{Stage: id.Stage, Action: need})
		state := w.x.Stages[i].Actions[k]
		if state.Status != pipeline.Succeeded {
			w.t.Fatalf("job %s started while %s is %s", id, need, state.Status)
		}
		if w.x.Definition.Stages[i].Actions[k].Approval != nil && (state.Decision == nil || !state.Decision.Approved) {
			w.t.Fatalf("job %s passed the gate %s without an approval", id, need)
		}
	}
	for _, st := range w.x.Stages[:i] {
		if st.Status != pipeline.Succeeded {
			w.t.Fatalf("job %s started while stage %s is %s", id, st.Name, st.Status)
		}
	}
}

func (w *world) check() {
	if w.x.Status.Ended() && (len(w.jobs) > 0 || w.inside != "" || w.waiting != "") {
		w.t.Fatalf("ended %s with jobs %v, inside %q, waiting at %q", w.x.Status, w.jobs, w.inside, w.waiting)
	}
	if w.x.Status == pipeline.Succeeded {
		for _, st := range w.x.Stages {
			if st.Status != pipeline.Succeeded {
				w.t.Fatalf("succeeded with stage %s %s", st.Name, st.Status)
			}
		}
	}
}

// step draws one thing that could happen now.
func (w *world) step() {
	w.minute++
	now := at(w.minute)
	switch rapid.IntRange(0, 9).Draw(w.t, "what") {
	case 0:
		w.apply(pipeline.Started{At: now})
	case 1:
		w.apply(pipeline.SourceFetched{At: now, Source: pipeline.Artifact{Name: "source", Digest: "s"}})
	case 2, 3:
		if w.waiting != "" {
			w.inside, w.waiting = w.waiting, ""
			w.apply(pipeline.Entered{At: now, Stage: w.inside})
		}
	case 4, 5, 6:
		if len(w.jobs) > 0 {
			k := rapid.IntRange(0, len(w.jobs)-1).Draw(w.t, "job")
			job := w.jobs[k]
			w.jobs = slices.Delete(w.jobs, k, k+1)
			status := rapid.SampledFrom([]pipeline.Status{pipeline.Succeeded, pipeline.Succeeded, pipeline.Succeeded, pipeline.Failed, pipeline.Errored, pipeline.TimedOut}).Draw(w.t, "result")
			r := built
			r.Status = status
			w.apply(ended(w.minute, job, r))
		}
	case 7:
		job := id(rapid.SampledFrom([]string{"build", "production"}).Draw(w.t, "stage"), rapid.SampledFrom([]string{"sign-off", "roll-out", "compile"}).Draw(w.t, "action"), rapid.IntRange(1, 2).Draw(w.t, "attempt"))
		if rapid.Bool().Draw(w.t, "expires") {
			w.apply(pipeline.ApprovalExpired{At: now, Job: job})
		} else {
			w.apply(pipeline.Decided{Meets: []string{"1"}, At: now, Job: job, Actor: "bob", Approved: rapid.Bool().Draw(w.t, "approves")})
		}
	case 8:
		switch rapid.IntRange(0, 7).Draw(w.t, "rarely") {
		case 0:
			w.apply(pipeline.Cancel{At: now, Reason: "stop"})
		case 1, 2:
			w.apply(pipeline.Stop{At: now, Reason: "stop", Abandon: rapid.Bool().Draw(w.t, "abandons")})
		default:
			w.apply(pipeline.Retry{
				At: now, Stage: rapid.SampledFrom([]string{"build", "production"}).Draw(w.t, "stage"), All: rapid.Bool().Draw(w.t, "all"),
			})
		}
	case 9:
		if len(w.gone) > 0 {
			e := rapid.SampledFrom(w.gone).Draw(w.t, "again")
			if _, lockAnswer := e.(pipeline.Entered); !lockAnswer && e.Kind() != pipeline.KindCleared && e.Kind() != pipeline.KindRetry && e.Kind() != pipeline.KindStop {
				w.apply(e)
			}
		}
	}
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, x: release()}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			w.step()
		}
	})
}

func mustJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
