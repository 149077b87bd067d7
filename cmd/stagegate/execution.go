package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/local/show"
)

func executionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "execution",
		Short: "Show one execution, its logs or its artifacts",
		Args:  known,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, c := range []*cobra.Command{showCommand(), logsCommand(), artifactsCommand()} {
		cmd.AddCommand(c)
	}
	return cmd
}

func showCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "show EXECUTION",
		Short: "Show an execution: its stages and actions",
		Long:  `Show an execution: its stages and actions, and what they wait for.`,
		Example: `  stagegate execution show release/41
  stagegate execution show 123 --json | jq '.stages[].status'`,
		Args:              named(0),
		ValidArgsFunction: r.complete(nil),
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		x, err := r.execution(cmd, args[0])
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), x)
		}
		return executionText(cmd.OutOrStdout(), x)
	})
}

// execution reads the execution that a text names.
func (r *remote) execution(cmd *cobra.Command, name string) (api.Execution, error) {
	id, err := r.find(cmd.Context(), name)
	if err != nil {
		return api.Execution{}, err
	}
	return r.Execution(cmd.Context(), id)
}

// cause is what started an execution, and who stands behind it, if anybody.
func cause(x api.Summary) string {
	switch {
	case x.Rollback != nil && x.Rollback.Automatic:
		return fmt.Sprintf("%s after execution %d", x.Trigger, x.Rollback.For)
	case x.Upstream != nil:
		return fmt.Sprintf("after %s %d", x.Upstream.Pipeline, x.Upstream.Number)
	case x.Actor != "":
		return x.Trigger + " by " + x.Actor
	}
	return x.Trigger
}

func executionText(w io.Writer, x api.Execution) error {
	message, _, _ := strings.Cut(x.Revision.Message, "\n")
	fmt.Fprintln(w, headline(x.Summary))
	fmt.Fprintln(w, show.Clean(fmt.Sprintf("%s on %s, %s: %s", shortCommit(x.Revision.Commit), x.Lane, cause(x.Summary), message)))
	if text := goesBack(x); text != "" {
		fmt.Fprintln(w, show.Clean(text))
	}
	fmt.Fprintln(w, show.Clean(x.URL))
	for _, p := range x.Problems {
		fmt.Fprintln(w, show.Clean(fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, st := range x.Stages {
		fmt.Fprintf(table, "%s\t%s\t%s\n", show.Clean(st.Name), stands(st.Status, st.Reason), took(st.StartedAt, st.EndedAt))
		if t := st.Transition; t != nil {
			fmt.Fprintf(table, "  way in\t%s\t\n", show.Clean(closedWords(*t)))
		}
		for _, w := range st.WaitsFor {
			fmt.Fprintf(table, "  waits for\t%s\n", waits(w))
		}
		rulesText(table, st.Conditions, st.Overrides)
		for _, p := range st.Past {
			fmt.Fprintf(table, "  (attempt %d)\t%s\t%s\n", p.Attempt, stands(p.Status, endings(p)), took(p.StartedAt, p.EndedAt))
			rulesText(table, p.Conditions, p.Overrides)
		}
		for _, a := range st.Actions {
			name := show.Clean(a.Title)
			if a.Role != "" {
				name += " (" + a.Role + ")"
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\n", name, stands(a.Status, a.Reason), took(a.StartedAt, a.EndedAt))
		}
	}
	return table.Flush()
}

// rulesText says what the rules of a stage came to, and who overrode them.
func rulesText(w io.Writer, conditions []api.Check, overrides []api.Overridden) {
	for _, c := range conditions {
		for _, f := range c.Findings {
			text := "holds"
			if !f.Holds {
				text = "does not hold (otherwise " + f.Otherwise + ")"
			}
			if f.Evidence != "" {
				text += ": " + f.Evidence
			}
			fmt.Fprintf(w, "  %s\t%s\t\n", c.Point, show.Clean(f.Rule+" "+text))
		}
	}
	for _, o := range overrides {
		fmt.Fprintf(w, "  overridden\t%s\t\n", show.Clean(o.Point+" by "+o.Actor+" at "+o.At.UTC().Format("2006-01-02 15:04 UTC")+": "+o.Reason))
	}
}

// endings says how the actions of an earlier attempt ended.
func endings(p api.PastStage) string {
	if p.Reason != "" {
		return p.Reason
	}
	var ends []string
	for _, a := range p.Actions {
		ends = append(ends, a.Title+" "+statusWords(a.Status))
	}
	return strings.Join(ends, ", ")
}

// waits says what a stage waits for, since when, and what happens then.
func waits(w api.Wait) string {
	text := w.Text
	if !w.Since.IsZero() {
		text += ", since " + w.Since.UTC().Format("2006-01-02 15:04 UTC")
	}
	if w.Next != "" {
		text += "; then " + w.Next
	}
	return show.Clean(text)
}

func stands(status, reason string) string {
	if reason != "" {
		return statusWords(status) + ": " + show.Clean(reason)
	}
	return statusWords(status)
}

func took(start, end time.Time) string {
	if start.IsZero() || end.IsZero() {
		return ""
	}
	return human.Duration(end.Sub(start))
}
