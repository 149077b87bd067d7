package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// planned are pipelines of which a push to main starts one.
var planned = map[string]string{
	".github/pipelines/release.yaml": `on:
  push: { branches: [main, "release/**", "!release/old"] }
  pull_request: { branches: [main] }
variables: { GO: "1.26", REGION: { default: eu-west-1 } }
stages:
  - name: build
    actions:
      - name: compile
        image: golang:${{ variables.GO }}
        run: make
        artifacts: { shop: out/ }
      - { name: lint, image: golangci/golangci-lint:v2, run: golangci-lint run }
  - name: production
    actions:
      - { name: tell, needs: [roll-out, sign-off], image: alpine, run: ./tell, env: { N: "${{ source.branch > 1 }}" } }
      - name: roll-out
        needs: [sign-off]
        image: deploy:${{ build.compile.version }}
        inputs: [source, shop]
        env: { VERSION: "${{ build.compile.version }}", LIVE: "${{ source.branch == 'main' }}", TEXT: "two\nlines \e[31m" }
        secrets: [DEPLOY_KEY, KUBECONFIG: file]
        run: ./deploy.sh
        timeout-minutes: 1.5
        retry: { times: 2, backoff: 30s }
      - { name: sign-off, approval: { teams: [release-managers], users: [octocat], expires: 72h } }
      - { name: check, approval: { self-review: true } }
`,
	".github/pipelines/nightly.yml": "name: night\non: { push: { branches: [\"night/*\"] } }\nstages: [{ name: s, actions: [{ name: a, approval: {} }] }]\n",
	".github/pipelines/review.yaml": "on: pull_request\nstages: [{ name: s, actions: [{ name: a, approval: {} }] }]\n",
}

// git runs Git in a folder.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	identity := []string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-C", dir}
	out, err := exec.CommandContext(t.Context(), "git", append(identity, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository is a working tree on main, with a commit and a change.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := tree(t, files)
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "Empty")
	return dir
}

func TestPlan(t *testing.T) {
	dir := repository(t, planned)
	for name, args := range map[string][]string{
		"text": {"plan"},
		"json": {"plan", "--json"},
		"pull": {"plan", "--base", "main", "--branch", "feature/x", "--var", "GO=1.27"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, dir, "", args...)
			golden(t, "plan/"+name+".golden", got.out)
			if got.code != 0 || got.err != "" {
				t.Errorf("exit code %d, said beside it %q", got.code, got.err)
			}
		})
	}
}

// TestPlanOfConditions plans the example that has conditions and a matrix.
func TestPlanOfConditions(t *testing.T) {
	text, err := os.ReadFile("../../pipelines-schema/examples/conditions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := repository(t, map[string]string{".github/pipelines/conditions.yaml": string(text)})
	got := call(t, dir, "", "plan")
	golden(t, "plan/conditions.golden", got.out)
	if got.code != 0 || got.err != "" {
		t.Errorf("exit code %d, said beside it %q", got.code, got.err)
	}
	if got := call(t, dir, "", "__complete", "run", "--action", ""); got.out != "production.roll-out\ntest.links\ntest.tell\ntest.unit\n:4\n" {
		t.Errorf("offered are %q", got.out)
	}
}

// TestPlanEvents asks which event is thought of, and what it says to a filter.
func TestPlanEvents(t *testing.T) {
	dir := repository(t, planned)
	sub := filepath.Join(dir, ".github")
	git(t, dir, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
	bare := tree(t, planned)
	if err := os.Remove(filepath.Join(bare, ".git")); err != nil {
		t.Fatal(err)
	}
	twice := repository(t, map[string]string{
		".github/pipelines/a.yaml": "name: one\n" + valid, ".github/pipelines/b.yaml": "name: One\n" + valid,
		".github/pipelines/c.yaml": "name: ONE\n" + strings.Replace(valid, "push", "pull_request", 1),
	})
	paths := repository(t, map[string]string{
		".github/pipelines/shop.yaml":  strings.Replace(valid, "push", `{ push: { branches: [main], tags: ["v*.*"], paths: ["src/**", "!src/docs/**"] } }`, 1),
		".github/pipelines/prose.yaml": strings.Replace(valid, "push", `{ push: { paths-ignore: ["src/**", "**/*.md"] } }`, 1),
	})
	group := repository(t, map[string]string{".github/pipelines/queue.yaml": strings.Replace(valid, "push", "[push, merge_group]", 1)})
	broken := repository(t, map[string]string{
		".github/pipelines/bad.yaml": strings.Replace(valid, "image:", "imgae:", 1), ".github/pipelines/fine.yaml": valid,
		".github/pipelines/lost.yaml": "on: [\n",
	})
	follows := repository(t, map[string]string{
		".github/pipelines/all.yaml":  strings.Replace(valid, "push", "{ pipeline: [{ name: ci }, { name: base, stage: push }] }", 1),
		".github/pipelines/one.yaml":  strings.Replace(valid, "push", "{ pipeline: { name: ci, stage: s } }", 1),
		".github/pipelines/fine.yaml": valid,
		".github/pipelines/hook.yaml": strings.Replace(valid, "push", "{ webhook: { filter: \"payload.a == 'b'\" } }", 1),
	})
	timed := repository(t, map[string]string{
		".github/pipelines/daily.yaml": strings.Replace(valid, "push", `{ schedule: [{ cron: "0 3 * * 1-5", timezone: Europe/Paris }, { cron: "0 12 * * 6" }] }`, 1),
		".github/pipelines/fine.yaml":  valid, ".github/pipelines/lost.yaml": "on: { schedule: [{ cron: x }] }\n",
	})
	for name, c := range map[string]struct {
		from string
		args string
		code int
		want string
	}{
		"other branch":         {dir, "--branch feature/x", 0, "push to feature/x\n|release does not start: push.branches is main, release/**, !release/old ("},
		"excluded":             {dir, "--ref refs/heads/release/old", 0, "release does not start: push.branches has !release/old ("},
		"by pattern":           {sub, "--branch release/1/a", 0, "release starts: push.branches has release/** ("},
		"tag":                  {dir, "--tag v1", 0, "push of the tag v1\n|release does not start: push has no tags, only branches ("},
		"changed":              {paths, "--changed ./src/a/b.go --changed README.md", 0, "shop starts: push.branches has main; push.paths has src/** for src/a/b.go (|prose ends skipped: all files that changed are in push.paths-ignore: src/**, **/*.md ("},
		"changed elsewhere":    {paths, "--changed src/docs/x", 0, "shop ends skipped: no file that changed is in push.paths: src/**, !src/docs/** (|prose ends skipped"},
		"changed something":    {paths, "--changed x", 0, "prose starts: push is for every branch and tag; push.paths-ignore is src/**, **/*.md for x ("},
		"changed unknown":      {paths, "", 0, "shop starts: push.branches has main; not all files that changed are known, so push.paths lets it through ("},
		"changed of a tag":     {paths, "--tag v1 --changed x", 0, "shop does not start: push.tags is v*.* (|prose starts"},
		"changed outside":      {paths, "--changed ../x", 2, "--changed ../x: write the path from the root"},
		"type":                 {dir, "--base main --type closed --branch x", 0, "pull request from x into main, closed\n|release does not start: pull_request without types is not for closed"},
		"no such type":         {dir, "--base main --type close", 2, "a pull request has no type close: among them are opened, synchronize, reopened, closed"},
		"merge group":          {group, "--event merge_group --base main", 0, "merge group into main\n|queue starts: merge_group is for every group ("},
		"branch of a group":    {group, "--event merge_group --branch x", 2, "a merge group has a branch of its own"},
		"queue's push":         {group, "--branch gh-readonly-queue/main/pr-1-c", 0, "queue does not start: merge_group is for the branches of a merge queue"},
		"type of a push":       {dir, "--type closed", 2, "a push has no type"},
		"tag in full":          {dir, "--ref refs/tags/v1", 0, "push of the tag v1\n"},
		"origin's base":        {dir, "--event pull_request", 0, "pull request from main into trunk\n|release does not start: pull_request.branches is main|review starts: pull_request is for every branch"},
		"one pipeline":         {sub, "night --branch night/x", 0, "night starts: push.branches has night/*"},
		"file of a pipeline":   {sub, "pipelines/nightly.yml", 0, "night does not start"},
		"no Git":               {bare, "--branch main", 0, "release starts"},
		"no Git, no branch":    {bare, "", 2, "no branch is checked out: name one with --branch"},
		"no such event":        {dir, "--event cron", 2, `there is no event "cron": it is push, pull_request, merge_group, schedule, pipeline or webhook`},
		"webhook":              {follows, "--event webhook", 0, "webhook, of the default branch\n|hook starts: webhook, if payload.a == 'b' (|fine does not start: on has no webhook"},
		"any pipeline":         {follows, "--event pipeline", 0, "success of a pipeline on main\n|all starts: pipeline names ci, base/push (|one starts: pipeline names ci/s (|fine does not start: on has no pipeline"},
		"a pipeline":           {follows, "--upstream ci --branch x", 0, "success of ci on x\n|all starts: pipeline names ci (|one does not start: pipeline names others ("},
		"a stage":              {follows, "--upstream ci/s", 0, "success of ci/s on main\n|all does not start|one starts: pipeline names ci/s ("},
		"upstream of a push":   {follows, "--upstream ci --event push", 2, "--upstream is of the event pipeline"},
		"base and upstream":    {follows, "--upstream ci --base x", 2, "--upstream is of the event pipeline"},
		"base of a success":    {follows, "--upstream ci --event pipeline --base x", 2, "leave them out"},
		"schedule":             {timed, "--event schedule", 2, "schedule, of the default branch\n|daily starts: schedule has 0 3 * * 1-5 Europe/Paris, 0 12 * * 6 UTC (|fine does not start: on has no schedule|lost fails at once: nobody can tell"},
		"schedule of a branch": {timed, "--event schedule --branch main", 2, "a schedule is about the newest commit of the default branch"},
		"no base":              {bare, "--branch x --event pull_request", 2, "name the branch that the pull request is to go into with --base"},
		"base of a push":       {dir, "--event push --base main", 2, "a push has no base"},
		"branch and tag":       {dir, "--branch a --tag b", 2, "leave out --branch or --tag"},
		"ref and tag":          {dir, "--ref refs/heads/a --tag b", 2, "--ref stands in place of"},
		"short ref":            {dir, "--ref main", 2, "--ref main: write refs/heads/BRANCH or refs/tags/TAG"},
		"no such pipeline":     {dir, "nope", 2, `there is no pipeline "nope"`},
		"no such variable":     {dir, "--var NOPE=1", 2, "no pipeline has a variable NOPE"},
		"none of that one":     {dir, "release --var RGION=1", 2, "there is no variable RGION: did you mean REGION?"},
		"no pipelines":         {repository(t, nil), "", 2, "there is no pipeline: "},
		"one name twice":       {twice, "", 2, `one fails at once|a.yaml:1:1: the pipeline "one" is also defined, as "One", in .github/pipelines/b.yaml|b.yaml:1:1: the pipeline "One" is|ONE does not start: on has no push`},
		"one of two":           {twice, "one", 2, "two pipelines are called one: name the file, .github/pipelines/a.yaml or .github/pipelines/b.yaml"},
		"one name, another on": {twice, "--base x", 0, "ONE starts"},
		"mistakes":             {broken, "", 2, "bad fails at once: push is for every branch and tag|bad.yaml:2:52: an action has no key|fine starts|lost fails at once: nobody can tell what on means"},
		"mistakes of another":  {broken, "fine", 0, "fine starts"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, c.from, "", append([]string{"plan"}, strings.Fields(c.args)...)...)
			if got.code != c.code {
				t.Errorf("exit code %d, want %d", got.code, c.code)
			}
			for want := range strings.SplitSeq(c.want, "|") {
				if !strings.Contains(got.out+got.err, want) {
					t.Errorf("it does not say %s\n%s%s", want, got.out, got.err)
				}
			}
		})
	}
}

// TestPlanCommit asks that only what is committed counts as known of a commit.
func TestPlanCommit(t *testing.T) {
	dir := repository(t, map[string]string{
		".github/pipelines/a.yaml": strings.Replace(valid, "alpine", `"shop:${{ source.commit }}"`, 1),
	})
	written := "image     shop:${{ source.commit }}\n"
	if got := call(t, dir, "", "plan"); !strings.HasPrefix(got.out, "push to main\n") || !strings.Contains(got.out, written) {
		t.Errorf("with changes:\n%s%s", got.out, got.err)
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "All")
	head := git(t, dir, "rev-parse", "HEAD")
	if got := call(t, dir, "", "plan"); !strings.HasPrefix(got.out, "push to main, commit "+head[:7]+"\n") || !strings.Contains(got.out, "image     shop:"+head+"\n") {
		t.Errorf("committed:\n%s%s", got.out, got.err)
	}
	if got := call(t, dir, "", "plan", "--branch", "other"); !strings.HasPrefix(got.out, "push to other\n") || !strings.Contains(got.out, written) {
		t.Errorf("another branch:\n%s%s", got.out, got.err)
	}
	git(t, dir, "checkout", "-q", "--detach")
	if got := call(t, dir, "", "plan"); got.code != exitUsage || !strings.Contains(got.err, "no branch is checked out") {
		t.Errorf("detached: exit code %d\n%s%s", got.code, got.out, got.err)
	}
}
