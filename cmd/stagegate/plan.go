package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
	"github.com/stagegate/stagegate/local/show"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

func planCommand() *cobra.Command {
	var (
		p         local.Planning
		event     string
		variables []string
		json      bool
	)
	cmd := &cobra.Command{
		Use:   "plan [PIPELINE]",
		Short: "Show what an event would start, and why or why not",
		Long: `Show what an event would start, and why or why not, of the pipeline files as they
are in the working tree. Nothing runs, and nothing but Git is asked.

Without flags the event is a push of the branch that is checked out. The numbers
before the actions of a stage are the waves in which they start: those of a wave
wait only for earlier ones. What is known only when the pipeline runs stays as it is
written.

The exit code is 0, or 2 if a file has mistakes or the command is wrong.`,
		Example: `  stagegate plan
  stagegate plan release --branch main
  stagegate plan --event pull_request --base main
  stagegate plan --changed docs/index.md --changed src/main.go
  stagegate plan --json | jq -r '.pipelines[] | select(.starts) | .name'`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completePipeline,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				p.Pipeline = args[0]
			}
			var err error
			if p.Variables, err = assignments(variables); err != nil {
				return err
			}
			p.Event = pipeline.Trigger(event)
			return plan(cmd, p, json)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&event, "event", "", "`EVENT` to think of: push, pull_request, merge_group, schedule, pipeline or webhook (default push, with --base pull_request)")
	flags.StringVar(&p.Branch, "branch", "", "`BRANCH` that is pushed, or that the pull request is of (default the one checked out)")
	flags.StringVar(&p.Tag, "tag", "", "`TAG` that is pushed, in place of a branch")
	flags.StringVar(&p.Ref, "ref", "", "`REF` that is pushed: refs/heads/BRANCH or refs/tags/TAG")
	flags.StringVar(&p.Base, "base", "", "`BRANCH` that the pull request or merge group is to go into (default that of origin)")
	flags.StringVar(&p.Type, "type", "", "`TYPE` of what happened to the pull request, such as closed (default synchronize)")
	flags.StringVar(&p.Upstream, "upstream", "", "`PIPELINE` that succeeded, or PIPELINE/STAGE, of the event pipeline (default any)")
	flags.StringArrayVar(&p.Changed, "changed", nil, "`FILE` that the event changes, from the root of the repository (repeatable)")
	flags.StringArrayVar(&variables, "var", nil, "give a variable of the pipeline another value: `NAME=VALUE` (repeatable)")
	flags.BoolVar(&json, "json", false, "write it for machines")
	completeFlag(cmd, "event", either(eventNames()...))
	completeFlag(cmd, "type", either(schema.PullRequestTypes...))
	completeFlag(cmd, "var", offer(variablesOf, cobra.ShellCompDirectiveNoSpace))
	for _, name := range []string{"branch", "tag", "ref", "base", "upstream"} {
		completeFlag(cmd, name, either())
	}
	return cmd
}

func eventNames() []string {
	var names []string
	for _, e := range local.Events {
		names = append(names, string(e))
	}
	return names
}

func plan(cmd *cobra.Command, p local.Planning, json bool) error {
	var err error
	if p.Dir, err = os.Getwd(); err != nil {
		return fmt.Errorf("find the working tree: %w", err)
	}
	made, err := interruptible(cmd.Context(), func() (local.Plan, error) { return local.MakePlan(cmd.Context(), p) })
	if usage := (local.Usage{}); errors.As(err, &usage) {
		return usageError{usage}
	}
	if err != nil {
		return err
	}
	if json {
		err = show.PlanJSON(cmd.OutOrStdout(), made)
	} else {
		err = show.Plan(cmd.OutOrStdout(), made, colours())
	}
	if err == nil && made.Mistaken() {
		return usageError{errShown}
	}
	return err
}

// colours tells whether the standard output is for eyes that want them.
func colours() bool {
	return term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
