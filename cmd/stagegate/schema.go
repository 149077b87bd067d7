package main

import (
	"io"

	"github.com/spf13/cobra"

	schema "github.com/stagegate/stagegate/pipelines-schema"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of pipeline files, for editors",
		Long: `Print the JSON Schema of pipeline files. An editor with a YAML language server
completes keys and marks mistakes with it. Keep it beside the files to need no
network:

  stagegate schema > .github/pipeline.schema.json

and begin each pipeline file with

  # yaml-language-server: $schema=../pipeline.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), schema.JSONSchema())
			return err
		},
	}
}
