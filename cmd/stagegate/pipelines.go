package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/local/show"
)

func pipelinesCommand() *cobra.Command {
	var (
		r          remote
		repository string
	)
	cmd := &cobra.Command{
		Use:   "pipelines",
		Short: "List pipelines with their newest executions",
		Long:  `List the pipelines that have had an execution, each with the newest.`,
		Args:  cobra.NoArgs,
	}
	cmd.Flags().StringVar(&repository, "repository", "", "only those of `OWNER/REPOSITORY`")
	completeFlag(cmd, "repository", either())
	cmd.AddCommand(pipelinesWebhookCommand())
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		page, err := r.Pipelines(cmd.Context(), repository)
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), page)
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PIPELINE\tNEWEST\tSTATUS\tLANE")
		for _, p := range page.Items {
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", show.Clean(p.Repository+"/"+p.Name), p.Newest.Number, statusWords(p.Newest.Status), show.Clean(p.Newest.Lane))
		}
		return table.Flush()
	})
}
