package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
	"github.com/stagegate/stagegate/local/show"
)

func rollbackCommand() *cobra.Command {
	var (
		r    remote
		back api.Rollback
		key  string
	)
	cmd := &cobra.Command{
		Use:   "rollback PIPELINE STAGE",
		Short: "Deploy again what a stage had before",
		Long: `Deploy again what a stage had before what it has now, or with --to what an execution
made of it: in a new execution of this stage only, with the scripts, variables and
artifacts of that one, behind the approvals and rules of the newest pipeline file of
the default branch. With --preview nothing is started, and what would be is said.`,
		Example: `  stagegate rollback release production --preview
  stagegate rollback release production --to 41 --reason 'checkout is slow'
  stagegate executions --pipeline release --succeeded-in production`,
		Args:              stageNamed,
		ValidArgsFunction: r.completeStage,
	}
	flags := cmd.Flags()
	flags.StringVar(&back.Repository, "repository", "", "`OWNER/REPOSITORY` of the pipeline (default the one that has such a pipeline)")
	flags.StringVar(&back.Lane, "lane", "", "of `LANE`: refs/heads/main, or pull/7 (default that of --to, else the default branch)")
	flags.IntVar(&back.Execution, "to", 0, "`NUMBER` of the execution to go back to (default what the stage had before)")
	flags.StringVar(&back.Reason, "reason", "", "`TEXT` that is shown with the execution")
	flags.BoolVar(&back.Preview, "preview", false, "say what would be done, and start nothing")
	flags.StringVar(&key, "key", "", "start once for this `KEY`")
	for _, name := range []string{"repository", "lane", "reason", "key"} {
		completeFlag(cmd, name, either())
	}
	completeFlag(cmd, "to", r.completeTarget)
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("to") && back.Execution < 1 {
			return usageError{fmt.Errorf("--to %d: write the number of an execution, 1 or more", back.Execution)}
		}
		way := api.Way{Repository: back.Repository}
		if err := r.way(cmd, &way, args); err != nil {
			return err
		}
		back.Repository, back.Pipeline, back.Stage = way.Repository, way.Pipeline, way.Stage
		plan, err := r.Rollback(cmd.Context(), back, key)
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), plan)
		}
		return planText(cmd.OutOrStdout(), plan)
	})
}

// completeTarget offers the executions that one can go back to.
func (r *remote) completeTarget(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completePatience)
	defer cancel()
	if r.connect() != nil || len(args) < 2 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	page, _ := r.Executions(ctx, api.Filter{Pipeline: args[0], Succeeded: args[1], Limit: 20}) // who completes a word is told of no error
	var offers []string
	for _, x := range page.Items {
		if x.Rollback == nil {
			offers = append(offers, strconv.Itoa(x.Number)+"\t"+shortCommit(x.Revision.Commit)+" "+show.Clean(subject(x)))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}

func subject(x api.Summary) string {
	line, _, _ := strings.Cut(x.Revision.Message, "\n")
	return line
}

// planText says what a rollback does.
func planText(w io.Writer, p api.RollbackPlan) error {
	first := "nothing was started"
	if p.Started != nil {
		first = headline(*p.Started)
	}
	lines := []string{first, fmt.Sprintf("stage %s goes back to %s", p.Stage, aboutExecution(p.Target))}
	if p.Now != nil {
		lines = append(lines, "it has now:      "+aboutExecution(*p.Now))
	}
	if p.Halfway != 0 {
		lines = append(lines, fmt.Sprintf("has failed since: execution %d", p.Halfway))
	}
	if p.Transition != nil {
		lines = append(lines, "waits for:       the way in, which is "+closedWords(*p.Transition))
	}
	var given, gates []string
	for _, art := range p.Artifacts {
		given = append(given, art.Name)
	}
	for _, rule := range p.Gates.Rules {
		gates = append(gates, "the rule "+rule)
	}
	for _, g := range p.Gates.Approvals {
		gates = append(gates, "the approval "+g.Name+" by "+g.Who)
	}
	lines = append(lines,
		"runs:            "+listed(p.Actions),
		"is given:        "+listed(given),
		fmt.Sprintf("passes:          %s (of the file at %s)", listed(gates), shortCommit(p.Gates.Commit)))
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, show.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// aboutExecution names an execution by its number and commit.
func aboutExecution(x api.Summary) string {
	return fmt.Sprintf("execution %d, %s of %s: %s", x.Number, shortCommit(x.Revision.Commit), x.Lane, subject(x))
}

// goesBack says what an execution goes back to.
func goesBack(x api.Execution) string {
	b := x.Rollback
	if b == nil {
		return ""
	}
	return explain.Rollback(pipeline.Execution{Actor: x.Actor, Definition: pipeline.Definition{Hash: x.Definition}, Rollback: &pipeline.Rollback{
		Number: b.Number, Stage: b.Stage, Automatic: b.Automatic, For: b.For, Reason: b.Reason, Gates: b.Gates, GatesAt: b.GatesAt,
	}})
}
