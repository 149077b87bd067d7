package main

import (
	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
)

func stopCommand() *cobra.Command {
	var (
		r    remote
		stop api.Stop
	)
	cmd := &cobra.Command{
		Use:   "stop EXECUTION",
		Short: "Stop an execution",
		Long: `Stop an execution: what runs finishes, and nothing else begins. With --abandon what
runs is killed, after its grace period; so it can be with one that stops already.`,
		Example: `  stagegate stop release/41 --reason 'wrong branch'
  stagegate stop release/41 --abandon`,
		Args:              named(0),
		ValidArgsFunction: r.complete(nil),
	}
	cmd.Flags().StringVar(&stop.Reason, "reason", "", "`TEXT` that is shown with the execution")
	cmd.Flags().BoolVar(&stop.Abandon, "abandon", false, "do not wait for what runs: kill it")
	completeFlag(cmd, "reason", either())
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		id, err := r.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		x, err := r.Stop(cmd.Context(), id, stop)
		return r.after(cmd, x, err)
	})
}
