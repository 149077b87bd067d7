// Command stagegate is the whole of Stagegate in one binary: it joins the
// packages and does nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/config"
)

// version is set by the linker.
var version = "dev"

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2   // wrong settings or arguments
	exitBroken = 130 // interrupted by a person
)

// usageError is a mistake of whoever typed the command.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	os.Exit(report(err))
}

// report prints what went wrong, for people, and returns the exit code.
func report(err error) int {
	var (
		usage    usageError
		problems config.Problems
	)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errShown) && errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errShown):
		return exitFailed
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "stagegate: interrupted")
		return exitBroken
	case errors.As(err, &problems):
		fmt.Fprintln(os.Stderr, "stagegate: these settings are wrong or missing:")
		for _, p := range problems {
			fmt.Fprintf(os.Stderr, "  %s: %s\n", p.Name, p.Message)
		}
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "stagegate: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(os.Stderr, "stagegate: %v\n", err)
	return exitFailed
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stagegate",
		Short: "Release pipelines as a GitHub App you host yourself",
		Long: `Stagegate runs release pipelines as a GitHub App that you host yourself: stages,
locks and approvals, for people who work in pull requests.

To begin, write .github/pipelines/release.yaml, look at it with validate and plan,
and run it on your machine with run; demo shows the rest without an account.`,
		Version:                    version,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		Args:                       known,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())}
	})
	cmd.AddGroup(&cobra.Group{ID: "tree", Title: "On your machine:"}, &cobra.Group{ID: "app", Title: "On a server:"},
		&cobra.Group{ID: "ask", Title: "Of a server that runs:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID, c.Args = group, counted(c.Args)
			cmd.AddCommand(c)
		}
	}
	add("tree", initCommand(), validateCommand(), planCommand(), runCommand(), schemaCommand(), demoCommand())
	add("app", serveCommand(), runnerCommand(), doctorCommand(), auditCommand())
	add("ask", loginCommand(), logoutCommand(), pipelinesCommand(), executionsCommand(), executionCommand(), logsCommand(), artifactsCommand(),
		startCommand(), decideCommand(true), decideCommand(false), retryCommand(), overrideCommand(), rollbackCommand(), stopCommand(), transitionCommand(), secretCommand())
	add("", &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	})
	return cmd
}

// known refuses a command that does not exist: what a script misspells must not
// succeed.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see stagegate --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{fmt.Errorf("there is no command %q: %s", args[0], hint)}
}

// counted puts in words that a command got more arguments than it takes.
func counted(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		err := check(cmd, args)
		if usage := (usageError{}); err == nil || errors.As(err, &usage) {
			return err
		}
		return usageError{fmt.Errorf("too many arguments: %s: see %s --help", strings.Join(args, " "), cmd.CommandPath())}
	}
}
