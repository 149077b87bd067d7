package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/audit"
)

func auditVerifyCommand() *cobra.Command {
	var (
		kept string
		json bool
	)
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Prove that nothing in the audit log was changed",
		Long: `Prove that nothing in the audit log was changed, without a server: go through it from
its first row, and name the first that was changed, removed, inserted or moved.

FILE is a database, an export, or - for an export on standard input; without it, it
is the database of STAGEGATE_DATABASE_URL, or of the data folder (STAGEGATE_DATA).
A server may run on it.

The answer ends in the head of the log. Rows that are missing at the end, and a log
that was made anew, show only to whoever gives a head that an earlier run has
printed: keep it where nobody who can write to the database can.

The exit code is 1 if the log is broken, and 2 if the command is wrong.`,
		Example: `  stagegate audit verify
  stagegate audit verify --head 1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  stagegate audit verify --json audit.jsonl`,
		Args: counted(cobra.MaximumNArgs(1)),
	}
	cmd.Flags().StringVar(&kept, "head", "", "the log must hold `HEAD`, as an earlier run printed it: NUMBER:HASH")
	cmd.Flags().BoolVar(&json, "json", false, "write it for machines")
	completeFlag(cmd, "head", either())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var head audit.Head
		if kept != "" {
			var err error
			if head, err = audit.ParseHead(kept); err != nil {
				return usageError{fmt.Errorf("--head %w", err)}
			}
		}
		name, err := auditFile(args)
		if err != nil {
			return err
		}
		v := audit.NewVerifier(head)
		if err = readAudit(cmd.Context(), name, cmd.InOrStdin(), v.Next); err == nil {
			head, err = v.End()
		}
		return verified(cmd, name, head, err, json)
	}
	return cmd
}

// auditFile is the file that is meant.
func auditFile(args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	s, err := config.LoadDatabase(os.Environ())
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(s.SQLitePath()); errors.Is(err, fs.ErrNotExist) {
		return "", usageError{fmt.Errorf("there is no database %s: name the file, or set STAGEGATE_DATA to the data folder", s.SQLitePath())}
	}
	return s.SQLitePath(), nil
}

// sqliteBegins is how every file of SQLite begins.
const sqliteBegins = "SQLite format 3\x00"

// readAudit hands out the rows of a database or of an export.
func readAudit(ctx context.Context, name string, in io.Reader, each func(audit.Row) error) error {
	if name == "-" {
		return audit.Read(in, each)
	}
	f, err := os.Open(name)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<16)
	if begins, _ := lines.Peek(len(sqliteBegins)); string(begins) == sqliteBegins { // one that is shorter is no database
		return sqlite.ReadAudit(ctx, name, each)
	}
	return audit.Read(lines, each)
}

// verified says how it ended.
func verified(cmd *cobra.Command, name string, head audit.Head, err error, json bool) error {
	var broken audit.Broken
	switch {
	case !json && err == nil:
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "The audit log of %s holds: %d rows.\nhead: %s\n", name, head.Number, head)
		return err
	case !json || err != nil && !errors.As(err, &broken):
		return err
	}
	result := struct {
		Holds  bool   `json:"holds"`
		Rows   int64  `json:"rows,omitempty"`
		Head   string `json:"head,omitempty"`
		Broken int64  `json:"broken,omitempty"` // the first row that does not hold
		Why    string `json:"why,omitempty"`
	}{Holds: err == nil, Rows: head.Number, Broken: broken.Number, Why: broken.Why}
	if result.Holds {
		result.Head = head.String()
	}
	if failed := encode(cmd.OutOrStdout(), result); failed != nil || err == nil {
		return failed
	}
	return errShown
}
