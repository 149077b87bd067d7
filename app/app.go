// Package app is the GitHub App as a process: it joins the adapters. Deliveries
// come in through the inbox, become events of executions, and leave as jobs for
// runners and as check runs; one file per loop. What may happen is decided in
// internal/pipeline alone.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/mirror"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/app/webhook"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/remote"
)

// App is one process of Stagegate. Create it with New.
type App struct {
	settings config.Settings
	version  string
	store    store.Store
	blobs    *blob.Bucket
	github   *github.Client
	mirrors  *mirror.Mirrors
	log      *slog.Logger
	now      func() time.Time

	changed      signal // something was committed
	repositories keyed  // deliveries of one repository are processed one at a time
	schedules    keyed  // those of one repository are looked after one at a time
	reports      keyed  // one request in flight per execution
	told         lastTold
	statuses     statuses
	admin        config.Secret // opens the API
	rights       *rights
	limits       limits
	signIn       *github.SignIn // nil: nobody signs in
	callKey      config.Secret  // makes the secrets of pipelines that are called
	keys         secretKeys     // encrypt what is kept for jobs
}

// Config is what an App is made of. Store and Blobs are closed by whoever
// opened them.
type Config struct {
	Settings config.Settings
	Version  string
	Store    store.Store
	Blobs    *blob.Bucket
	GitHub   *github.Client
	Log      *slog.Logger
	Now      func() time.Time // nil: the system's clock
}

// New makes an App and its folders.
func New(c Config) (*App, error) {
	a := &App{settings: c.Settings, version: c.Version, store: c.Store, blobs: c.Blobs, github: c.GitHub, log: c.Log, now: c.Now, rights: newRights()}
	if a.now == nil {
		a.now = time.Now
	}
	a.limits = a.newLimits()
	if err := a.prepareFolders(); err != nil {
		return nil, err
	}
	var err error
	if a.admin, err = a.adminToken(); err != nil {
		return nil, err
	}
	if a.callKey, err = a.keptSecret(a.path("webhook-key"), "the key of webhooks"); err != nil {
		return nil, err
	}
	if a.signIn, err = a.newSignIn(); err != nil {
		return nil, err
	}
	a.mirrors, err = mirror.New(mirror.Config{Dir: a.path("mirrors"), URL: gitAddress(c.Settings.GitHubURL), Log: c.Log})
	return a, err
}

// Jobs returns the work of this process's runners.
func (a *App) Jobs() runner.Jobs { return jobs{a} }

// Files returns what the jobs of this process's runners read and write.
func (a *App) Files() runner.Files { return files{a} }

// Run serves the listener and runs every loop until ctx ends or one of them
// fails. Stopping it loses nothing: what was committed goes on at the next
// start, and running containers are left to be adopted.
func (a *App) Run(ctx context.Context, l net.Listener) error {
	defer l.Close() // also where nothing was served yet: the address is free then
	if _, _, err := a.openSecretKeys(ctx); errors.Is(err, errLostKey) {
		a.log.Error("no secret can be read or set", "error", err)
	} else if err != nil {
		return err
	}
	queue, err := a.store.Queue(a.queueConfig())
	if err != nil {
		return err
	}
	if err := queue.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	loops, ctx := errgroup.WithContext(ctx)
	loops.Go(func() error { return a.serve(ctx, l) })
	loops.Go(func() error { return a.reap(ctx) })
	loops.Go(func() error { return a.keepTime(ctx) })
	err = loops.Wait()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if stopErr := queue.Stop(stop); stopErr != nil && !errors.Is(stopErr, context.DeadlineExceeded) {
		err = errors.Join(err, fmt.Errorf("stop the queue: %w", stopErr))
	}
	return err
}

// serve answers HTTP until ctx ends, then lets the requests in flight end.
func (a *App) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           a.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// Handler is everything this process answers over HTTP.
func (a *App) Handler() http.Handler {
	return web.Handler(web.Config{
		Webhook: &webhook.Handler{
			Secret: []byte(a.settings.GitHubWebhookSecret.Reveal()),
			Events: events, Inbox: inbox{a}, Now: a.now, Log: a.log,
		},
		Calls:      &webhook.Calls{Secret: a.callSecret, Start: a.called, Log: a.log},
		API:        api.Handler(api.Config{Admit: a.admit, Failed: a.failed, Log: a.log}),
		Runners:    remote.Handler(a.runners()),
		Executions: pages{a},
		SignIn:     a.webSignIn(),
		PublicURL:  a.settings.PublicURL,
		Clients:    a.clients(),
		Ready:      a.ready,
		GitHubURL:  webAddress(a.settings.GitHubURL),
		Version:    a.version,
		Now:        a.now,
		Log:        a.log,
	})
}

func (a *App) ready(ctx context.Context) error {
	return a.store.View(ctx, func(store.Tx) error { return nil })
}

// update is a write transaction after which everybody who waits looks again.
func (a *App) update(ctx context.Context, do func(store.Tx) error) error {
	err := a.store.Update(ctx, do)
	if err == nil {
		a.changed.wake()
	}
	return err
}

// complain is for the loops: one line for the operator, unless the process is
// stopping.
func (a *App) complain(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		a.log.Error("could not "+doing, "error", err)
	}
}

// queueConfig names the workers of the queue. A job's time is below the time
// after which the queue takes it for lost.
func (a *App) queueConfig() *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, work(a.log, a.deliver))
	river.AddWorker(workers, patient[store.FetchSource]{work(a.log, a.fetchSource), cloneTimeout})
	river.AddWorker(workers, work(a.log, a.report))
	river.AddWorker(workers, work(a.log, a.reply))
	river.AddWorker(workers, work(a.log, a.showStatus))
	river.AddWorker(workers, work(a.log, a.showPlan))
	river.AddWorker(workers, work(a.log, a.expire))
	river.AddWorker(workers, work(a.log, a.due))
	river.AddWorker(workers, work(a.log, a.compare))
	river.AddWorker(workers, work(a.log, a.describe))
	river.AddWorker(workers, work(a.log, a.askTrust))
	river.AddWorker(workers, work(a.log, a.recover))
	river.AddWorker(workers, work(a.log, a.startScheduled))
	river.AddWorker(workers, work(a.log, a.keepSchedules))
	river.AddWorker(workers, work(a.log, a.startFollowers))
	river.AddWorker(workers, work(a.log, a.renewChecks))
	return &river.Config{
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			store.QueueDeliver: {MaxWorkers: 8},
			store.QueueReport:  {MaxWorkers: 16},
			store.QueueSource:  {MaxWorkers: 4},
			store.QueueStart:   {MaxWorkers: 4},
			store.QueueTimer:   {MaxWorkers: 2},
		},
		PeriodicJobs: []*river.PeriodicJob{
			river.NewPeriodicJob(river.PeriodicInterval(time.Minute), periodic(store.Recover{}), &river.PeriodicJobOpts{RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(time.Hour), periodic(store.RenewChecks{}), &river.PeriodicJobOpts{RunOnStart: true}),
		},
		FetchCooldown:        10 * time.Millisecond, // the store wakes the queue at a commit
		FetchPollInterval:    time.Second,
		PollOnly:             true,
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: 2 * time.Minute,
		RetryPolicy:          retryPolicy{now: a.now},
		Logger:               slog.New(onlyErrors{a.log.Handler()}),
	}
}

// jobTimeout ends a piece of work that hangs, before the queue takes it for lost.
const jobTimeout = 110 * time.Second

func periodic(args river.JobArgs) river.PeriodicJobConstructor {
	return func() (river.JobArgs, *river.InsertOpts) { return args, nil }
}

// webAddress is where people look at what an API base serves; empty where that
// cannot be told, or where a stand-in has no pages.
func webAddress(api string) string {
	if web := github.WebURL(api); web != api {
		return web
	}
	return ""
}
