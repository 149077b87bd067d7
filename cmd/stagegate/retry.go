package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
)

func retryCommand() *cobra.Command {
	var (
		r     remote
		again api.Retry
	)
	cmd := &cobra.Command{
		Use:   "retry EXECUTION [STAGE]",
		Short: "Run a failed or stopped stage again",
		Long: `Run a failed or stopped stage again, in the same execution: the actions that did not
succeed, or with --all all of them, approvals included.`,
		Example: `  stagegate retry release/41 test
  stagegate retry release/41 --all`,
		Args:              named(1),
		ValidArgsFunction: r.complete(failed),
	}
	cmd.Flags().BoolVar(&again.All, "all", false, "also what succeeded")
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		id, err := r.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
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
		if slices.Contains([]string{"failed", "timed_out", "stopped"}, st.Status) {
			names = append(names, st.Name)
		}
	}
	return names
}
