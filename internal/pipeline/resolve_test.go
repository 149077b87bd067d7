package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// rollOut brings release to its last action, whose env has one text in it.
func rollOut(t *testing.T, text string) (pipeline.Execution, []pipeline.Effect) {
	t.Helper()
	x := release()
	x.Revision.Message = "${{ variables.REGION }} 'quoted'"
	x.Definition.Stages[1].Actions[1].Env = []pipeline.Value{{Name: "VALUE", Value: text}}
	return run(t, x, append(toSignOff(), approve(6))...)
}

// jobOf is the last job that was handed out.
func jobOf(effects []pipeline.Effect) (job pipeline.Job) {
	for _, e := range effects {
		if start, ok := e.(pipeline.StartJob); ok {
			job = start.Job
		}
	}
	return job
}

func TestExpressionsOfAJob(t *testing.T) {
	for text, want := range map[string]string{
		"${{ source.branch == 'main' && 'live' || 'test' }}":           "live",
		"${{ build.compile.version == 1.20 }}":                         "true",
		"${{ execution.number > 2 }}/${{ source.pull_request == '' }}": "true/true",
		"${{ format('{0}-{1}', variables.REGION, source.commit) }}":    "eu-c0ffee",
		"${{ contains(source.message, 'quoted') }}":                    "true",
		"${{ source.message }}":                                        "${{ variables.REGION }} 'quoted'",
		"${{ source.pull_request || 'none' }}":                         "none",
		"${{ source.fork }}/${{ !source.fork && 'ours' }}":             "false/ours",
		"${{ source.tag || source.branch }}":                           "main",
		"${{ changed('docs/**') }}":                                    "true", // what is not known has changed
		"${{ true || build.compile.unwritten }}":                       "true",
	} {
		_, effects := rollOut(t, text)
		if got := jobOf(effects).Env[0].Value; got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

// TestHashesOfAJob leaves digests to the runner, and takes no text for one.
func TestHashesOfAJob(t *testing.T) {
	for text, want := range map[string][]pipeline.Part{
		"${{ hash('go.sum') }}": {{}, {Hash: "go.sum"}, {}},
		"a ${{ source.branch }}${{ hash('it''s') }} b ${{ hash('c') }}${{ build.compile.version }}": {
			{Text: "a main"}, {Hash: "it's"}, {Text: " b "}, {Hash: "c"}, {Text: "1.2"},
		},
	} {
		_, effects := rollOut(t, text)
		job := effects[slices.IndexFunc(effects, func(e pipeline.Effect) bool { _, ok := e.(pipeline.StartJob); return ok })].(pipeline.StartJob).Job
		if diff := cmp.Diff([]pipeline.Hashed{{Name: "VALUE", Parts: want}}, job.Hashed); diff != "" || len(job.Env) > 0 {
			t.Errorf("%s: env %v (-want +got)\n%s", text, job.Env, diff)
		}
	}
	x := release()
	x.Revision.Message = "${{ hash('secret') }}"
	x.Definition.Stages[1].Actions[1].Env = []pipeline.Value{{Name: "VALUE", Value: "${{ source.message }}"}}
	_, effects := run(t, x, append(toSignOff(), approve(6))...)
	for _, e := range effects {
		if start, ok := e.(pipeline.StartJob); ok && (start.Job.Env[0].Value != x.Revision.Message || start.Job.Hashed != nil) {
			t.Errorf("a message became %+v", start.Job)
		}
	}
	shown := pipeline.Hashed{Name: "KEY", Parts: []pipeline.Part{{Text: "go-"}, {Hash: "it's/**"}}}.Value()
	if want := (pipeline.Value{Name: "KEY", Value: "go-${{ hash('it''s/**') }}"}); shown != want {
		t.Errorf("people are shown %v", shown)
	}
}

func TestExpressionsThatFailAJob(t *testing.T) {
	for text, want := range map[string]string{
		"${{ build.compile.size }}":     `action build/compile wrote no output "size"; it wrote version`,
		"${{ source.branch > 1 }}":      "> compares numbers, and source.branch is none",
		"${{ hash('**') == '' }}":       "hash() is known only where an action runs",
		"${{ hash('**') }}${{ no.no }}": "nothing is called no.no",
		"${{ no.no }}${{ hash('**') }}": "nothing is called no.no",
		"${{ success() }}":              "success() stands in if only",
		"${{ source.tags }}":            "nothing is called source.tags",
		"${{ source.branch = 'main'}}":  "= is not an operator",
	} {
		x, _ := rollOut(t, text)
		a := x.Stages[1].Actions[1]
		if a.Status == pipeline.Succeeded || !a.Status.Ended() || !strings.Contains(a.Reason, "resolve env VALUE: "+want) {
			t.Errorf("%s: %s, %q; want %q", text, a.Status, a.Reason, want)
		}
	}
}

// TestConfigurationHasALimit fills image and env of a job to the limit, and over it.
func TestConfigurationHasALimit(t *testing.T) {
	const most = 100 << 10
	_, effects := rollOut(t, "")
	fits := most - len(jobOf(effects).Image) - len("VALUE")
	x, _ := rollOut(t, strings.Repeat("x", fits))
	if a := x.Stages[1].Actions[1]; a.Status != pipeline.Queued {
		t.Errorf("what fits is %s: %s", a.Status, a.Reason)
	}
	x, _ = rollOut(t, strings.Repeat("x", fits+1))
	const want = "with env VALUE, image and env have more than 102400 bytes together: hand large texts on as an artifact"
	if a := x.Stages[1].Actions[1]; a.Status != pipeline.Errored || a.Reason != want {
		t.Errorf("what does not is %s: %s", a.Status, a.Reason)
	}
}

func TestLockNameHasALimit(t *testing.T) {
	for n, want := range map[int]pipeline.Status{200: pipeline.InProgress, 201: pipeline.Failed} {
		x := release()
		x.Definition.Stages[0].Concurrency = "${{ source.message }}"
		x.Revision.Message = strings.Repeat("x", n)
		x, _ = run(t, x, toSignOff()[:3]...)
		if st := x.Stages[0]; st.Status != want {
			t.Errorf("%d bytes: %s, %s", n, st.Status, st.Reason)
		}
	}
}
