package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

//go:embed init/stagegate-approval.yml
var approvalWorkflow []byte

// approvalWorkflowPath is where the App looks for the workflow.
const approvalWorkflowPath = ".github/workflows/stagegate-approval.yml"

func initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write the workflow that has GitHub ask an environment's reviewers",
		Long: `Write .github/workflows/stagegate-approval.yml into the working tree FOLDER, by default
the current one: approvals with environment: NAME need it on the default branch, to have
GitHub ask the required reviewers of that environment. A file that is there is left as
it is.`,
		Example: `  stagegate init && git add .github/workflows/stagegate-approval.yml`,
		Args:    counted(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "."
			if len(args) == 1 {
				folder = args[0]
			}
			said, err := writeWorkflow(folder)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
	return cmd
}

// writeWorkflow writes the workflow below a folder, unless there is one, and says what
// it did. A link is not followed out of the folder.
func writeWorkflow(folder string) (said string, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", usageError{err}
	}
	defer root.Close()
	path := filepath.Join(folder, approvalWorkflowPath)
	if err := root.MkdirAll(filepath.Dir(approvalWorkflowPath), 0o755); err != nil {
		return "", err
	}
	f, err := root.OpenFile(approvalWorkflowPath, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return "There is a " + path + " already: it is left as it is.", nil
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(approvalWorkflow)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return "Wrote " + path + ": commit it to the default branch, and give the environments required reviewers in the repository's settings.", nil
}
