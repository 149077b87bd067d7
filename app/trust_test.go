package app_test

import (
	"strings"
	"testing"
)

const (
	settingsFile = ".github/stagegate.yaml"
	anywhere     = `{ push: { branches: ["**"], tags: ["**"] }, pull_request: }`
	thenRollOut  = `[{ name: sign-off, approval: {} }, { name: roll-out, needs: [sign-off], image: IMAGE, run: "true" }]`
)

// deploysAnywhere is a pipeline of one stage in an environment, started by all.
func deploysAnywhere(actions string) string {
	return "on: " + anywhere + "\nstages:\n  - name: production\n    environment: production\n    actions: " + strings.ReplaceAll(actions, "IMAGE", image) + "\n"
}

const rollOut = `[{ name: roll-out, image: IMAGE, run: "true" }]`

// TestTrustedRefs holds a branch, a tag and pull requests to the settings of the default
// branch. What a pull request makes of them counts once it is merged.
func TestTrustedRefs(t *testing.T) {
	w := newWorld(t)
	main := w.commit("Settings", map[string]string{
		".github/pipelines/ci.yaml": deploysAnywhere(rollOut),
		settingsFile:                "environments:\n  production: { branches: [\"release/*\"], tags: [v*] }\n",
	})
	w.push("main")
	if run := w.check(main, "ci / production", "skipped"); !strings.Contains(run.Title, "runs on release/* and tags v*") {
		t.Errorf("title %q", run.Title)
	}
	w.git(w.clone, "checkout", "--quiet", "-b", "release/1")
	release := w.commit("Release", map[string]string{"a.txt": "a\n"})
	w.push("release/1")
	w.check(release, "ci / production", "success")
	w.git(w.clone, "checkout", "--quiet", "--detach", release)
	tagged := w.commit("Tagged", map[string]string{"a.txt": "tag\n"})
	w.push("HEAD:refs/tags/v1")
	w.check(tagged, "ci / production", "success")

	w.git(w.clone, "checkout", "--quiet", "main")
	w.git(w.clone, "merge", "--quiet", "--ff-only", tagged) // what is deployed must not be newer than what follows
	w.push("main")
	n, own := w.branch("own", "Trust me", map[string]string{
		settingsFile: "environments:\n  production: { branches: [\"**\"], pull-requests: true }\n",
	})
	w.eventually("both of the branch's executions", func() bool {
		runs := w.runs(own, "ci / production")
		return len(runs) == 2 && runs[0].Conclusion != "" && runs[1].Conclusion != ""
	})
	for _, run := range w.runs(own, "ci / production") {
		if run.Conclusion != "skipped" {
			t.Errorf("the branch's own settings count: %+v", run)
		}
	}
	merged := w.merge(n)
	w.check(merged, "ci / production", "success")
	_, pull := w.branch("later", "Later", map[string]string{"b.txt": "b\n"})
	w.check(pull, "ci / production", "success")
}

// TestTrustWithdrawn tightens the settings while an approval waits. They count before
// the first job, and what the branch itself says of them does not.
func TestTrustWithdrawn(t *testing.T) {
	w := newWorld(t)
	w.commit("Settings", map[string]string{
		".github/pipelines/ci.yaml": strings.Replace(deploysAnywhere(thenRollOut), anywhere, "{ push: { branches: [next] } }", 1),
		settingsFile:                "environments:\n  production: { branches: [next] }\n",
	})
	w.push("main")
	w.push("HEAD:refs/heads/next")
	sha := w.git(w.clone, "rev-parse", "HEAD")
	run := w.check(sha, "ci / production", "action_required")
	w.commit("Tighter", map[string]string{settingsFile: "environments:\n  production: { branches: [main] }\n"})
	w.push("main")
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	if run := w.check(sha, "ci / production", "skipped"); !strings.Contains(run.Title, "runs on main") {
		t.Errorf("title %q", run.Title)
	}
}

// TestBrokenSettings trusts nothing until the settings are mended, and says where.
func TestBrokenSettings(t *testing.T) {
	w := newWorld(t)
	w.pipeline(deploysAnywhere(rollOut))
	main := w.commit("Settings", map[string]string{settingsFile: "environments:\n  production: { branch: main }\n"})
	w.push("main")
	run := w.check(main, "ci / production", "failure")
	if want := settingsFile + `:2:17: an environment has no key "branch" (did you mean branches?)`; !strings.Contains(run.Summary+run.Title, want) {
		t.Errorf("title %q, summary %q, want %s", run.Title, run.Summary, want)
	}
	w.commit("Mended", map[string]string{settingsFile: "environments:\n  production: { branches: [main] }\n", ".github/pipelines/ci.yaml": "on: { push: { tags: [never] } }\n" + deploysAnywhere(rollOut)[len("on: "+anywhere+"\n"):]})
	w.push("main")
	w.logged("no pipeline runs on a push to main")
	if err := w.repo.RerequestCheckRun("bob", run.ID); err != nil {
		t.Fatal(err)
	}
	w.eventually("a run that succeeds", func() bool {
		runs := w.runs(main, "ci / production")
		return runs[len(runs)-1].Conclusion == "success"
	})
}

// TestMisnamedSettings trusts nothing where a slip in the name would have the settings
// unread.
func TestMisnamedSettings(t *testing.T) {
	w := newWorld(t)
	w.pipeline(deploysAnywhere(rollOut))
	main := w.commit("Settings", map[string]string{".github/stagegate.yml": "environments:\n  production: { tags: [v*] }\n"})
	w.push("main")
	if run := w.check(main, "ci / production", "failure"); !strings.Contains(run.Title+run.Summary, "must be called .github/stagegate.yaml") {
		t.Errorf("title %q", run.Title)
	}
}
