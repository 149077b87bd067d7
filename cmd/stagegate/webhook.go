package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/local/show"
)

func pipelinesWebhookCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "webhook OWNER/REPOSITORY PIPELINE",
		Short: "Show where a pipeline is called, and the secret for it",
		Long: `Show the address to which others post to start a pipeline, and the secret that signs
what they post. The pipeline must have webhook under on, in its file on the default
branch. The secret is the same at each time: it follows from the file webhook-key
of the server's data folder.`,
		Args:              counted(cobra.ExactArgs(2)),
		ValidArgsFunction: either(),
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		hook, err := r.Webhook(cmd.Context(), args[0], args[1])
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), hook)
		}
		return webhookText(cmd.OutOrStdout(), hook)
	})
}

func webhookText(w io.Writer, hook api.Webhook) error {
	text := fmt.Sprintf("URL     %s\nsecret  %s\n", show.Clean(hook.URL), show.Clean(hook.Secret))
	if hook.Filter != "" {
		text += fmt.Sprintf("filter  %s\n", show.Clean(hook.Filter))
	}
	_, err := io.WriteString(w, text)
	return err
}
