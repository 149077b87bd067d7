package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local/show"
)

func transitionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "transition",
		Short: "List, disable or enable the ways into stages",
		Args:  known,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(transitionListCommand(), transitionDisableCommand(), transitionEnableCommand())
	return cmd
}

func transitionListCommand() *cobra.Command {
	var (
		r                remote
		repository, name string
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the ways into stages that are closed",
		Long:  `List the ways into stages that are closed, with who closed them, until when and why.`,
		Args:  counted(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&repository, "repository", "", "only those of `OWNER/REPOSITORY`")
	cmd.Flags().StringVar(&name, "pipeline", "", "only those of `PIPELINE`")
	for _, name := range []string{"repository", "pipeline"} {
		completeFlag(cmd, name, either())
	}
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		page, err := r.Transitions(cmd.Context(), repository, name)
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), page)
		}
		return transitionTable(cmd.OutOrStdout(), page.Items)
	})
}

func transitionTable(w io.Writer, list []api.Transition) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tLANE\tBY\tSINCE\tUNTIL\tREASON")
	for _, t := range list {
		lane, until := "all", "it is enabled"
		if t.Lane != "" {
			lane = t.Lane
		}
		if !t.Until.IsZero() {
			until = t.Until.Local().Format(dateTime)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", show.Clean(t.Repository+"/"+t.Pipeline+"/"+t.Stage), show.Clean(lane),
			show.Clean(t.Actor), t.At.Local().Format(dateTime), until, show.Clean(t.Reason))
	}
	return table.Flush()
}

// closedWords says who keeps a way closed, until when and why.
func closedWords(t api.Transition) string {
	return pipeline.Transition{Actor: t.Actor, Reason: t.Reason, At: t.At, Until: t.Until}.Words()
}

const dateTime = "2006-01-02 15:04 MST"

func transitionDisableCommand() *cobra.Command {
	var (
		r remote
		d api.Disable
	)
	cmd := &cobra.Command{
		Use:   "disable PIPELINE STAGE",
		Short: "Close the way into a stage",
		Long: `Close the way into a stage: nobody is let in until it is enabled, or until a time.
Who is inside goes on. A way that is closed already gets the new end and reason.

WHEN is a time such as 09:00, 'monday 09:00', 'tomorrow 09:00' or '2026-12-01 09:00',
with a time zone such as Europe/Paris behind it where it is not UTC; a span such as
90m, 2h or 3d; or RFC 3339. The answer says what was understood.`,
		Example: `  stagegate transition disable release production --reason 'stock-taking'
  stagegate transition disable release production --until 'monday 09:00 Europe/Paris' --reason 'the weekend'`,
		Args:              stageNamed,
		ValidArgsFunction: r.completeStage,
	}
	r.wayFlags(cmd, &d.Way)
	cmd.Flags().StringVar(&d.Reason, "reason", "", "`TEXT` that is shown with the stage (required)")
	cmd.Flags().StringVar(&d.Until, "until", "", "open it again by itself at `WHEN`")
	for _, name := range []string{"reason", "until"} {
		completeFlag(cmd, name, either())
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		if err := r.way(cmd, &d.Way, args); err != nil {
			return err
		}
		t, err := r.Disable(cmd.Context(), d)
		return r.turned(cmd, t, closedWords(t), err)
	})
}

func transitionEnableCommand() *cobra.Command {
	var (
		r remote
		w api.Way
	)
	cmd := &cobra.Command{
		Use:               "enable PIPELINE STAGE",
		Short:             "Open the way into a stage",
		Long:              `Open the way into a stage, and let in who waits there.`,
		Example:           `  stagegate transition enable release production`,
		Args:              stageNamed,
		ValidArgsFunction: r.completeStage,
	}
	r.wayFlags(cmd, &w)
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		if err := r.way(cmd, &w, args); err != nil {
			return err
		}
		t, err := r.Enable(cmd.Context(), w)
		return r.turned(cmd, t, "open", err)
	})
}

// wayFlags are those that choose a way further.
func (r *remote) wayFlags(cmd *cobra.Command, w *api.Way) {
	cmd.Flags().StringVar(&w.Repository, "repository", "", "`OWNER/REPOSITORY` of the pipeline (default the one that has such a pipeline)")
	cmd.Flags().StringVar(&w.Lane, "lane", "", "only for `LANE`: a branch, refs/tags/v1 or pull/7 (default all)")
	for _, name := range []string{"repository", "lane"} {
		completeFlag(cmd, name, either())
	}
}

// way reads the arguments that name a way.
func (r *remote) way(cmd *cobra.Command, w *api.Way, args []string) error {
	w.Pipeline, w.Stage = args[0], args[1]
	if w.Repository != "" {
		return nil
	}
	var err error
	w.Repository, err = r.repositoryOf(cmd.Context(), w.Pipeline)
	return err
}

// turned shows what has been disabled or enabled.
func (r *remote) turned(cmd *cobra.Command, t api.Transition, is string, err error) error {
	if err != nil {
		return err
	}
	if r.json {
		return encode(cmd.OutOrStdout(), t)
	}
	text := fmt.Sprintf("the way into %s/%s of %s", t.Pipeline, t.Stage, t.Repository)
	if t.Lane != "" {
		text += " for " + t.Lane
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), show.Clean(text+" is "+is))
	return err
}

// stageNamed asks for a pipeline and a stage of it.
func stageNamed(cmd *cobra.Command, args []string) error {
	if len(args) < 2 {
		return usageError{fmt.Errorf("the PIPELINE and the STAGE are not both there: see %s --help", cmd.CommandPath())}
	}
	return counted(cobra.MaximumNArgs(2))(cmd, args)
}

// completeStage offers the known pipelines, then the stages of one of them.
func (r *remote) completeStage(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return r.completeKnown(cmd, args, begun)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completePatience)
	defer cancel()
	if r.connect() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	page, _ := r.Executions(ctx, api.Filter{Pipeline: args[0], Limit: 20}) // who completes a word is told of no error
	whole := slices.IndexFunc(page.Items, func(x api.Summary) bool { return x.Rollback == nil })
	if whole >= 0 {
		x, _ := r.Execution(ctx, page.Items[whole].ID) // likewise
		for _, st := range x.Stages {
			names = append(names, st.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
