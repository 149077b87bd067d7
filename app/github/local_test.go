package github_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// world is a local GitHub with a repository, alice's clone of it, the App's
// client, and what its webhook heard.
type world struct {
	t      *testing.T
	github *githubtest.GitHub
	at     *githubtest.Repository
	repo   github.Repository
	client *github.Client
	clone  string

	mu     sync.Mutex
	events []github.Event
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clone: filepath.Join(t.TempDir(), "shop")}
	hook := httptest.NewServer(http.HandlerFunc(w.hear))
	t.Cleanup(hook.Close)
	w.github = githubtest.New(t, githubtest.Options{WebhookURL: hook.URL})
	w.at = w.github.AddRepository("octo/shop")
	w.at.SetPermission("alice", "write")
	client, err := github.New(github.Config{URL: w.github.URL(), AppID: w.github.AppID(), PrivateKey: w.github.PrivateKeyPEM()})
	if err != nil {
		t.Fatal(err)
	}
	w.client = client
	id, err := client.InstallationOf(t.Context(), "octo", "shop")
	if err != nil {
		t.Fatal(err)
	}
	w.repo = github.Repository{Installation: id, ID: w.at.ID(), Owner: "octo", Name: "shop", DefaultBranch: "main", Organization: true}
	w.git("", "init", "--quiet", "--initial-branch=main", w.clone)
	w.git(w.clone, "remote", "add", "origin", w.at.CloneURL("alice"))
	return w
}

func (w *world) hear(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e, err := github.Decode(r.Header.Get("X-GitHub-Event"), body)
	if err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// heard lists what Decode made of the deliveries so far, but for the ignored.
func (w *world) heard() []github.Event {
	w.t.Helper()
	if err := w.github.WaitDelivered(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []github.Event
	for _, e := range w.events {
		if _, ignored := e.(github.Ignored); !ignored {
			list = append(list, e)
		}
	}
	w.events = nil
	return list
}

// git runs git as alice.
func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Alice", "GIT_AUTHOR_EMAIL=7+alice@users.noreply.github.com",
		"GIT_COMMITTER_NAME=Alice", "GIT_COMMITTER_EMAIL=alice@users.noreply.github.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *world) write(name, text string) {
	w.t.Helper()
	file := filepath.Join(w.clone, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// push commits what was written and pushes it.
func (w *world) push(branch, message string) string {
	w.t.Helper()
	w.git(w.clone, "add", "--all")
	w.git(w.clone, "commit", "--quiet", "--allow-empty", "--message="+message)
	w.git(w.clone, "push", "--quiet", "origin", "HEAD:refs/heads/"+branch)
	return w.git(w.clone, "rev-parse", "HEAD")
}

// asked counts the requests since, by operation.
func (w *world) asked() map[string]int {
	count := map[string]int{}
	for _, r := range w.github.Requests() {
		count[r.Operation]++
	}
	w.github.ResetRequests()
	return count
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestLocalFiles(t *testing.T) {
	w := newWorld(t)
	if files, err := w.client.PipelineFiles(t.Context(), w.repo, strings.Repeat("1", 40)); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("an empty repository: %v, %v", files, err)
	}
	w.write("README.md", "shop")
	none := w.push("main", "No pipelines")
	w.write(".github/pipelines/build.yaml", "name: build\n")
	w.write(".github/pipelines/über all.yml", "name: all\n")
	w.write(".github/pipelines/notes.md", "no")
	w.write(".github/pipelines/sub/deep.yaml", "no")
	w.write(".github/pipelines/big.yaml", strings.Repeat("#", 1<<20+1))
	w.must(os.Symlink("build.yaml", filepath.Join(w.clone, ".github/pipelines/link.yaml")))
	w.write(".gitmodules", "[submodule \"m\"]\n\tpath = .github/pipelines/module.yaml\n\turl = https://example.com/m.git\n")
	w.git(w.clone, "update-index", "--add", "--cacheinfo", "160000,"+none+",.github/pipelines/module.yaml")
	w.must(os.MkdirAll(filepath.Join(w.clone, ".github/pipelines/module.yaml"), 0o755))
	first := w.push("main", "Pipelines")
	w.write(".github/pipelines/build.yaml", "name: build two\n")
	second := w.push("main", "Change one")

	w.asked()
	read := func(sha string) map[string]string {
		t.Helper()
		files, err := w.client.PipelineFiles(t.Context(), w.repo, sha)
		w.must(err)
		got := map[string]string{}
		for _, f := range files {
			got[strings.TrimPrefix(f.Path, ".github/pipelines/")] = string(f.Data)
			if f.TooLarge != (f.Path == ".github/pipelines/big.yaml") || f.TooLarge && f.Data != nil {
				t.Errorf("%s: too large: %v", f.Path, f.TooLarge)
			}
		}
		return got
	}
	want := map[string]string{"big.yaml": "", "build.yaml": "name: build\n", "über all.yml": "name: all\n"}
	if diff := cmp.Diff(want, read(first)); diff != "" {
		t.Error(diff)
	}
	w.asked()
	want["build.yaml"] = "name: build two\n"
	if diff := cmp.Diff(want, read(second)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"repos/get-content": 3}, w.asked()); diff != "" {
		t.Errorf("not the folder, the file that changed and the submodule: %s", diff)
	}
	if files, err := w.client.PipelineFiles(t.Context(), w.repo, none); err != nil || len(files) > 0 {
		t.Errorf("no folder: %v, %v", files, err)
	}
	if _, err := w.client.PipelineFiles(t.Context(), w.repo, strings.Repeat("1", 40)); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("no commit: %v", err)
	}
	gone := w.repo
	gone.Name = "none"
	if _, err := w.client.PipelineFiles(t.Context(), gone, none); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("no repository: %v", err)
	}
	if data, found, err := w.client.File(t.Context(), w.repo, "README.md", second); err != nil || !found || string(data) != "shop" {
		t.Errorf("got %q, %v, %v", data, found, err)
	}
	if _, found, err := w.client.File(t.Context(), w.repo, "none", second); err != nil || found {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestLocalCommits(t *testing.T) {
	w := newWorld(t)
	w.write("a", "a")
	first := w.push("main", "One")
	w.write("a", "b")
	second := w.push("feature/x", "Two\n\nCo-authored-by: Bob <5+bob@users.noreply.github.com>")
	c, err := w.client.Commit(t.Context(), w.repo, second)
	w.must(err)
	if c.SHA != second || !strings.HasPrefix(c.Message, "Two") || c.Author != "alice" || time.Since(c.Time) > time.Minute ||
		!slices.Equal(c.Authors, []string{"alice", "bob"}) || !slices.Equal(c.Parents, []string{first}) {
		t.Errorf("got %+v", c)
	}
	if _, err := w.client.Commit(t.Context(), w.repo, strings.Repeat("1", 40)); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	for pair, want := range map[[2]string]string{
		{first, second}: "ahead", {second, first}: "behind", {first, first}: "identical", {"main", "feature/x"}: "ahead",
	} {
		if got, err := w.client.Compare(t.Context(), w.repo, pair[0], pair[1]); err != nil || got != want {
			t.Errorf("%v: got %q, %v", pair, got, err)
		}
	}
	if got, err := w.client.Head(t.Context(), w.repo, "feature/x"); err != nil || got != second {
		t.Errorf("got %s, %v", got, err)
	}
	w.git(w.clone, "tag", "--annotate", "--message=First", "release/v1", first)
	w.git(w.clone, "push", "--quiet", "origin", "release/v1")
	for ref, want := range map[string]string{"refs/heads/feature/x": second, "refs/tags/release/v1": first} {
		if got, err := w.client.Head(t.Context(), w.repo, ref); err != nil || got != want {
			t.Errorf("%s: got %s, %v", ref, got, err)
		}
	}
	if _, err := w.client.Head(t.Context(), w.repo, "refs/tags/v2"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := w.client.Head(t.Context(), w.repo, "feature"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestLocalTarball(t *testing.T) {
	w := newWorld(t)
	w.write("dir/a.txt", "hello")
	sha := w.push("main", "One")
	body, err := w.client.Tarball(t.Context(), w.repo, sha)
	w.must(err)
	defer body.Close()
	unzipped, err := gzip.NewReader(body)
	w.must(err)
	found := false
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		w.must(err)
		if _, name, _ := strings.Cut(h.Name, "/"); name == "dir/a.txt" {
			data, err := io.ReadAll(r)
			w.must(err)
			found = string(data) == "hello"
		}
	}
	if !found {
		t.Error("the file is not in the tarball")
	}
	if _, err := w.client.Tarball(t.Context(), w.repo, strings.Repeat("1", 40)); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestLocalCheckRuns(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "One")
	cr := github.CheckRun{
		Name: "release / build", SHA: sha, DetailsURL: "https://ci.example/1", ExternalID: "1/build/1/1",
		Status: "in_progress", StartedAt: time.Now(), Title: "Building", Summary: strings.Repeat("ü\n", 40000), Text: "```\nlog",
	}
	for i := range 120 {
		cr.Annotations = append(cr.Annotations, github.Annotation{Path: "a.go", StartLine: i + 1, StartColumn: 2, Level: "warning", Message: "m"})
	}
	w.asked()
	// The answer is lost: the run is there, and is found.
	w.github.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/check-runs") }, 1, githubtest.LostAnswer())
	if _, err := w.client.CreateCheckRun(t.Context(), w.repo, cr); !errors.Is(err, github.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	ref, found, err := w.client.FindCheckRun(t.Context(), w.repo, sha, cr.ExternalID, cr.Name)
	if err != nil || !found || ref.Annotations != 50 || ref.Status != "in_progress" {
		t.Fatalf("got %+v, %v, %v", ref, found, err)
	}
	if _, found, err := w.client.FindCheckRun(t.Context(), w.repo, sha, "other", cr.Name); err != nil || found {
		t.Errorf("got %v, %v", found, err)
	}
	cr.Annotations = cr.Annotations[ref.Annotations:]
	cr.Status, cr.Conclusion, cr.CompletedAt, cr.Text = "completed", "action_required", time.Now(), ""
	cr.Actions = []github.Button{{Label: "Approve", Description: "Let it into production", Identifier: "approve"}}
	at, err := w.client.UpdateCheckRun(t.Context(), w.repo, ref.ID, cr)
	if err != nil || time.Since(at) > time.Minute {
		t.Fatalf("got %s, %v", at, err)
	}
	run := w.at.CheckRuns(sha)[0]
	if len(run.Annotations) != 120 || run.Text != "" || len(run.Actions) != 1 || len(run.Summary) > 65535 ||
		run.Conclusion != "action_required" || run.Annotations[119].StartLine != 120 {
		t.Errorf("%d annotations, text %q, actions %v, %d bytes of summary, %s", len(run.Annotations), run.Text, run.Actions, len(run.Summary), run.Conclusion)
	}
	if diff := cmp.Diff(map[string]int{
		"apps/create-installation-access-token": 1, "checks/create": 1, "checks/list-for-ref": 2, "checks/update": 2,
	}, w.asked()); diff != "" {
		t.Error(diff)
	}

	w.must(w.at.ClickAction("alice", ref.ID, "approve"))
	w.must(w.at.RerequestCheckRun("alice", ref.ID))
	w.must(w.at.RerequestCheckSuite("alice", sha))
	events := w.heard()
	for i, want := range []github.Event{
		github.CheckRunAction{Repo: w.repo, ID: ref.ID, ExternalID: cr.ExternalID, Name: cr.Name, HeadSHA: sha, AppID: w.github.AppID(), Sender: "alice", Identifier: "approve"},
		github.CheckRunRerequested{Repo: w.repo, ID: ref.ID, ExternalID: cr.ExternalID, Name: cr.Name, HeadSHA: sha, AppID: w.github.AppID(), Sender: "alice"},
		github.CheckSuiteRerequested{Repo: w.repo, HeadSHA: sha, Branch: "main", AppID: w.github.AppID(), Sender: "alice"},
	} {
		if diff := cmp.Diff(want, events[len(events)-3+i]); diff != "" {
			t.Error(diff)
		}
	}
	cr.Annotations, cr.Actions = nil, nil
	_, err = w.client.UpdateCheckRun(t.Context(), w.repo, ref.ID, cr)
	w.must(err)
	if run := w.at.CheckRuns(sha)[0]; len(run.Actions) > 0 || len(run.Annotations) != 120 {
		t.Errorf("%v, %d annotations", run.Actions, len(run.Annotations))
	}
	cr.SHA = strings.Repeat("1", 40)
	if _, err := w.client.CreateCheckRun(t.Context(), w.repo, cr); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("an unknown commit: %v", err)
	}
	w.github.TakeViolations() // that one
}

func TestLocalPullRequests(t *testing.T) {
	w := newWorld(t)
	w.write("a", "a")
	base := w.push("main", "One")
	w.write("b", "b")
	w.push("topic", "Two\n\nCo-authored-by: Bob <5+bob@users.noreply.github.com>")
	w.write("c", "c")
	head := w.push("topic", "Three")
	n, err := w.at.OpenPullRequest("carol", "topic", "main", "Add", "")
	w.must(err)
	info, err := w.client.PullRequest(t.Context(), w.repo, n)
	want := github.PullRequestInfo{
		Number: n, Title: "Add", State: "open", User: "carol", Head: head, Branch: "topic", HeadRepoID: w.repo.ID,
		Base: "main", BaseSHA: base, Commits: 2,
	}
	if diff := cmp.Diff(want, info); err != nil || diff != "" {
		t.Error(err, diff)
	}
	authors, err := w.client.PullRequestAuthors(t.Context(), w.repo, n)
	if diff := cmp.Diff([]string{"alice", "bob", "carol"}, authors); err != nil || diff != "" {
		t.Error(err, diff)
	}
	want.Commits = 0
	of, err := w.client.PullRequestsOf(t.Context(), w.repo, head)
	if diff := cmp.Diff([]github.PullRequestInfo{want}, of); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := w.client.PullRequestsOf(t.Context(), w.repo, strings.Repeat("1", 40)); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}

	fork := w.github.AddFork(w.at, "mallory")
	w.git(w.clone, "push", "--quiet", fork.CloneURL("mallory"), "HEAD:refs/heads/evil")
	f, err := w.at.OpenPullRequest("mallory", "mallory:evil", "main", "Gift", "")
	w.must(err)
	if info, err := w.client.PullRequest(t.Context(), w.repo, f); err != nil || !info.Fork || info.HeadRepoID != fork.ID() {
		t.Errorf("got %+v, %v", info, err)
	}
	w.must(w.at.ClosePullRequest("mallory", f))
	merge, err := w.at.MergePullRequest("alice", n, "merge")
	w.must(err)
	if info, err := w.client.PullRequest(t.Context(), w.repo, n); err != nil || !info.Merged || info.Merge != merge || info.State != "closed" {
		t.Errorf("got %+v, %v", info, err)
	}
	if _, err := w.client.PullRequest(t.Context(), w.repo, 999); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	var told []string
	for _, e := range w.heard() {
		switch e := e.(type) {
		case github.PullRequest:
			told = append(told, fmt.Sprint(e.Action, " ", e.Number, " ", e.User, " ", e.Sender, " ", e.HeadRepo, " ", e.Branch, " ", e.Base, " fork=", e.Fork, " merged=", e.Merged, " ", e.Merge == merge, " ", e.Head == head, " ", e.BaseSHA == base))
			if e.Repo != w.repo {
				t.Errorf("repository %+v", e.Repo)
			}
		case github.Push:
			told = append(told, fmt.Sprint("push ", e.Branch, " ", e.Sender, " ", e.Author, " ", e.Authors, " ", e.Commits, " ", strings.SplitN(e.Message, "\n", 2)[0], " created=", e.Created))
		}
	}
	if diff := cmp.Diff([]string{
		"push main alice alice [alice] 1 One created=true",
		"push topic alice alice [alice bob] 1 Two created=true",
		"push topic alice alice [alice] 1 Three created=false",
		fmt.Sprint("opened ", n, " carol carol octo/shop topic main fork=false merged=false false true true"),
		fmt.Sprint("opened ", f, " mallory mallory mallory/shop evil main fork=true merged=false false true true"),
		fmt.Sprint("closed ", f, " mallory mallory mallory/shop evil main fork=true merged=false false true true"),
	}, told[:6]); diff != "" {
		t.Error(diff)
	}
	if last := fmt.Sprint("closed ", n, " carol alice octo/shop topic main fork=false merged=true true true true"); !slices.Contains(told, last) {
		t.Errorf("%q is not in %q", last, told)
	}
}

func TestLocalCommentsAndPermissions(t *testing.T) {
	w := newWorld(t)
	w.push("main", "One")
	w.push("topic", "Two")
	n, err := w.at.OpenPullRequest("alice", "topic", "main", "Add", "")
	w.must(err)
	asked := w.at.Comment("bob", n, "/approve <!--mark-->")
	if _, found, err := w.client.FindComment(t.Context(), w.repo, n, "<!--mark-->"); err != nil || found {
		t.Errorf("a person's comment counts as ours: %v, %v", found, err)
	}
	for i := range 101 {
		w.at.Comment("bob", n, fmt.Sprint("chatter ", i))
	}
	id, err := w.client.CreateComment(t.Context(), w.repo, n, "Waiting <!--mark-->"+strings.Repeat("x", 70000))
	w.must(err)
	if got, found, err := w.client.FindComment(t.Context(), w.repo, n, "<!--mark-->"); err != nil || !found || got != id {
		t.Errorf("got %d, %v, %v", got, found, err)
	}
	w.must(w.client.EditComment(t.Context(), w.repo, id, "Done"))
	for _, content := range []string{"+1", "-1", "rocket", "confused", "+1"} {
		w.must(w.client.React(t.Context(), w.repo, asked, content))
	}
	if got := len(w.at.Reactions(asked)); got != 4 {
		t.Errorf("%d reactions", got)
	}
	if err := w.client.EditComment(t.Context(), w.repo, 1, "x"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	var comments []github.Comment
	for _, e := range w.heard() {
		if c, ok := e.(github.Comment); ok {
			comments = append(comments, c)
		}
	}
	first, last := comments[0], comments[len(comments)-1]
	if first.ID != asked || first.Number != n || !first.IsPullRequest || first.User != "bob" || first.Bot || first.Body != "/approve <!--mark-->" || first.CreatedAt.IsZero() {
		t.Errorf("got %+v", first)
	}
	if last.ID != id || !last.Bot {
		t.Errorf("our own comment is not a bot's: %+v", last)
	}

	for login, role := range map[string]string{"ada": "admin", "mia": "maintain", "will": "write", "tri": "triage", "rea": "read", "eve": ""} {
		w.at.SetPermission(login, role)
	}
	w.at.SetPrivate(true)
	for login, want := range map[string]github.Permission{
		"ada": github.Admin, "mia": github.Maintain, "will": github.Write, "tri": github.Read, "rea": github.Read, "eve": github.None, "nobody": github.None,
	} {
		if got, err := w.client.Permission(t.Context(), w.repo, login); err != nil || got != want {
			t.Errorf("%s: got %s, %v", login, got, err)
		}
	}
	w.github.AddTeam("octo", "release-managers", "ada")
	for login, want := range map[string]bool{"ada": true, "will": false, "nobody": false} {
		if got, err := w.client.TeamMember(t.Context(), w.repo, "release-managers", login); err != nil || got != want {
			t.Errorf("%s: got %v, %v", login, got, err)
		}
	}
	if got, err := w.client.TeamMember(t.Context(), w.repo, "none", "ada"); err != nil || got {
		t.Errorf("a team that is not there: got %v, %v", got, err)
	}
}

func TestLocalDeliveries(t *testing.T) {
	w := newWorld(t)
	start := time.Now().Add(-time.Minute)
	w.push("main", "One")
	w.heard()
	w.github.DropDeliveries(true)
	sha := w.push("main", "Two")
	w.must(w.github.WaitDelivered(t.Context()))
	w.github.DropDeliveries(false)
	failed, err := w.client.FailedDeliveries(t.Context(), start)
	w.must(err)
	i := slices.IndexFunc(failed, func(d github.FailedDelivery) bool { return d.Event == "push" })
	if i < 0 || failed[i].Attempts != 1 || failed[i].GUID == "" {
		t.Fatalf("got %+v", failed)
	}
	w.must(w.client.Redeliver(t.Context(), failed[i].ID))
	pushed := false
	for _, e := range w.heard() {
		p, ok := e.(github.Push)
		pushed = pushed || ok && p.After == sha
	}
	if !pushed {
		t.Error("not delivered again")
	}
	left, err := w.client.FailedDeliveries(t.Context(), start)
	if err != nil || len(left) != len(failed)-1 {
		t.Errorf("got %+v, %v", left, err)
	}
	if none, err := w.client.FailedDeliveries(t.Context(), time.Now().Add(time.Minute)); err != nil || len(none) > 0 {
		t.Errorf("got %+v, %v", none, err)
	}
}

func TestLocalLimitsAndEnds(t *testing.T) {
	w := newWorld(t)
	w.push("main", "One")
	head := func() error { _, err := w.client.Head(t.Context(), w.repo, "main"); return err }
	w.must(head())

	w.github.Fail(nil, 1, githubtest.ServerError())
	if err := head(); !errors.Is(err, github.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	stop := w.github.Fail(nil, -1, githubtest.Fault{}) // net/http asks twice where a kept connection broke
	if err := head(); !errors.Is(err, github.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	stop()
	w.github.Fail(nil, 1, githubtest.SecondaryLimit(time.Second))
	var limited *github.RateLimited
	if err := head(); !errors.As(err, &limited) || time.Until(limited.Until) > time.Second {
		t.Errorf("got %v", err)
	}
	w.asked()
	if err := head(); !errors.As(err, &limited) || len(w.asked()) > 0 {
		t.Errorf("went out: %v", err)
	}
	if _, err := w.client.Slug(t.Context()); err != nil {
		t.Errorf("the App is held too: %v", err)
	}
	for err := head(); err != nil; err = head() {
		if !errors.As(err, &limited) {
			t.Fatal(err)
		}
		select {
		case <-time.After(time.Until(limited.Until)):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}

	w.must(w.github.SuspendInstallation("alice", "octo"))
	for range 2 { // the token that we hold, then none
		if err := head(); err == nil {
			t.Error("a suspended installation answers")
		}
	}
	if err := head(); !errors.Is(err, github.ErrGone) {
		t.Errorf("got %v", err)
	}
	w.must(w.github.UnsuspendInstallation("alice", "octo"))
	w.must(head())
	w.must(w.github.DeleteInstallation("alice", "octo"))
	_ = head()
	if err := head(); !errors.Is(err, github.ErrGone) {
		t.Errorf("got %v", err)
	}
	if _, err := w.client.InstallationOf(t.Context(), "octo", "shop"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	var told []string
	for _, e := range w.heard() {
		if in, ok := e.(github.Installation); ok {
			told = append(told, in.Action)
			if in.ID != w.repo.Installation || in.Account != "octo" {
				t.Errorf("got %+v", in)
			}
		}
	}
	if len(told) == 0 || told[len(told)-1] != "deleted" {
		t.Errorf("told %q", told)
	}
}
