package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/local/show"
)

func artifactsCommand() *cobra.Command {
	var (
		r      remote
		output string
	)
	cmd := &cobra.Command{
		Use:   "artifacts EXECUTION [NAME]",
		Short: "List the artifacts of an execution, or download one",
		Long: `List the artifacts of an execution, or download the one that is named, as a tar. Its
digest is checked.`,
		Example: `  stagegate artifacts release/41
  stagegate artifacts release/41 shop | tar -x`,
		Args:              named(1),
		ValidArgsFunction: r.complete(artifactNames),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the tar to `FILE` (default the standard output)")
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		x, err := r.execution(cmd, args[0])
		switch {
		case err != nil:
			return err
		case len(args) > 1:
			return r.download(cmd, x, args[1], output)
		case output != "":
			return usageError{errors.New("--output is for one artifact: name it")}
		case r.json:
			return encode(cmd.OutOrStdout(), map[string]any{"items": x.Artifacts})
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tSIZE\tDIGEST")
		for _, a := range x.Artifacts {
			fmt.Fprintf(table, "%s\t%s\t%s\n", show.Clean(a.Name), human.Size(a.Size), a.Digest)
		}
		return table.Flush()
	})
}

func artifactNames(x api.Execution) []string {
	var names []string
	for _, a := range x.Artifacts {
		names = append(names, a.Name)
	}
	return names
}

func (r *remote) download(cmd *cobra.Command, x api.Execution, name, output string) error {
	if output == "" && term.IsTerminal(int(os.Stdout.Fd())) {
		return usageError{errors.New("a tar is not for a terminal: give --output FILE, or a pipe")}
	}
	tar, err := r.Artifact(cmd.Context(), x.ID, name)
	if err != nil {
		return err
	}
	defer tar.Close()
	want := ""
	if i := slices.Index(artifactNames(x), name); i >= 0 {
		want = x.Artifacts[i].Digest
	}
	if output == "" {
		return copyChecked(cmd.OutOrStdout(), tar, want)
	}
	return writeWhole(output, func(w io.Writer) error { return copyChecked(w, tar, want) })
}

func copyChecked(to io.Writer, tar io.Reader, digest string) error {
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), tar); err != nil {
		return fmt.Errorf("download the artifact: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return errors.New("the artifact came damaged: its digest is another")
	}
	return nil
}

// writeWhole makes a file whole or not at all.
func writeWhole(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".stagegate-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	err = write(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
