package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local/show"
)

func executionsCommand() *cobra.Command {
	var (
		r      remote
		f      api.Filter
		status string
	)
	cmd := &cobra.Command{
		Use:   "executions",
		Short: "List executions, newest first",
		Long:  `List executions, newest first.`,
		Example: `  stagegate executions --pipeline release --status in_progress
  stagegate executions --commit 3f2c1ab --json | jq -r '.items[].id'`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Repository, "repository", "", "only those of `OWNER/REPOSITORY`")
	flags.StringVar(&f.Pipeline, "pipeline", "", "only those of `PIPELINE`")
	flags.StringVar(&f.Lane, "lane", "", "only those of `LANE`: refs/heads/main, or pull/7")
	flags.StringVar(&f.Commit, "commit", "", "only those of the commit `SHA`, or whose SHA begins with it")
	flags.StringVar(&status, "status", "", "only those that are `STATUS`")
	flags.StringVar(&f.Succeeded, "succeeded-in", "", "only those that have succeeded in `STAGE`")
	flags.IntVar(&f.Limit, "limit", 20, "list `N` of them")
	completeFlag(cmd, "status", either(executionStatuses()...))
	for _, name := range []string{"repository", "pipeline", "lane", "commit", "succeeded-in", "limit"} {
		completeFlag(cmd, name, either())
	}
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		f.Status = pipeline.Status(status)
		return r.list(cmd, f)
	})
}

func executionStatuses() []string {
	var words []string
	for _, s := range pipeline.Statuses(pipeline.OfExecution) {
		if s != "" {
			words = append(words, string(s))
		}
	}
	return words
}

// mostPerPage is what one request for a list gets at most.
const mostPerPage = 200

// list shows so many executions as the filter's limit says.
func (r *remote) list(cmd *cobra.Command, f api.Filter) error {
	if f.Limit < 1 {
		return usageError{fmt.Errorf("--limit %d: write 1 or more", f.Limit)}
	}
	all := api.Page[api.Summary]{Items: []api.Summary{}}
	for want := f.Limit; len(all.Items) < want; {
		f.Limit = min(want-len(all.Items), mostPerPage)
		page, err := r.Executions(cmd.Context(), f)
		if err != nil {
			return err
		}
		all.Items, all.Next = append(all.Items, page.Items...), page.Next
		if f.Before = page.Next; f.Before == "" {
			break
		}
	}
	if r.json {
		return encode(cmd.OutOrStdout(), all)
	}
	return executionTable(cmd.OutOrStdout(), all.Items)
}

func executionTable(w io.Writer, list []api.Summary) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tEXECUTION\tSTATUS\tCOMMIT\tLANE\tBEGAN")
	for _, x := range list {
		began := ""
		if !x.CreatedAt.IsZero() {
			began = x.CreatedAt.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, show.Clean(fmt.Sprintf("%s/%s/%d", x.Repository, x.Pipeline, x.Number)),
			statusWords(x.Status), shortCommit(x.Revision.Commit), show.Clean(x.Lane), began)
	}
	return table.Flush()
}
