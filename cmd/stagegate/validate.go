package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/local"
	"github.com/stagegate/stagegate/local/show"
)

func validateCommand() *cobra.Command {
	var v local.Validation
	format := string(show.Text)
	cmd := &cobra.Command{
		Use:   "validate [FILE…]",
		Short: "Look for mistakes in pipeline files",
		Long: `Look for mistakes in pipeline files, with the eyes of the App.

Without a FILE these are all of .github/pipelines in the working tree. A FILE may
be a folder, whose pipeline files are meant, or - for the standard input. Every
mistake is a line:

  file:line:column: message (hint)

The exit code is 0 if there is none, 1 if there are some, and 2 if a file could
not be read or the command is wrong.`,
		Example: `  stagegate validate
  stagegate validate release.yaml
  stagegate validate --format sarif > stagegate.sarif
  stagegate validate --stdin-name .github/pipelines/release.yaml - < draft.yaml`,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Names, v.Stdin = args, cmd.InOrStdin()
			return validate(cmd, v, show.Format(format))
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`FORMAT` of the mistakes: "+formats())
	cmd.Flags().StringVar(&v.StdinName, "stdin-name", "stdin", "`NAME` of the standard input in messages")
	completeFlag(cmd, "format", either(formatNames()...))
	return cmd
}

func validate(cmd *cobra.Command, v local.Validation, format show.Format) error {
	if !slices.Contains(show.Formats, format) {
		return usageError{fmt.Errorf("there is no format %q: choose %s", format, formats())}
	}
	var err error
	if v.Dir, err = os.Getwd(); err != nil {
		return fmt.Errorf("find the working tree: %w", err)
	}
	v.FromRoot = format == show.SARIF || format == show.GitHub
	found, err := interruptible(cmd.Context(), func() (local.Findings, error) { return local.Validate(v), nil })
	if err != nil {
		return err
	}
	if err := show.Diagnostics(cmd.OutOrStdout(), format, found, version); err != nil {
		return err
	}
	return conclude(cmd.ErrOrStderr(), found, format == show.Text)
}

// conclude says in words what no format has a place for, and makes the exit
// code.
func conclude(w io.Writer, found local.Findings, talk bool) error {
	switch {
	case len(found.Unread) > 0:
		for _, err := range found.Unread {
			fmt.Fprintf(w, "stagegate: %v\n", err)
		}
		return usageError{errShown}
	case len(found.Mistakes) > 0:
		return errShown
	case talk && found.Files == 1:
		fmt.Fprintln(w, "1 pipeline file is valid")
	case talk:
		fmt.Fprintf(w, "%d pipeline files are valid\n", found.Files)
	}
	return nil
}

// interruptible gives up waiting for what cannot be stopped, such as reading a
// pipe nobody writes to. The process is about to end then.
func interruptible[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		made T
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		made, err := work()
		done <- outcome{made, err}
	}()
	select {
	case o := <-done:
		return o.made, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func formats() string {
	names := formatNames()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func formatNames() []string {
	names := make([]string, len(show.Formats))
	for i, f := range show.Formats {
		names[i] = string(f)
	}
	return names
}
