package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/audit"
	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/local/show"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show, export or prove the log of everything that was decided",
		Long: `Show, export or prove the audit log: who decided what, when, and by which door. Each
row holds the hash of the one before it, so that verify can tell whether any was
changed, removed, inserted or moved.`,
		Args: known,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(auditShowCommand(), auditExportCommand(), auditVerifyCommand())
	return cmd
}

// auditFilter is what --execution and the like choose.
type auditFilter struct {
	query            api.AuditQuery
	execution, since string
}

func (f *auditFilter) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.execution, "execution", "", "only rows about `EXECUTION`")
	flags.StringVar(&f.query.Repository, "repository", "", "only rows about `OWNER/REPOSITORY`")
	flags.StringVar(&f.query.Actor, "actor", "", "only what the person `LOGIN` did")
	flags.StringVar(&f.query.Kind, "kind", "", "only rows of `KIND`, such as decided, override or refused")
	flags.StringVar(&f.since, "since", "", "only rows from `WHEN` on: 2026-12-01, 2026-12-01T09:00:00Z, or a span back such as 90m, 12h or 3d")
	for _, name := range []string{"execution", "repository", "actor", "kind", "since"} {
		completeFlag(cmd, name, either())
	}
}

// read turns the texts of flags into what the server is asked.
func (f *auditFilter) read(cmd *cobra.Command, r *remote) error {
	var err error
	if f.since != "" {
		if f.query.Since, err = sinceWhen(f.since, time.Now()); err != nil {
			return usageError{err}
		}
	}
	if f.execution != "" {
		f.query.Execution, err = r.find(cmd.Context(), f.execution)
	}
	return err
}

// sinceWhen reads a time, a day or a span back from now.
func sinceWhen(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		return now.Add(-span), nil
	}
	return time.Time{}, fmt.Errorf("--since %q is no time: write a day such as 2026-12-01, a time such as 2026-12-01T09:00:00Z, or a span back such as 90m, 12h or 3d", text)
}

func auditShowCommand() *cobra.Command {
	var (
		r     remote
		f     auditFilter
		limit int
	)
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List rows of the audit log, newest first",
		Long:  `List rows of the audit log, newest first.`,
		Example: `  stagegate audit show --execution release/41
  stagegate audit show --kind refused --since 3d
  stagegate audit show --json | jq -r '.items[].event | fromjson'`,
		Args: counted(cobra.NoArgs),
	}
	f.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, "list `N` of them")
	completeFlag(cmd, "limit", either())
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		if limit < 1 {
			return usageError{fmt.Errorf("--limit %d: write 1 or more", limit)}
		}
		if err := f.read(cmd, &r); err != nil {
			return err
		}
		all := api.AuditPage{Page: api.Page[audit.Row]{Items: []audit.Row{}}, Repositories: map[string]string{}}
		err := r.eachPage(cmd, f.query, limit, func(page api.AuditPage) error {
			all.Items, all.Next = append(all.Items, page.Items...), page.Next
			for id, name := range page.Repositories {
				all.Repositories[id] = name
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case r.json:
			return encode(cmd.OutOrStdout(), all)
		}
		return auditTable(cmd.OutOrStdout(), all)
	})
}

// eachPage asks for so many rows, page by page; for all where limit is zero.
func (r *remote) eachPage(cmd *cobra.Command, q api.AuditQuery, limit int, do func(api.AuditPage) error) error {
	for left := limit; limit == 0 || left > 0; {
		q.Limit = mostPerPage
		if limit != 0 {
			q.Limit = min(left, mostPerPage)
		}
		page, err := r.Audit(cmd.Context(), q)
		if err == nil {
			err = do(page)
		}
		if err != nil || page.Next == "" {
			return err
		}
		left -= len(page.Items)
		last := page.Items[len(page.Items)-1].Number
		if q.Oldest {
			q.After = last
		} else {
			q.Before = last
		}
	}
	return nil
}

func auditTable(w io.Writer, page api.AuditPage) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROW\tTIME\tKIND\tBY\tDOOR\tREPOSITORY\tEXECUTION\tWHAT")
	for _, r := range page.Items {
		at, repository := "", ""
		if !r.At.IsZero() {
			at = r.At.Local().Format("2006-01-02 15:04:05")
		}
		if r.Repository != 0 {
			repository = page.Repositories[strconv.FormatInt(r.Repository, 10)]
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Number, at, show.Clean(r.Kind), show.Clean(r.Actor), show.Clean(r.Door),
			show.Clean(repository), show.Clean(r.Execution), show.Clean(what(r.Event)))
	}
	return table.Flush()
}

// mostWhat is how much of an event stands in a table, in characters.
const mostWhat = 120

// what is an event in a few words: what it says beside its time.
func what(event string) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(event), &fields) != nil {
		return human.Cut(event, mostWhat)
	}
	delete(fields, "At")
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(fields) != nil || len(fields) == 0 {
		return ""
	}
	return human.Cut(strings.TrimSpace(b.String()), mostWhat)
}

func auditExportCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit log as lines of JSON, oldest first",
		Long: `Write the whole audit log as lines of JSON, oldest first. Each line is a row as it is
stored: verify takes the file, unchanged, and proves it.`,
		Example: `  stagegate audit export > audit.jsonl && stagegate audit verify audit.jsonl`,
		Args:    counted(cobra.NoArgs),
	}
	r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		return r.eachPage(cmd, api.AuditQuery{Oldest: true}, 0, func(page api.AuditPage) error {
			for _, row := range page.Items {
				if err := audit.Write(cmd.OutOrStdout(), row); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return cmd
}
