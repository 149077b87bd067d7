package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

var t0 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }

// release is build (compile, lint), then production (sign-off → roll-out).
func release() pipeline.Execution {
	source := []string{pipeline.SourceArtifact}
	return pipeline.Execution{
		ID: "7", Number: 3, Repository: "octo/shop", RepositoryID: 42, Lane: "refs/heads/main",
		Trigger: pipeline.Push, Actor: "alice",
		Revision: pipeline.Revision{Commit: "c0ffee", Time: t0, Ref: "refs/heads/main", Branch: "main"},
		Definition: pipeline.Definition{Name: "release", Hash: "abc", Variables: []pipeline.Variable{{Name: "REGION", Default: "eu"}}, Stages: []pipeline.Stage{
			{Name: "build", Actions: []pipeline.Action{
				{Name: "compile", Image: "go", Run: "make", Inputs: source, Artifacts: []pipeline.Output{{Name: "shop", Path: "out"}}},
				{Name: "lint", Image: "lint", Run: "lint", Inputs: source},
			}},
			{Name: "production", Actions: []pipeline.Action{
				{Name: "sign-off", Approval: &pipeline.Approval{Expires: time.Hour}},
				{Name: "roll-out", Image: "deploy:${{ build.compile.version }}", Run: "deploy", Needs: []string{"sign-off"}, Inputs: []string{"shop"}, Env: []pipeline.Value{
					{Name: "REGION", Value: "${{ variables.REGION }}"}, {Name: "SHA", Value: "${{ source.commit }}"},
				}},
			}},
		}},
	}
}

// trusting is the trust of whatever tests deploy to.
var trusting = []pipeline.Trust{{Trusted: true}, {Environment: "live", Trusted: true}, {Environment: "production", Trusted: true}}

func id(stage, action string, attempt int) pipeline.JobID {
	return pipeline.JobID{Execution: "7", Stage: stage, Action: action, Attempt: attempt}
}

func ended(minute int, job pipeline.JobID, r pipeline.Result) pipeline.JobFinished {
	return pipeline.JobFinished{At: at(minute), Job: job, Result: r}
}

var (
	good    = pipeline.Result{Status: pipeline.Succeeded}
	bad     = pipeline.Result{Status: pipeline.Failed, ExitCode: 2, Reason: "exit code 2"}
	shop    = pipeline.Artifact{Name: "shop", Digest: "d1", Size: 10}
	built   = pipeline.Result{Status: pipeline.Succeeded, Artifacts: []pipeline.Artifact{shop}, Outputs: []pipeline.Value{{Name: "version", Value: "1.2"}}}
	fetched = pipeline.SourceFetched{At: at(1), Source: pipeline.Artifact{Name: "source", Digest: "s1"}}
)

// run applies events in turn and returns the state and the effects of the last.
func run(t *testing.T, x pipeline.Execution, events ...pipeline.Event) (pipeline.Execution, []pipeline.Effect) {
	t.Helper()
	var effects []pipeline.Effect
	for _, e := range events {
		var err error
		if x, effects, err = x.Apply(e); err != nil {
			t.Fatalf("%s: %v", e.Kind(), err)
		}
		x, effects = begins(t, x, effects, e.When())
	}
	return x, effects
}

// begins answers for environments and locks when an execution asks whether it may begin. The
// effects are those of both, with one report at the end.
func begins(t *testing.T, x pipeline.Execution, effects []pipeline.Effect, at time.Time) (pipeline.Execution, []pipeline.Effect) {
	t.Helper()
	for i, effect := range effects {
		if ask, ok := effect.(pipeline.AskTrust); ok {
			answer := pipeline.Trusted{At: at, Stage: ask.Stage, Trust: pipeline.Trust{Environment: ask.Environment, Trusted: true}}
			next, more, err := x.Apply(answer)
			if err != nil {
				t.Fatal(err)
			}
			rest := slices.DeleteFunc(slices.Delete(effects, i, i+1), func(e pipeline.Effect) bool { return e == pipeline.Report{} })
			return begins(t, next, append(rest, more...), at)
		}
		tell, ok := effect.(pipeline.TellLock)
		if begin, begins := tell.Event.(pipeline.Begin); ok && begins {
			next, more, err := x.Apply(pipeline.Cleared{At: at, Stage: begin.Stage})
			if err != nil {
				t.Fatal(err)
			}
			return next, append(slices.DeleteFunc(effects, func(e pipeline.Effect) bool { return e == pipeline.Report{} }), more...)
		}
	}
	return x, effects
}

func toBuild() []pipeline.Event {
	return []pipeline.Event{pipeline.Started{At: at(0)}, fetched, pipeline.Entered{At: at(2), Stage: "build"}}
}

func toSignOff() []pipeline.Event {
	return append(toBuild(),
		ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), good),
		pipeline.Entered{At: at(5), Stage: "production"})
}

func approve(minute int) pipeline.Event {
	return pipeline.Decided{Meets: []string{"1"}, At: at(minute), Job: id("production", "sign-off", 1), Actor: "bob", Door: "comment", Approved: true}
}

func key(stage string) pipeline.LockKey {
	return pipeline.LockKey{Repository: 42, Pipeline: "release", Lane: "refs/heads/main", Stage: stage}
}

func TestEffectsOfTheMainLoop(t *testing.T) {
	source := pipeline.Artifact{Name: "source", Digest: "s1"}
	job := func(stage, action string, image, script string, inputs ...pipeline.Artifact) pipeline.Job {
		return pipeline.Job{
			ID: id(stage, action, 1), Repository: "octo/shop", Pipeline: "release", Commit: "c0ffee", CommitTime: t0,
			Ref: "refs/heads/main", Image: image, Run: script, Inputs: inputs,
		}
	}
	compile := job("build", "compile", "go", "make", source)
	compile.Artifacts = []pipeline.Output{{Name: "shop", Path: "out"}}
	rollOut := job("production", "roll-out", "deploy:1.2", "deploy", shop)
	rollOut.Env = []pipeline.Value{{Name: "REGION", Value: "eu"}, {Name: "SHA", Value: "c0ffee"}}
	claim := func(stage string) pipeline.Claim {
		return pipeline.Claim{Execution: "7", Number: 3, Pipeline: "release", Stage: stage}
	}
	enter := func(stage string) pipeline.LockEvent { return pipeline.Enter{Claim: claim(stage)} }
	steps := []struct {
		event pipeline.Event
		want  []pipeline.Effect
	}{
		{pipeline.Started{At: at(0)}, []pipeline.Effect{pipeline.FetchSource{}}},
		{fetched, []pipeline.Effect{pipeline.TellLock{Key: key("build"), Event: enter("build")}}},
		{pipeline.Entered{At: at(2), Stage: "build"}, []pipeline.Effect{
			pipeline.TellLock{Key: key("build"), Event: pipeline.Begin{Claim: claim("build")}},
			pipeline.StartJob{Job: compile},
			pipeline.StartJob{Job: job("build", "lint", "lint", "lint", source)},
		}},
		{ended(3, id("build", "compile", 1), built), nil},
		{ended(4, id("build", "lint", 1), good), []pipeline.Effect{
			pipeline.Passed{Stage: "build"},
			pipeline.TellLock{Key: key("build"), Event: pipeline.Leave{Execution: "7"}},
			pipeline.TellLock{Key: key("production"), Event: enter("production")},
		}},
		{pipeline.Entered{At: at(5), Stage: "production"}, []pipeline.Effect{
			pipeline.AwaitExpiry{At: at(65), Job: id("production", "sign-off", 1)}, pipeline.Describe{Job: id("production", "sign-off", 1)},
		}},
		{approve(10), []pipeline.Effect{
			pipeline.TellLock{Key: key("production"), Event: pipeline.Begin{Claim: claim("production")}}, pipeline.StartJob{Job: rollOut},
		}},
		{ended(12, id("production", "roll-out", 1), good), []pipeline.Effect{
			pipeline.Passed{Stage: "production"},
			pipeline.TellLock{Key: key("production"), Event: pipeline.Leave{Execution: "7"}},
		}},
	}
	x := release()
	for _, s := range steps {
		var effects []pipeline.Effect
		x, effects = run(t, x, s.event)
		if d := cmp.Diff(append(s.want, pipeline.Report{}), effects); d != "" {
			t.Errorf("%s:\n%s", s.event.Kind(), d)
		}
	}
	if x.Status != pipeline.Succeeded || !x.EndedAt.Equal(at(12)) {
		t.Errorf("ended %s at %s", x.Status, x.EndedAt)
	}
	want := &pipeline.Decision{Approved: true, Actor: "bob", At: at(10), Door: "comment", Execution: "7", Commit: "c0ffee", Definition: "abc", Variables: x.VariablesDigest(), Artifacts: []pipeline.Artifact{source, shop}}
	if d := cmp.Diff(want, x.Stages[1].Actions[0].Decision); d != "" {
		t.Errorf("decision:\n%s", d)
	}
}

// statuses renders an execution in one line.
func statuses(x pipeline.Execution) string {
	s := string(x.Status)
	for _, st := range x.Stages {
		s += fmt.Sprintf(" | %s", st.Status)
		for _, a := range st.Actions {
			s += fmt.Sprintf(" %s=%s", a.Name, a.Status)
		}
	}
	return s
}

func TestPaths(t *testing.T) {
	compile, lint := id("build", "compile", 1), id("build", "lint", 1)
	signOff, rollOut := id("production", "sign-off", 1), id("production", "roll-out", 1)
	cancel := func(minute int) pipeline.Event {
		return pipeline.Cancel{At: at(minute), Actor: "bob", Reason: "stopped by bob"}
	}
	for _, tc := range []struct {
		name   string
		events []pipeline.Event
		want   string
	}{
		{"a failure lets the others end", append(toBuild(), ended(3, lint, bad)), "in_progress | in_progress compile=queued lint=failed | pending sign-off=pending roll-out=pending"},
		{"then fails the stage", append(toBuild(), ended(3, lint, bad), ended(4, compile, built)), "failed | failed compile=succeeded lint=failed | pending sign-off=pending roll-out=pending"},
		{"errored fails too", append(toBuild(), ended(3, lint, pipeline.Result{Status: pipeline.Errored}), ended(4, compile, built)), "failed | failed compile=succeeded lint=errored | pending sign-off=pending roll-out=pending"},
		{"only time ran out", append(toBuild(), ended(3, lint, pipeline.Result{Status: pipeline.TimedOut}), ended(4, compile, built)), "failed | timed_out compile=succeeded lint=timed_out | pending sign-off=pending roll-out=pending"},
		{"failure beats time", append(toBuild(), ended(3, lint, pipeline.Result{Status: pipeline.TimedOut}), ended(4, compile, bad)), "failed | failed compile=failed lint=timed_out | pending sign-off=pending roll-out=pending"},
		{"rejected", append(toSignOff(), pipeline.Decided{Meets: []string{"1"}, At: at(6), Job: signOff, Actor: "bob"}), "failed | succeeded compile=succeeded lint=succeeded | failed sign-off=rejected roll-out=cancelled"},
		{"expired", append(toSignOff(), pipeline.ApprovalExpired{At: at(66), Job: signOff}), "failed | succeeded compile=succeeded lint=succeeded | timed_out sign-off=expired roll-out=cancelled"},
		{"approved, then expiry comes", append(toSignOff(), approve(6), pipeline.ApprovalExpired{At: at(66), Job: signOff}), "in_progress | succeeded compile=succeeded lint=succeeded | in_progress sign-off=succeeded roll-out=queued"},
		{"cancel before the source", []pipeline.Event{pipeline.Started{At: at(0)}, cancel(1), fetched}, "cancelled | pending compile=pending lint=pending | pending sign-off=pending roll-out=pending"},
		{"cancel at the lock", []pipeline.Event{pipeline.Started{At: at(0)}, fetched, cancel(2), pipeline.Entered{At: at(3), Stage: "build"}}, "cancelled | cancelled compile=pending lint=pending | pending sign-off=pending roll-out=pending"},
		{"cancel keeps the lock until all are dead", append(toBuild(), pipeline.JobStarted{At: at(3), Job: compile}, cancel(4)), "cancelling | cancelling compile=cancelling lint=cancelling | pending sign-off=pending roll-out=pending"},
		{"cancel, one dead", append(toBuild(), cancel(4), ended(5, lint, pipeline.Result{Status: pipeline.Cancelled})), "cancelling | cancelling compile=cancelling lint=cancelled | pending sign-off=pending roll-out=pending"},
		{"cancel, all dead", append(toBuild(), cancel(4), ended(5, lint, pipeline.Result{Status: pipeline.Cancelled}), ended(6, compile, bad)), "cancelled | cancelled compile=cancelled lint=cancelled | pending sign-off=pending roll-out=pending"},
		{"cancel voids an approval", append(toSignOff(), cancel(6)), "cancelled | succeeded compile=succeeded lint=succeeded | cancelled sign-off=cancelled roll-out=cancelled"},
		{"superseded at the lock", []pipeline.Event{pipeline.Started{At: at(0)}, fetched, pipeline.MadeWay{At: at(2), Stage: "build", By: 4}}, "superseded | superseded compile=cancelled lint=cancelled | pending sign-off=pending roll-out=pending"},
		{"superseded while it only waits for approval", append(toSignOff(), pipeline.MadeWay{At: at(6), Stage: "production", By: 4}), "superseded | succeeded compile=succeeded lint=succeeded | superseded sign-off=cancelled roll-out=cancelled"},
		{"source failed", []pipeline.Event{pipeline.Started{At: at(0)}, pipeline.SourceFailed{At: at(1), Reason: "gone"}}, "failed | pending compile=pending lint=pending | pending sign-off=pending roll-out=pending"},
		{"outrun", []pipeline.Event{pipeline.Outrun{At: at(0), By: "beef"}}, "superseded | pending compile=pending lint=pending | pending sign-off=pending roll-out=pending"},
		{"an unknown output errors the action", append(toBuild(), ended(3, compile, good), ended(4, lint, good), pipeline.Entered{At: at(5), Stage: "production"}, approve(6)), "failed | succeeded compile=succeeded lint=succeeded | failed sign-off=succeeded roll-out=errored"},
		{"retry keeps what succeeded", append(toBuild(), ended(3, lint, bad), ended(4, compile, built), pipeline.Retry{At: at(5), Actor: "bob", Stage: "build"}, pipeline.Entered{At: at(5), Stage: "build"}), "in_progress | in_progress compile=succeeded lint=queued | pending sign-off=pending roll-out=pending"},
		{"retry keeps an approval", append(toSignOff(), approve(6), ended(7, rollOut, bad), pipeline.Retry{At: at(8), Stage: "production"}, pipeline.Entered{At: at(8), Stage: "production"}), "in_progress | succeeded compile=succeeded lint=succeeded | in_progress sign-off=succeeded roll-out=queued"},
		{"retry asks again after expiry", append(toSignOff(), approve(6), ended(7, rollOut, bad), pipeline.Retry{At: at(80), Stage: "production"}, pipeline.Entered{At: at(80), Stage: "production"}), "in_progress | succeeded compile=succeeded lint=succeeded | in_progress sign-off=waiting roll-out=pending"},
		{"retry asks again after a rejection", append(toSignOff(), pipeline.Decided{Meets: []string{"1"}, At: at(6), Job: signOff, Actor: "bob"}, pipeline.Retry{At: at(8), Stage: "production"}, pipeline.Entered{At: at(8), Stage: "production"}), "in_progress | succeeded compile=succeeded lint=succeeded | in_progress sign-off=waiting roll-out=pending"},
		{"a result of an earlier attempt is ignored", append(toBuild(), ended(3, lint, bad), ended(4, compile, built), pipeline.Retry{At: at(5), Stage: "build"}, pipeline.Entered{At: at(5), Stage: "build"}, ended(6, lint, good)), "in_progress | in_progress compile=succeeded lint=queued | pending sign-off=pending roll-out=pending"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x, _ := run(t, release(), tc.events...)
			if got := statuses(x); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		events []pipeline.Event
		event  pipeline.Event
	}{
		{"second decision", append(toSignOff(), approve(6)), approve(7)},
		{"decision after expiry", append(toSignOff(), pipeline.ApprovalExpired{At: at(66), Job: id("production", "sign-off", 1)}), approve(70)},
		{"decision for an earlier attempt", append(toSignOff(), pipeline.Decided{Meets: []string{"1"}, Actor: "bob", At: at(6), Job: id("production", "sign-off", 1)}, pipeline.Retry{At: at(8), Stage: "production"}, pipeline.Entered{At: at(8), Stage: "production"}), approve(9)},
		{"decision before it waits", toBuild(), approve(3)},
		{"decision about a container run", toBuild(), pipeline.Decided{Meets: []string{"1"}, At: at(3), Job: id("build", "lint", 1), Approved: true}},
		{"retry of a running stage", toBuild(), pipeline.Retry{At: at(3), Stage: "build"}},
		{"retry of a succeeded stage", toSignOff(), pipeline.Retry{At: at(6), Stage: "build"}},
		{"retry after a newer one entered", append(toBuild(), ended(3, id("build", "lint", 1), bad), ended(4, id("build", "compile", 1), good)), pipeline.Retry{At: at(5), Stage: "build", Overtaken: true}},
		{"retry of no stage", toBuild(), pipeline.Retry{At: at(3), Stage: "nowhere"}},
		{"cancel after the end", append(toSignOff(), approve(6), ended(7, id("production", "roll-out", 1), good)), pipeline.Cancel{At: at(8)}},
		{"event before the start", nil, fetched},
		{"result of no action", toBuild(), ended(3, id("build", "nothing", 1), good)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x, _ := run(t, release(), tc.events...)
			after, effects, err := x.Apply(tc.event)
			if !errors.Is(err, pipeline.ErrRefused) || effects != nil {
				t.Fatalf("effects %v, error %v", effects, err)
			}
			if d := cmp.Diff(x, after); d != "" {
				t.Errorf("a refused event changed the state:\n%s", d)
			}
		})
	}
}

// TestTable puts each subject into each of its statuses and checks that Apply
// does what the table says for each event.
func TestTable(t *testing.T) {
	events := map[pipeline.Kind]pipeline.Event{
		pipeline.KindStarted:       pipeline.Started{At: at(9)},
		pipeline.KindInvalid:       pipeline.Invalid{At: at(9), Reason: "bad file"},
		pipeline.KindOutrun:        pipeline.Outrun{At: at(9), By: "beef"},
		pipeline.KindSkip:          pipeline.Skip{At: at(9), Reason: "push.paths is src/**"},
		pipeline.KindSourceFetched: fetched,
		pipeline.KindSourceFailed:  pipeline.SourceFailed{At: at(9)},
		pipeline.KindAdmitted:      pipeline.Admitted{At: at(9), Actor: "bob"},
		pipeline.KindCancel:        pipeline.Cancel{At: at(9)},
		pipeline.KindStop:          pipeline.Stop{At: at(9), Abandon: true},
		pipeline.KindEntered:       pipeline.Entered{At: at(9), Stage: "production"},
		pipeline.KindSuperseded:    pipeline.MadeWay{At: at(9), Stage: "production", By: 4},
		pipeline.KindTurnedAway:    pipeline.TurnedAway{At: at(9), Stage: "production"},
		pipeline.KindGranted:       pipeline.Granted{At: at(9), Stage: "production"},
		pipeline.KindCleared:       pipeline.Cleared{At: at(9), Stage: "production"},
		pipeline.KindShut:          pipeline.Shut{At: at(9), Stage: "production"},
		pipeline.KindOpened:        pipeline.Opened{At: at(9), Stage: "production"},
		pipeline.KindDue:           pipeline.Due{At: at(9), Stage: "production", Attempt: 1},
		pipeline.KindCompared:      pipeline.Compared{At: at(9), Stage: "production", Deployed: "beef"},
		pipeline.KindTrusted:       pipeline.Trusted{At: at(9), Stage: "production", Trust: pipeline.Trust{Trusted: true}},
		pipeline.KindOverride:      pipeline.Override{At: at(9), Stage: "production", Actor: "bob"},
		pipeline.KindRolledBack:    pipeline.RolledBack{At: at(9), Stage: "production", By: 5, To: 2},
		pipeline.KindRetry:         pipeline.Retry{At: at(9), Stage: "production"},
		pipeline.KindJobStarted:    pipeline.JobStarted{At: at(9), Job: id("production", "roll-out", 1)},
		pipeline.KindJobFinished:   ended(9, id("production", "roll-out", 1), good),
		pipeline.KindDecided:       pipeline.Decided{Meets: []string{"1"}, Actor: "bob", At: at(9), Job: id("production", "roll-out", 1)},
		pipeline.KindDescribed:     pipeline.Described{At: at(9), Job: id("production", "roll-out", 1)},
		pipeline.KindWithdrawn:     pipeline.Withdrawn{At: at(9), Job: id("production", "roll-out", 1), Actor: "carol"},
		pipeline.KindExpired:       pipeline.ApprovalExpired{At: at(9), Job: id("production", "roll-out", 1)},
	}
	rows := pipeline.Table()
	if len(rows) != len(events) {
		t.Fatalf("%d rows for %d events", len(rows), len(events))
	}
	for _, row := range rows {
		for _, status := range pipeline.Statuses(row.Of) {
			want := pipeline.Refuse
			if slices.Contains(row.Moves, status) {
				want = pipeline.Move
			} else if slices.Contains(row.Ignore, status) {
				want = pipeline.Ignore
			}
			x := expecting(row.Event, stateWith(t, row.Of, status))
			after, effects, err := x.Apply(events[row.Event])
			got := pipeline.Ignore
			if err != nil {
				got = pipeline.Refuse
			} else if len(effects) > 0 {
				got = pipeline.Move
			}
			if got != want {
				t.Errorf("%s in %s %q: %s, want %s (%v)", row.Event, row.Of, status, got, want, err)
			}
			if got != pipeline.Move && !cmp.Equal(x, after) {
				t.Errorf("%s in %s %q changed the state without moving", row.Event, row.Of, status)
			}
		}
	}
}

// expecting is an execution whose second stage waits for the event.
func expecting(k pipeline.Kind, x pipeline.Execution) pipeline.Execution {
	if len(x.Stages) == 0 {
		return x
	}
	st := &x.Stages[1]
	switch k {
	case pipeline.KindAdmitted:
		x.Revision.Fork = true
	case pipeline.KindDecided, pipeline.KindWithdrawn:
		x.Definition.Stages = slices.Clone(x.Definition.Stages)
		defs := slices.Clone(x.Definition.Stages[1].Actions)
		defs[1].Approval, x.Definition.Stages[1].Actions = &pipeline.Approval{}, defs
		st.Actions[1].Votes = []pipeline.Vote{{Decision: pipeline.Decision{Actor: "carol", Approved: true}}}
	case pipeline.KindGranted:
		st.Concurrency, st.Asked, st.Hold.For = "deploys", 1, pipeline.HoldShared
	case pipeline.KindCleared, pipeline.KindShut:
		st.Hold.For = pipeline.HoldClear
	case pipeline.KindOpened:
		st.Hold.For = pipeline.HoldShut
	case pipeline.KindDue:
		st.Hold = pipeline.Hold{For: pipeline.HoldRules, Until: at(8)}
	case pipeline.KindCompared:
		st.Hold.For, st.Deployed.Commit = pipeline.HoldCompare, "beef"
	case pipeline.KindTrusted:
		st.Hold.For = pipeline.HoldTrust
	case pipeline.KindOverride:
		st.Hold.For = pipeline.HoldRules
	case pipeline.KindRetry:
		x.Status = pipeline.Failed
	default: // it needs nothing
	}
	return x
}

// stateWith is an execution whose subject has the status.
func stateWith(t *testing.T, of pipeline.Subject, status pipeline.Status) pipeline.Execution {
	t.Helper()
	if of == pipeline.OfExecution && status == "" {
		return release()
	}
	x, _ := run(t, release(), toSignOff()...)
	switch of {
	case pipeline.OfExecution:
		x.Status = status
	case pipeline.OfStage:
		x.Stages[1].Status = status
	case pipeline.OfAction:
		x.Stages[1].Actions[0].Status, x.Stages[1].Actions[1].Status = pipeline.Succeeded, status
	}
	return x
}

// TestEnvironmentTrusts leaves the stage of an environment out where the
// execution is not trusted, which is the zero value.
func TestEnvironmentTrusts(t *testing.T) {
	x := release()
	x.Definition.Stages[1].Environment = "production"
	x, _ = run(t, x, pipeline.Started{At: at(0)}, fetched, pipeline.Entered{At: at(2), Stage: "build"},
		ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), good))
	if x.Stages[1].Status != pipeline.Skipped || x.Status != pipeline.Succeeded {
		t.Errorf("stage %s, execution %s", x.Stages[1].Status, x.Status)
	}
	x = release()
	x.Definition.Stages[0].Environment, x.Definition.Stages[1].Environment = "production", "production"
	x, effects := run(t, x, pipeline.Started{At: at(0)}, fetched)
	if x.Status != pipeline.Skipped || len(effects) != 1 {
		t.Errorf("execution %s, effects %v", x.Status, effects)
	}
}

// TestSkip ends every stage, since each has a check run that may be required.
func TestSkip(t *testing.T) {
	x, effects := run(t, release(), pipeline.Skip{At: at(0), Reason: "push.paths is src/**"})
	if x.Status != pipeline.Skipped || x.Reason != "push.paths is src/**" || x.EndedAt != at(0) {
		t.Errorf("%s: %s", x.Status, x.Reason)
	}
	for _, st := range x.Stages {
		if st.Status != pipeline.Skipped || st.Reason != x.Reason || st.Actions[0].Status != pipeline.Skipped {
			t.Errorf("stage %s is %s: %s", st.Name, st.Status, st.Reason)
		}
	}
	if len(effects) != 1 {
		t.Errorf("effects %v", effects)
	}
}

// TestFollowed asks that a success is told once, of what others wait for alone.
func TestFollowed(t *testing.T) {
	x := release()
	x.Followed = []string{"build", ""}
	var told []pipeline.Effect
	for _, e := range append(toSignOff(), approve(10), ended(12, id("production", "roll-out", 1), good), ended(12, id("production", "roll-out", 1), good)) {
		next, effects, err := x.Apply(e)
		if err != nil {
			t.Fatal(err)
		}
		x, effects = begins(t, next, effects, e.When())
		for _, effect := range effects {
			if f, ok := effect.(pipeline.StartFollowers); ok {
				told = append(told, f)
			}
		}
	}
	if d := cmp.Diff([]pipeline.Effect{pipeline.StartFollowers{Stage: "build", Attempt: 1}, pipeline.StartFollowers{}}, told); d != "" {
		t.Error(d)
	}
}
