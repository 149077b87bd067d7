// Command stagegate is the whole of Stagegate in one binary: it joins the
// packages and does nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
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
		Use:           "stagegate",
		Short:         "Release pipelines as a GitHub App you host yourself",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(serveCommand(), runCommand(), planCommand(), validateCommand(), schemaCommand(), demoCommand(), &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	})
	return cmd
}
