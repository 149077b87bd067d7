package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
	"github.com/stagegate/stagegate/local/show"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// errShown is a failure that was told to people already.
var errShown = errors.New("failed")

func runCommand() *cobra.Command {
	var c local.Config
	var variables, allowed []string
	var lines bool
	cmd := &cobra.Command{
		Use:   "run [PIPELINE]",
		Short: "Run a pipeline of the working tree on this machine",
		Long: `Run a pipeline of the working tree on this machine, in containers of Docker
Engine, with what is not committed yet and without what Git ignores.

PIPELINE is the name of a pipeline or the path of its file; it may be left out
where there is only one. Logs and artifacts are left below .stagegate/.

The exit code is 0 if everything succeeded, 1 if something failed, 2 if nothing
ran because of a mistake in the file or the command, and 130 if interrupted.`,
		Example: `  stagegate run
  stagegate run release --approve
  stagegate run release --stage build --var REGION=us-east-1`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completePipeline,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				c.Pipeline = args[0]
			}
			var err error
			if c.Variables, err = assignments(variables); err != nil {
				return err
			}
			if c.Refused, err = refusedLocally(allowed); err != nil {
				return err
			}
			return runLocally(cmd.Context(), c, lines)
		},
	}
	cmd.Flags().StringArrayVar(&c.Stages, "stage", nil, "run only this `STAGE` (repeatable)")
	cmd.Flags().StringArrayVar(&c.Actions, "action", nil, "run only this action, `STAGE.ACTION` or ACTION (repeatable)")
	cmd.Flags().StringArrayVar(&variables, "var", nil, "give a variable of the pipeline another value: `NAME=VALUE` (repeatable)")
	cmd.Flags().StringVar(&c.Secrets, "secret-file", "", "`FILE` of lines NAME=VALUE with the secrets the pipeline names")
	cmd.Flags().StringArrayVar(&allowed, "allow", nil, "let actions have this `OPTION` of isolation, such as privileged or volumes=/srv/cache (repeatable)")
	cmd.Flags().BoolVar(&lines, "lines", false, "show every line of the logs on a terminal too, in place of a tree")
	cmd.Flags().IntVar(&c.Parallel, "parallel", max(4, runtime.NumCPU()), "run up to `N` actions at once")
	cmd.Flags().BoolVar(&c.Approve, "approve", false, "give every approval; without it, one ends the run")
	cmd.Flags().BoolVar(&c.Keep, "keep", false, "keep containers and workspaces until the next run, to look at them")
	completeFlag(cmd, "stage", offer(stagesOf, 0))
	completeFlag(cmd, "action", offer(local.ActionNames, 0))
	completeFlag(cmd, "var", offer(variablesOf, cobra.ShellCompDirectiveNoSpace))
	completeFlag(cmd, "parallel", either())
	return cmd
}

// refusedLocally lists what the person at the command line does not allow, whatever
// the repository is called.
func refusedLocally(allowed []string) (func(string, []string) []string, error) {
	if len(allowed) == 0 {
		return config.Allow{}.Refused, nil
	}
	const here = "this/tree"
	rules, err := config.NewAllow(here + " " + strings.Join(allowed, " "))
	if err != nil {
		return nil, usageError{fmt.Errorf("--allow: %w", err)}
	}
	return func(_ string, options []string) []string { return rules.Refused(here, options) }, nil
}

// assignments reads NAME=VALUE.
func assignments(texts []string) ([]pipeline.Value, error) {
	values := make([]pipeline.Value, len(texts))
	for i, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--var %s: write NAME=VALUE", text)}
		}
		values[i] = pipeline.Value{Name: name, Value: value}
	}
	return values, nil
}

func runLocally(ctx context.Context, c local.Config, lines bool) error {
	// A terminal that closes, or a reader of the output that ends, must not
	// leave containers behind.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	settings, err := config.LoadActions(os.Environ())
	if err != nil {
		return err
	}
	engine, err := docker.New()
	if err != nil {
		return fmt.Errorf("connect to Docker Engine: %w", err)
	}
	var warming sync.WaitGroup
	defer warming.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	warming.Go(func() { engine.Warm(ctx) })
	c.Engine, c.Actor = engine, cmp.Or(os.Getenv("USER"), "the local user")
	c.Limits = runner.Limits{
		Memory: settings.ActionMemory, CPUs: settings.ActionCPUs, PIDs: settings.ActionPIDs,
		Timeout: settings.ActionTimeout, LogLimit: settings.ActionLogLimit,
	}
	if c.Dir, err = os.Getwd(); err != nil {
		return fmt.Errorf("find the working tree: %w", err)
	}
	defer present(&c, lines)()
	c.Kill = secondSignal()
	o, err := local.Run(ctx, c)
	var mistakes local.Mistakes
	var usage local.Usage
	switch {
	case errors.As(err, &mistakes):
		found := local.Findings{Mistakes: mistakes}
		return usageError{errors.Join(show.Diagnostics(os.Stderr, show.Text, found, version), errShown)}
	case errors.As(err, &usage):
		return usageError{usage}
	case o.Interrupted:
		return context.Canceled
	case err != nil:
		return err
	case !o.Succeeded():
		return errShown
	}
	return nil
}

// present chooses how people are shown the run, and whether they are asked. The
// function it returns ends the showing.
func present(c *local.Config, lines bool) func() {
	stdout, stdin := int(os.Stdout.Fd()), int(os.Stdin.Fd())
	to := show.Terminal{Is: term.IsTerminal(stdout), Colours: colours()}
	if to.Is && term.IsTerminal(stdin) {
		to.Input = show.NewInput(os.Stdin, func() { dropTyped(stdin) })
	}
	if lines || !to.Colours {
		plain := show.NewPlain(os.Stdout, to)
		if c.Reporter = plain; to.Input != nil {
			c.Ask = plain.Ask
		}
		return func() {}
	}
	tree := show.NewTree(os.Stdout, to, func() (columns, rows int) {
		columns, rows, _ = term.GetSize(stdout) // zero where it cannot be told
		return columns, rows
	})
	if c.Reporter = tree; to.Input != nil {
		c.Ask = tree.Ask
	}
	return tree.Close
}

// secondSignal returns a channel that is closed when a person insists.
func secondSignal() <-chan struct{} {
	signals, second := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		<-signals
		close(second)
	}()
	return second
}
