package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
)

func retryCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:               "retry EXECUTION [STAGE]",
		Short:             "Run the failed actions of a stage again",
		Long:              `Run the failed actions of a failed stage again, in the same execution.`,
		Example:           "  stagegate retry release/41 test",
		Args:              named(1),
		ValidArgsFunction: r.complete(failed),
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		id, err := r.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		var again api.Retry
		if len(args) > 1 {
			again.Stage = args[1]
		}
		x, err := r.Retry(cmd.Context(), id, again)
		return r.after(cmd, x, err)
	})
}

// failed lists the stages that can be run again.
func failed(x api.Execution) []string {
	var names []string
	for _, st := range x.Stages {
		if slices.Contains([]string{"failed", "timed_out"}, st.Status) {
			names = append(names, st.Name)
		}
	}
	return names
}
