package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

func overrideCommand() *cobra.Command {
	var (
		r    remote
		over api.Override
	)
	cmd := &cobra.Command{
		Use:   "override EXECUTION [STAGE]",
		Short: "Let a stage go on that its rules keep back",
		Long: `Let a stage go on that its rules, before entry or on success, keep back or have
failed, or whose commit is older than what is deployed; without STAGE, the one of which
that is so. An approval, a way that is closed and an action that failed are not
overridden. Who did it, and the reason, stand with the execution and in the audit log.`,
		Example:           `  stagegate override release/41 production --reason 'hotfix, agreed with Ann'`,
		Args:              named(1),
		ValidArgsFunction: r.complete(keptBack),
	}
	cmd.Flags().StringVar(&over.Reason, "reason", "", "`TEXT` that is shown with the execution (required)")
	completeFlag(cmd, "reason", either())
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		id, err := r.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if len(args) > 1 {
			over.Stage = args[1]
		}
		x, err := r.Override(cmd.Context(), id, over)
		return r.after(cmd, x, err)
	})
}

// keptBack lists the stages that rules may keep back or have failed.
func keptBack(x api.Execution) []string {
	byRules := func(w api.Wait) bool { return w.Kind == string(explain.Condition) || w.Kind == string(explain.Commit) }
	var names []string
	for _, st := range x.Stages {
		if st.Status == string(pipeline.Failed) || slices.ContainsFunc(st.WaitsFor, byRules) {
			names = append(names, st.Name)
		}
	}
	return names
}
