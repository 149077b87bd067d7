package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/app"
	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the GitHub App and its runner",
		Long: `Run the GitHub App and its runner, until it is told to stop. It needs a Docker
Engine, and of the flags --github-app-id, --github-private-key and
--github-webhook-secret; README.md says how to register the App.

Every flag may also be given as the environment variable beside it, or in a file
that the variable with _FILE at its end names.`,
		Example: `  export STAGEGATE_GITHUB_PRIVATE_KEY_FILE=/etc/stagegate/key.pem
  export STAGEGATE_GITHUB_WEBHOOK_SECRET_FILE=/etc/stagegate/webhook-secret
  stagegate serve --github-app-id 12345 --public-url https://ci.example.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.Load(os.Environ(), changed(cmd.Flags()))
			if err != nil {
				return err
			}
			return serve(cmd.Context(), settings, logger(settings), nil)
		},
	}
	settingFlags(cmd, config.List())
	return cmd
}

// settingFlags gives a command a flag for each setting.
func settingFlags(cmd *cobra.Command, list []config.Setting) {
	for _, s := range list {
		doc := s.Doc + " [" + s.Name + "]"
		if s.Default != "" {
			doc += " (default " + s.Default + ")"
		}
		cmd.Flags().String(s.Flag, "", doc)
	}
}

// changed lists the flags that were given.
func changed(flags *pflag.FlagSet) map[string]string {
	given := map[string]string{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	return given
}

func logger(s config.Settings) *slog.Logger {
	format := s.LogFormat
	if format == config.LogAuto && term.IsTerminal(int(os.Stderr.Fd())) {
		format = config.LogText
	}
	if format == config.LogText {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, nil))
}

// serve runs one process until ctx ends. It calls ready, if there is one, with
// the address it listens on.
func serve(ctx context.Context, s config.Settings, log *slog.Logger, ready func(net.Addr)) (err error) {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	db, err := sqlite.Open(ctx, s.SQLitePath())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	blobs, err := blob.Open(ctx, s.BlobURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blobs.Close()) }()
	client, err := github.New(github.Config{
		URL: s.GitHubURL, AppID: s.GitHubAppID, PrivateKey: []byte(s.GitHubPrivateKey.Reveal()),
		UserAgent: "stagegate/" + version, Log: log,
	})
	if err != nil {
		return fmt.Errorf("make the client for GitHub: %w", err)
	}
	a, err := app.New(app.Config{Settings: s, Version: version, Store: db, Blobs: blobs, GitHub: client, Log: log})
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Listen, err)
	}
	log.Info("stagegate is up", "version", version, "listen", l.Addr().String(), "public_url", s.PublicURL, "github", s.GitHubURL)
	if ready != nil {
		ready(l.Addr())
	}
	loops, ctx := errgroup.WithContext(ctx)
	loops.Go(func() error { return a.Run(ctx, l) })
	if s.Runners > 0 {
		r, err := newRunner(s, a.Jobs(), a.Files(), log)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		loops.Go(func() error { return r.run(ctx) })
	}
	err = loops.Wait()
	log.Info("stagegate is down")
	return err
}

// stopped drops the error of a loop that ended because it was told to.
func stopped(ctx context.Context, err error) error {
	if errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return err
}

// guarded is a runner whose jobs are kept from this machine's services.
type guarded struct {
	*runner.Runner
	guard *guard
}

// run runs jobs until ctx ends. The guard is there before the first of them.
func (g guarded) run(ctx context.Context) error {
	g.guard.look(ctx)
	loops, ctx := errgroup.WithContext(ctx)
	loops.Go(func() error { g.guard.run(ctx); return nil })
	loops.Go(func() error { return stopped(ctx, g.Run(ctx)) })
	return loops.Wait()
}

func newRunner(s config.Settings, jobs runner.Jobs, files runner.Files, log *slog.Logger) (g guarded, err error) {
	id, err := runner.LoadID(s.Data)
	if err != nil {
		return g, err
	}
	work, err := filepath.Abs(filepath.Join(s.Data, "work"))
	if err != nil {
		return g, fmt.Errorf("find the folder of workspaces: %w", err)
	}
	engine, err := docker.New()
	if err != nil {
		return g, fmt.Errorf("connect to Docker Engine: %w", err)
	}
	return guarded{runner.New(runner.Config{
		ID: id, Slots: s.Runners, Jobs: jobs, Files: files, Engine: engine, Log: log, WorkDir: work,
		Refused: s.Allow.Refused,
		Limits: runner.Limits{
			Memory: s.ActionMemory, CPUs: s.ActionCPUs, PIDs: s.ActionPIDs, Timeout: s.ActionTimeout, LogLimit: s.ActionLogLimit,
		},
	}), newGuard(engine, s.ActionReach, log)}, nil
}
