package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// sample is the repository the demo pushes.
//
//go:embed all:demo
var sample embed.FS

// demoTime is how long the demo may take, the person's thinking aside.
const demoTime = 3 * time.Minute

func demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the main loop on this machine, with a GitHub of its own",
		Long: `Start a GitHub on this machine, the App and a runner; push a sample repository,
show what GitHub shows, approve and roll out. It needs Docker Engine and Git, and no
account.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{out: cmd.OutOrStdout(), keep: keep, begun: time.Now()}
			if d.person = term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())); d.person {
				d.typed = typed(os.Stdin)
			}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave everything running to play with")
	return cmd
}

// demo is one showing.
type demo struct {
	out    io.Writer
	person bool          // somebody sits at the terminal
	typed  <-chan string // the lines they type
	keep   bool
	begun  time.Time

	dir    string
	github *githubtest.GitHub
	repo   *githubtest.Repository
	pull   int
	head   string // the commit it is all about
	home   string // of the dashboard
}

func (d *demo) run(ctx context.Context) (err error) {
	if d.dir, err = os.MkdirTemp("", "stagegate-demo-"); err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	settings, err := d.world(ctx)
	if err != nil {
		return err
	}
	defer d.github.Close()
	log, err := os.Create(filepath.Join(d.dir, "stagegate.log"))
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer log.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	loops, ctx := errgroup.WithContext(ctx)
	up := make(chan struct{})
	loops.Go(func() error {
		return serve(ctx, settings, slog.New(slog.NewTextHandler(log, nil)), func(net.Addr) { close(up) })
	})
	loops.Go(func() error {
		defer stop()
		select {
		case <-up:
			return d.show(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return errors.Join(loops.Wait(), d.sweep(context.WithoutCancel(ctx), settings))
}

// sweep removes the containers an interrupted demo leaves: its runner will not
// come back for them.
func (d *demo) sweep(ctx context.Context, s config.Settings) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	id, err := runner.LoadID(s.Data)
	if err != nil {
		return err
	}
	engine, err := docker.New()
	if err != nil {
		return fmt.Errorf("connect to Docker Engine: %w", err)
	}
	return runner.Sweep(ctx, engine, id)
}

// world starts the GitHub, with its people and an empty repository, and makes
// the settings of the App.
func (d *demo) world(ctx context.Context) (config.Settings, error) {
	var err error
	if d.github, err = githubtest.Start(githubtest.Options{Dir: filepath.Join(d.dir, "github")}); err != nil {
		return config.Settings{}, fmt.Errorf("start a GitHub: %w", err)
	}
	for _, login := range []string{"alice", "bob"} {
		d.github.AddUser(login)
	}
	d.repo = d.github.AddRepository("octo/shop")
	d.repo.SetPermission("alice", "write")
	d.repo.SetPermission("bob", "admin") // who may see everything on the dashboard
	address, err := githubtest.FreeAddress(ctx)
	if err != nil {
		return config.Settings{}, err
	}
	d.home = "http://" + address
	d.github.SetWebhookURL(d.home + "/webhooks/github")
	d.github.SetCallbackURL(d.home + "/login/callback")
	return config.Load(nil, map[string]string{
		"listen": address, "data": filepath.Join(d.dir, "data"), "github-url": d.github.URL(),
		"github-app-id":         strconv.FormatInt(d.github.AppID(), 10),
		"github-private-key":    string(d.github.PrivateKeyPEM()),
		"github-webhook-secret": d.github.WebhookSecret(),
		"github-client-id":      d.github.ClientID(), "github-client-secret": d.github.ClientSecret(),
	})
}

// show is the showing itself.
func (d *demo) show(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := d.github.Watch(ctx)
	d.say("A GitHub, the App and a runner on Docker are up on this machine.")
	if err := d.push(ctx); err != nil {
		return err
	}
	if err := d.follow(ctx, changes); err != nil {
		return err
	}
	d.summary()
	if d.keep {
		return d.play(ctx, changes)
	}
	return nil
}

// push makes the sample repository and opens a pull request, with real git.
func (d *demo) push(ctx context.Context) error {
	clone := filepath.Join(d.dir, "shop")
	if err := os.MkdirAll(clone, 0o700); err != nil {
		return err
	}
	files, err := fs.Sub(sample, "demo")
	if err != nil {
		return err
	}
	if err := os.CopyFS(clone, files); err != nil {
		return fmt.Errorf("write the sample: %w", err)
	}
	url := d.repo.CloneURL("alice")
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "."},
		{"commit", "--quiet", "--message=A shop"},
		{"push", "--quiet", url, "main"},
		{"checkout", "--quiet", "-b", "version-1.5"},
	} {
		if _, err := d.git(ctx, clone, args...); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(clone, "VERSION"), []byte("1.5.0\n"), 0o644); err != nil { //nolint:gosec // a sample
		return err
	}
	for _, args := range [][]string{
		{"commit", "--quiet", "--all", "--message=Version 1.5.0"},
		{"push", "--quiet", url, "version-1.5"},
	} {
		if _, err := d.git(ctx, clone, args...); err != nil {
			return err
		}
	}
	if d.head, err = d.git(ctx, clone, "rev-parse", "HEAD"); err != nil {
		return err
	}
	d.say("alice: git push version-1.5 (%s)", d.head[:7])
	if d.pull, err = d.repo.OpenPullRequest("alice", "version-1.5", "main", "Version 1.5.0", ""); err != nil {
		return fmt.Errorf("open a pull request: %w", err)
	}
	d.say("alice: opens pull request #%d, %q", d.pull, "Version 1.5.0")
	return nil
}

func (d *demo) git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // the arguments are ours
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@users.noreply.github.com",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@users.noreply.github.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// follow shows every change until the last stage has ended, and lets bob
// approve when GitHub asks for it.
func (d *demo) follow(ctx context.Context, changes <-chan githubtest.Change) error {
	deadline := time.NewTimer(demoTime)
	defer deadline.Stop()
	approved := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return errors.New("the demo took too long; its log: " + d.log())
		case c := <-changes:
			d.change(c)
		}
		run, ok := d.newest("release / production")
		switch {
		case d.failed():
			return errors.New("a stage failed; its log: " + d.log())
		case ok && run.Conclusion == "action_required" && !approved:
			approved = true
			if err := d.approve(ctx); err != nil {
				return err
			}
			deadline.Reset(demoTime)
		case ok && run.Conclusion == "success":
			return nil
		}
	}
}

// failed tells whether a stage ended badly.
func (d *demo) failed() bool {
	for _, name := range []string{"release", "release / build", "release / test", "release / production"} {
		if run, ok := d.newest(name); ok && run.Status == "completed" && run.Conclusion != "success" && run.Conclusion != "action_required" {
			return true
		}
	}
	return false
}

// newest is the newest check run of the name on the demo's commit.
func (d *demo) newest(name string) (run githubtest.CheckRun, ok bool) {
	for _, r := range d.repo.CheckRuns(d.head) {
		if r.Name == name {
			run, ok = r, true
		}
	}
	return run, ok
}

func (d *demo) approve(ctx context.Context) error {
	if d.person {
		fmt.Fprint(d.out, "\n          Press Enter to comment `/approve production` as bob. ")
		select {
		case <-d.typed:
		case <-ctx.Done():
			return ctx.Err()
		}
		fmt.Fprintln(d.out)
	}
	d.say("bob:   comments on #%d: /approve production", d.pull)
	d.repo.Comment("bob", d.pull, "/approve production")
	return nil
}

// typed gives the lines that are typed. Its goroutine ends with the process:
// nothing can interrupt a read of a terminal.
func typed(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- strings.TrimSpace(s.Text())
		}
	}()
	return lines
}

// log is the end of the App's log, for when something went wrong.
func (d *demo) log() string {
	text, err := os.ReadFile(filepath.Join(d.dir, "stagegate.log"))
	if err != nil {
		return err.Error()
	}
	return "\n" + string(text[max(0, len(text)-4000):])
}

// play leaves everything running. What the person types becomes a comment.
func (d *demo) play(ctx context.Context, changes <-chan githubtest.Change) error {
	link, err := d.github.SignInLink("bob", d.home+"/login")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nEverything is still running, until Ctrl-C.\n\nThe dashboard, signed in as bob; the link is good once:\n\n  %s\n", link)
	fmt.Fprintf(d.out, "\n  git clone --branch version-1.5 %s\n\nPush to that branch to run it again.", d.repo.CloneURL("alice"))
	if d.person {
		fmt.Fprintf(d.out, " A line you type here becomes bob's comment on #%d.", d.pull)
	}
	fmt.Fprint(d.out, "\n\n")
	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-d.typed:
			if line != "" {
				d.repo.Comment("bob", d.pull, line)
			}
		case c := <-changes:
			d.change(c)
		}
	}
}
