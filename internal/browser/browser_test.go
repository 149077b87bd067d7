// Package browser has a real browser go through the dashboard: Chromium, driven from
// outside, with scripts switched off in its pages. There is nothing but tests in it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/stagegate/stagegate/app"
	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// patience is how long a page may take.
const patience = 60 * time.Second

// release waits for bob, who fills in a form.
const release = `
name: release
on: { push: { branches: [main] } }
stages:
  - name: production
    actions:
      - name: sign-off
        approval:
          users: [bob]
          instructions: Look at the dashboards first.
          form:
            ticket: { description: The change that was agreed, required: true }
            region: { type: choice, options: [eu, us], default: eu }
            announce: { type: boolean, default: "true" }
`

// world is a GitHub and an App without a runner: nothing runs but an approval.
type world struct {
	t      *testing.T
	github *githubtest.GitHub
	repo   *githubtest.Repository
	home   string // of the dashboard
	sha    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, github: githubtest.New(t, githubtest.Options{})}
	w.github.AddUser("alice")
	w.github.AddUser("bob")
	w.repo = w.github.AddRepository("octo/shop")
	w.repo.SetPermission("alice", "write")
	w.repo.SetPermission("bob", "write")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.home = "http://" + l.Addr().String()
	w.github.SetWebhookURL(w.home + "/webhooks/github")
	w.github.SetCallbackURL(w.home + "/login/callback")
	w.serve(l)
	w.push()
	return w
}

// serve runs the App until the test ends.
func (w *world) serve(l net.Listener) {
	w.t.Helper()
	settings, err := config.Load(nil, map[string]string{
		"listen": l.Addr().String(), "data": w.t.TempDir(), "github-url": w.github.URL(), "github-app-id": fmt.Sprint(w.github.AppID()),
		"github-private-key": string(w.github.PrivateKeyPEM()), "github-webhook-secret": w.github.WebhookSecret(),
		"github-client-id": w.github.ClientID(), "github-client-secret": w.github.ClientSecret(),
	})
	quiet := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	db, err2 := sqlite.Open(ctx, settings.SQLitePath())
	blobs, err3 := blob.Open(ctx, settings.BlobURL)
	client, err4 := github.New(github.Config{URL: settings.GitHubURL, AppID: settings.GitHubAppID, PrivateKey: w.github.PrivateKeyPEM(), Log: quiet})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		w.t.Fatal(err)
	}
	a, err := app.New(app.Config{Settings: settings, Version: "test", Store: db, Blobs: blobs, GitHub: client, Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, l) }()
	w.t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, blobs.Close(), db.Close()); err != nil {
			w.t.Error(err)
		}
	})
}

// push has alice push the pipeline, and waits until it asks for an approval.
func (w *world) push() {
	w.t.Helper()
	clone := filepath.Join(w.t.TempDir(), "shop")
	file := filepath.Join(clone, ".github", "pipelines", "release.yaml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(release), 0o644)); err != nil {
		w.t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "."},
		{"commit", "--quiet", "--message=Faster <b>checkout</b>"},
		{"push", "--quiet", w.repo.CloneURL("alice"), "main"},
		{"rev-parse", "HEAD"},
	} {
		cmd := exec.CommandContext(w.t.Context(), "git", args...)
		cmd.Dir = clone
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@users.noreply.github.com",
			"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@users.noreply.github.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			w.t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
		w.sha = strings.TrimSpace(string(out))
	}
	w.check("action_required")
}

// check waits until the stage's check run has a conclusion.
func (w *world) check(conclusion string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	err := w.github.Wait(ctx, func() bool {
		runs := w.repo.CheckRuns(w.sha)
		return len(runs) > 0 && runs[len(runs)-1].Conclusion == conclusion
	})
	if err != nil {
		w.t.Fatalf("no check run became %s: %+v", conclusion, w.repo.CheckRuns(w.sha))
	}
}

// names are what a Chromium is called.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// tab is a tab of a browser of its own, as wide as a phone, in which no page can run a
// script.
type tab struct {
	t        *testing.T
	ctx      context.Context
	blocked  chan string // what the browser did not let a page do
	pictures string      // folder for them; empty: none are taken
}

func newTab(t *testing.T) *tab {
	t.Helper()
	var program string
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Fatal("there is no Chromium: scripts/browser.sh installs one")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.WSURLReadTimeout(patience))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none as root
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	bounded, cancel := context.WithTimeout(allocator, 3*patience)
	t.Cleanup(cancel)
	b := &tab{t: t, blocked: make(chan string, 100), pictures: os.Getenv("STAGEGATE_TEST_PICTURES")}
	b.ctx, cancel = chromedp.NewContext(bounded)
	t.Cleanup(cancel)
	chromedp.ListenTarget(b.ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Source == log.SourceSecurity {
			b.blocked <- e.Entry.Text
		}
	})
	b.do("open a tab", log.Enable(), network.Enable(), chromedp.EmulateViewport(390, 844), emulation.SetScriptExecutionDisabled(true))
	return b
}

func (b *tab) do(what string, actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		var page, at string
		_ = chromedp.Run(b.ctx, chromedp.Location(&at), chromedp.Evaluate(`document.documentElement.outerHTML`, &page))
		b.t.Fatalf("%s, at %s: %v\n%s", what, at, err, page)
	}
}

// press clicks what is found, and waits for the page that comes.
func (b *tab) press(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(selector, chromedp.NodeVisible)); err != nil {
		b.t.Fatalf("press %s: %v", selector, err)
	}
}

func (b *tab) at() string {
	b.t.Helper()
	var at string
	b.do("ask for the address", chromedp.Location(&at))
	return at
}

func (b *tab) text() string {
	b.t.Helper()
	var text string
	b.do("read the page", chromedp.Evaluate(`document.body.innerText`, &text))
	return text
}

// says asks for texts on the page.
func (b *tab) says(wants ...string) {
	b.t.Helper()
	text := b.text()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			b.t.Errorf("at %s there is no %q:\n%s", b.at(), want, text)
		}
	}
}

// picture keeps what the page looks like, on a phone and on a desk.
func (b *tab) picture(name string) {
	b.t.Helper()
	if b.pictures == "" {
		return
	}
	for width, on := range map[int64]string{390: "phone", 1280: "desk"} {
		var png []byte
		b.do("take a picture", chromedp.EmulateViewport(width, 844), chromedp.FullScreenshot(&png, 100))
		if err := os.WriteFile(filepath.Join(b.pictures, name+"-"+on+".png"), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do("be a phone again", chromedp.EmulateViewport(390, 844))
}

const path = "/repositories/octo/shop/release/1"

// TestReleaseManager has bob approve a release on a phone, from the link to the page to
// the end.
func TestReleaseManager(t *testing.T) {
	w, b := newWorld(t), newTab(t)
	b.do("go to the dashboard", chromedp.Navigate(w.home+"/"))
	b.picture("front")
	b.do("go to the execution", chromedp.Navigate(w.home+path))
	b.says("Who are you?")
	b.press(`button[value="bob"]`)
	if at := b.at(); at != w.home+path {
		t.Fatalf("signed in, it leads to %s", at)
	}
	b.says("waiting for approval", "Look at the dashboards first.", "Faster <b>checkout</b>", "bob")
	b.picture("execution")
	b.do("go to the front page", chromedp.Navigate(w.home+"/"))
	b.says("Waits for you", "release #1", "octo/shop")
	b.picture("home")
	b.press(`.rows.ask a`)
	b.do("fill in the form",
		chromedp.SendKeys(`.note input[name="value.ticket"]`, "CHANGE-7"),
		chromedp.SetAttributeValue(`.note option:last-child`, "selected", "selected"),
		chromedp.Click(`.note input[type="checkbox"]`),
		chromedp.SendKeys(`.note textarea[name="says"]`, "agreed <script>alert(1)</script>"))
	b.picture("form")
	b.press(`.note button.good`)
	b.says("Approved by bob, by dashboard", "CHANGE-7")
	w.check("success")
	b.do("look again", chromedp.Navigate(w.home+path))
	b.says("succeeded", "us", "false")
	b.picture("approved")
	b.do("go to the list", chromedp.Navigate(w.home+"/repositories/octo/shop"))
	b.says("release #1", "succeeded")
	b.picture("list")
	b.press(`.bar a.dim`)
	b.do("name a token", chromedp.SendKeys(`input[name="name"]`, "laptop"), chromedp.Click(`input[value="approve"]`))
	b.press(`.note button`)
	b.says("it is not shown again", "sgp_", "read, approve")
	b.picture("tokens")
	b.press(`.bar button`)
	b.says("Sign in to see")
	b.do("go back to the execution", chromedp.Navigate(w.home+path))
	b.says("Who are you?")
	if len(b.blocked) > 0 {
		t.Errorf("the browser blocked what a page is made of: %s", <-b.blocked)
	}
}

// TestOtherSite has a site on another port try to decide for bob, and to show the
// dashboard in a frame.
func TestOtherSite(t *testing.T) {
	w, b := newWorld(t), newTab(t)
	b.do("go to the execution", chromedp.Navigate(w.home+path))
	b.press(`button[value="bob"]`)
	var fields string
	b.do("read the form", chromedp.Evaluate(`document.querySelector(".note form").outerHTML`, &fields))
	evil := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/frame" {
			fmt.Fprintf(out, `<iframe src="%s%s" width="300" height="300"></iframe>`, w.home, path)
			return
		}
		fmt.Fprint(out, strings.ReplaceAll(fields, `action="/`, `action="`+w.home+`/`))
	}))
	defer evil.Close()
	b.do("go to another site", chromedp.Navigate(evil.URL+"/form"), chromedp.SendKeys(`input[name="value.ticket"]`, "X"))
	b.press(`button.good`)
	if at := b.at(); !strings.HasPrefix(at, w.home) {
		t.Fatalf("the form leads to %s", at)
	}
	b.says("Nothing was done")
	b.do("be framed", chromedp.Navigate(evil.URL+"/frame"))
	select {
	case why := <-b.blocked:
		if !strings.Contains(why, "frame-ancestors") {
			t.Errorf("blocked was %s", why)
		}
	case <-time.After(patience):
		t.Error("the frame was not blocked")
	}
	runs := w.repo.CheckRuns(w.sha)
	if last := runs[len(runs)-1]; last.Conclusion != "action_required" {
		t.Errorf("it was decided: %+v", last)
	}
}
