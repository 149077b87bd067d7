package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
)

const twoStages = `
on: { push: { branches: [main, next] }, pull_request: { branches: [main] } }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "true" }]
  - name: production
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`

// production names the way into the stage, on a lane or on all.
func production(lane string) api.Way {
	return api.Way{Repository: "octo/shop", Pipeline: "ci", Stage: "production", Lane: lane}
}

// frozen closes the way into production, where an execution must have been known.
func (w *world) frozen(lane, until string) api.Transition {
	w.t.Helper()
	t, err := w.api().Disable(w.context(), api.Disable{Way: production(lane), Reason: "stock-taking", Until: until})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func (w *world) enable(lane string) {
	w.t.Helper()
	if _, err := w.api().Enable(w.context(), production(lane)); err != nil {
		w.t.Fatal(err)
	}
}

// held waits until the check run of production says that the way is closed.
func (w *world) held(sha string) githubtest.CheckRun {
	w.t.Helper()
	w.eventually("the closed way of "+sha, func() bool {
		runs := w.runs(sha, "ci / production")
		return len(runs) > 0 && strings.HasPrefix(runs[len(runs)-1].Title, "Closed by the operator since ")
	})
	return w.check(sha, "ci / production", "queued")
}

// commitAnew pushes another commit of the pipeline to main.
func (w *world) commitAnew(mark string) string {
	w.t.Helper()
	sha := w.pipeline(twoStages + "# " + mark + "\n")
	w.push("HEAD:refs/heads/main")
	return sha
}

// TestFreezeHolds closes the way into a stage: of those that wait there only the
// newest is left, also after a restart, and it goes on when the way is opened.
func TestFreezeHolds(t *testing.T) {
	w := newWorld(t)
	before := w.commitAnew("before")
	w.check(before, "ci / production", "success")
	made := w.frozen("", "")
	if made.Actor != "the operator" || made.Reason != "stock-taking" || !made.Until.IsZero() || made.At.IsZero() {
		t.Errorf("disabled: %+v", made)
	}
	older := w.commitAnew("older")
	run := w.held(older)
	for _, want := range []string{
		"**The way into this stage is closed by the operator since ", "stock-taking", "the newest of refs/heads/main that waits here goes on",
		"It is opened by someone with write access: `/unfreeze ci/production` in a comment, or `stagegate transition enable ci production`",
	} {
		if !strings.Contains(run.Summary, want) {
			t.Errorf("the summary does not say %q:\n%s", want, run.Summary)
		}
	}
	newer := w.commitAnew("newer")
	w.held(newer)
	w.check(older, "ci / production", "cancelled")
	w.stop()
	w.start()
	x, err := w.api().Execution(w.context(), w.newest(newer).ID)
	if err != nil || x.Stages[1].Status != "waiting" || x.Stages[1].Transition == nil || *x.Stages[1].Transition != made {
		t.Errorf("after the restart: %+v %v", x.Stages, err)
	}
	if x.Stages[0].Transition != nil {
		t.Errorf("the way into build: %+v", x.Stages[0].Transition)
	}
	if page := w.get(x.URL); !strings.Contains(page, "The way into this stage is closed by the operator") {
		t.Error("the page does not say that the way is closed")
	}
	w.enable("")
	w.check(newer, "ci / production", "success")
	if page, err := w.api().Transitions(w.context(), "octo/shop", "ci"); err != nil || len(page.Items) != 0 {
		t.Errorf("left: %+v %v", page, err)
	}
}

// TestFreezeShowsAtOnce freezes a stage that an execution has not come to yet.
func TestFreezeShowsAtOnce(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(strings.Replace(slow, "name: deploy", "name: production", 1))
	w.push("main")
	w.running(sha)
	w.frozen("", "")
	said := func() bool {
		runs := w.runs(sha, "ci / production")
		return strings.Contains(runs[len(runs)-1].Summary, "stock-taking")
	}
	w.eventually("the freeze in the run of a stage that was not reached", said)
	w.enable("")
	w.eventually("the end of it", func() bool { return !said() })
}

// TestFreezeOfALane holds one lane while another goes on, and is not opened by the
// end of the freeze of all.
func TestFreezeOfALane(t *testing.T) {
	w := newWorld(t)
	main := w.commitAnew("main")
	w.check(main, "ci / production", "success")
	if made := w.frozen("main", ""); made.Lane != "refs/heads/main" {
		t.Errorf("the lane of a branch: %+v", made)
	}
	held := w.commitAnew("held")
	w.held(held)
	next := w.pipeline(twoStages + "# next\n")
	w.push("HEAD:refs/heads/next")
	w.check(next, "ci / production", "success")
	w.frozen("", "")
	w.enable("main")
	_, err := w.api().Enable(w.context(), production("refs/heads/main"))
	w.refusedWith(err, api.Conflict, "closed for all lanes, and not for refs/heads/main alone")
	w.held(held)
	w.enable("")
	w.check(held, "ci / production", "success")
}

// TestFreezeEnds goes on at the time at which a freeze ends.
func TestFreezeEnds(t *testing.T) {
	w := newWorld(t)
	w.check(w.commitAnew("before"), "ci / production", "success")
	made := w.frozen("", "3h Europe/Paris")
	if left := time.Until(made.Until); left < 2*time.Hour || left > 3*time.Hour {
		t.Errorf("until %s", made.Until)
	}
	sha := w.commitAnew("held")
	if run := w.held(sha); !strings.Contains(run.Summary, "It opens by itself then, or earlier by someone") {
		t.Errorf("summary: %s", run.Summary)
	}
	w.stop()
	w.shift = 3*time.Hour + time.Minute
	w.start()
	w.check(sha, "ci / production", "success")
	w.logged("its time is over")
}

// TestFreezeEndsByItself has nothing but time open the way.
func TestFreezeEndsByItself(t *testing.T) {
	w := newWorld(t)
	w.check(w.commitAnew("before"), "ci / production", "success")
	w.frozen("", "")
	sha := w.commitAnew("held")
	w.held(sha)
	w.frozen("", "1s") // which takes the place of the first
	w.check(sha, "ci / production", "success")
}

func TestFreezeRefusals(t *testing.T) {
	w := newWorld(t)
	c := w.api()
	disable := func(way api.Way, reason, until string) error {
		_, err := c.Disable(w.context(), api.Disable{Way: way, Reason: reason, Until: until})
		return err
	}
	w.refusedWith(disable(production(""), "r", ""), api.NotFound, `no execution of a repository "octo/shop" is known`)
	w.check(w.commitAnew("one"), "ci / production", "success")
	other := production("")
	for _, tc := range []struct {
		change        func(*api.Way)
		reason, until string
		code          api.Code
		want          string
	}{
		{func(way *api.Way) { way.Stage = "prod" }, "r", "", api.NotFound, `no stage "prod" is known; there is ci/build, ci/production`},
		{func(way *api.Way) { way.Pipeline = "cd" }, "r", "", api.NotFound, `no pipeline "cd" of octo/shop is known; there is ci`},
		{func(way *api.Way) { way.Lane = "mian" }, "r", "", api.NotFound, `no execution of ci has been on lane "mian"; there is refs/heads/main`},
		{func(*api.Way) {}, " ", "", api.Invalid, "the reason is missing"},
		{func(*api.Way) {}, "r", "soon", api.Invalid, "`soon` is no time that is understood"},
		{func(*api.Way) {}, "r", "2026-01-01 09:00", api.Invalid, "Thursday 1 January 2026 09:00 UTC is over"},
	} {
		way := other
		tc.change(&way)
		w.refusedWith(disable(way, tc.reason, tc.until), tc.code, tc.want)
	}
	_, err := c.Enable(w.context(), production(""))
	w.refusedWith(err, api.Conflict, "the way into ci/production is open")
	_, err = c.Enable(w.context(), api.Way{Repository: "octo/shop", Pipeline: "ci", Stage: "prod"})
	w.refusedWith(err, api.NotFound, `no stage "prod" is known`)
	if err := disable(api.Way{Repository: "Octo/Shop", Pipeline: "CI", Stage: "Production", Lane: "main"}, "r", ""); err != nil {
		t.Errorf("in other cases: %v", err)
	}
	_, err = c.Enable(w.context(), production(""))
	w.refusedWith(err, api.Conflict, "closed for some lanes only: name one of refs/heads/main")
	page, err := c.Transitions(w.context(), "", "")
	if err != nil || len(page.Items) != 1 || page.Items[0].Pipeline != "ci" || page.Items[0].Stage != "production" {
		t.Errorf("listed: %+v %v", page, err)
	}
}

// TestFreezeWithoutGitHub has the operator freeze while GitHub is away.
func TestFreezeWithoutGitHub(t *testing.T) {
	w := newWorld(t)
	w.check(w.commitAnew("main"), "ci / production", "success")
	defer w.github.Fail(nil, -1, githubtest.ServerError())()
	w.frozen("main", "2h")
	w.enable("main")
}

// TestFreezeByComment closes and opens a way by comments, which act on all lanes.
func TestFreezeByComment(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval(""))
	w.check(sha, "ci / production", "action_required")
	w.refusedBy("mallory", n, "/freeze production r", "mallory may not close the way into a stage: that takes write access")
	w.refusedBy("mallory", n, "/unfreeze production", "mallory may not open the way into a stage")
	w.refusedBy("bob", n, "/freeze production", "the form is `/freeze [PIPELINE/]STAGE [until TIME] REASON`, with the reason")
	w.refusedBy("bob", n, "/freeze production until monday 09:00", "with the reason")
	w.refusedBy("bob", n, "/freeze production until later r", "`later r` is no time that is understood")
	w.refusedBy("bob", n, "/freeze cd/production r", `no pipeline "cd" of octo/shop is known; there is ci`)
	w.refusedBy("bob", n, "/unfreeze production now", "the form is `/unfreeze [PIPELINE/]STAGE`")
	w.refusedBy("bob", n, "/unfreeze production", "the way into ci/production is open")

	w.reaction(w.comment("bob", n, "/freeze ci/Production until 2099-01-02 09:00 Europe/Paris stock-taking, ask @carol"), "+1")
	const closed = "until Friday 2 January 2099 09:00 CET (Friday 08:00 UTC): stock-taking, ask @\u200bcarol."
	w.eventually("the answer", func() bool {
		all := w.repo.Comments(n)
		return strings.Contains(all[len(all)-1].Body, "The way into `ci/production` is closed by bob since ") && strings.Contains(all[len(all)-1].Body, closed)
	})
	main := w.commitAnew("main")
	w.eventually("the closed way", func() bool {
		runs := w.runs(main, "ci / production")
		return len(runs) > 0 && strings.HasPrefix(runs[len(runs)-1].Title, "Closed by bob since ")
	})
	w.reaction(w.comment("carol", n, "/unfreeze production"), "+1")
	w.check(main, "ci / production", "success")

	w.stop()
	w.shift = 3 * time.Hour // so late does the comment come
	w.start()
	w.refusedBy("bob", n, "/freeze production until 2h r", "is over: it is ")
}

// TestFreezeOfWhatALaneHas has a stage in a pull request that the default branch has
// not.
func TestFreezeOfWhatALaneHas(t *testing.T) {
	w := newWorld(t)
	w.check(w.commitAnew("main"), "ci / production", "success")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	sha := w.pipeline(strings.ReplaceAll(twoStages, "production", "canary"))
	w.push("feature")
	if _, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", ""); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / canary", "success")
	canary := api.Disable{Way: api.Way{Repository: "octo/shop", Pipeline: "ci", Stage: "canary"}, Reason: "r"}
	_, err := w.api().Disable(w.context(), canary)
	w.refusedWith(err, api.NotFound, `no stage "canary" is known; there is ci/build, ci/production`)
	canary.Lane = "pull/1"
	if made, err := w.api().Disable(w.context(), canary); err != nil || made.Lane != "pull/1" {
		t.Errorf("of its lane: %+v %v", made, err)
	}
}

// TestFreezeOfOneOfSeveral has two pipelines with a stage of one name.
func TestFreezeOfOneOfSeveral(t *testing.T) {
	w := newWorld(t)
	w.commit("other", map[string]string{".github/pipelines/other.yaml": strings.ReplaceAll(twoStages, "IMAGE", image)})
	n, sha := w.pullRequest(twoStages)
	w.check(sha, "ci / production", "success")
	w.check(sha, "other / production", "success")
	w.refusedBy("bob", n, "/freeze production r", "several pipelines have a stage of this name: name one of ci/production, other/production")
	w.reaction(w.comment("bob", n, "/freeze other/production r"), "+1")
	w.reaction(w.comment("bob", n, "/freeze ci/production r"), "+1")
	w.refusedBy("bob", n, "/unfreeze production", "name one of ci/production, other/production")
	w.reaction(w.comment("bob", n, "/unfreeze ci/production"), "+1")
	w.reaction(w.comment("bob", n, "/unfreeze production"), "+1") // only one is closed
}
