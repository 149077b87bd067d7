package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/config"
)

func loginCommand() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Keep an access token of yours for a server",
		Long: `Read an access token, which you make on the page /tokens of the server's dashboard,
from standard input; see that the server takes it, and keep it for the commands that
ask this server, in a file that only you can read.`,
		Example: "  stagegate login --server https://ci.example.com",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := config.LoadClient(os.Environ(), server)
			if err != nil {
				return err
			}
			return login(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), s.PublicURL)
		},
	}
	cmd.Flags().StringVar(&server, "server", "", "`URL` of the server [STAGEGATE_PUBLIC_URL]")
	completeFlag(cmd, "server", either())
	return cmd
}

func logoutCommand() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Forget the access token of yours for a server",
		Long: `Remove the token that login has kept for a server from this machine. It stays good
until it expires, or is revoked on the page /tokens of the server's dashboard.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := config.LoadClient(os.Environ(), server)
			if err != nil {
				return err
			}
			return keepToken(s.PublicURL, "")
		},
	}
	cmd.Flags().StringVar(&server, "server", "", "`URL` of the server [STAGEGATE_PUBLIC_URL]")
	completeFlag(cmd, "server", either())
	return cmd
}

// login reads a token, tries it and keeps it.
func login(ctx context.Context, in io.Reader, says io.Writer, server string) error {
	if !private(server) {
		return usageError{fmt.Errorf("%s is http, so that others could read the token: give its https address", server)}
	}
	token, err := readSecretLine(in, says, "Token (of "+server+"/tokens): ")
	if err != nil {
		return err
	}
	if token == "" {
		return usageError{errors.New("there is no token: make one at " + server + "/tokens and give it on standard input")}
	}
	var no *api.Refusal
	if _, err = (api.Client{URL: server, Token: token}).Pipelines(ctx, ""); errors.As(err, &no) {
		return errors.New(no.Message)
	} else if err != nil {
		return err
	}
	if err := keepToken(server, token); err != nil {
		return err
	}
	_, err = fmt.Fprintf(says, "The token for %s is kept.\n", server)
	return err
}

// private tells whether nobody on the way can read what is sent.
func private(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// readSecretLine reads a line, unseen where a person types it.
func readSecretLine(in io.Reader, says io.Writer, prompt string) (string, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(says, prompt)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(says)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 1000)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// tokensFile is where tokens are kept, by the address of their server.
func tokensFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find your folder of settings: %w", err)
	}
	return filepath.Join(dir, "stagegate", "tokens.json"), nil
}

// keptTokens reads the file; there need be none. One that others may read is refused.
func keptTokens(file string) (map[string]string, error) {
	kept := map[string]string{}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tokens that are kept: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read %s: run chmod 600 on it, and revoke the tokens if somebody could have", file)
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		return nil, fmt.Errorf("read the tokens that are kept in %s: %w", file, err)
	}
	return kept, nil
}

// keptToken is the token that login has kept for a server, or empty.
func keptToken(server string) (string, error) {
	file, err := tokensFile()
	if err != nil {
		return "", nil //nolint:nilerr // who has no such folder has kept nothing there
	}
	kept, err := keptTokens(file)
	return kept[server], err
}

// keepToken keeps a token for a server; an empty one is forgotten.
func keepToken(server, token string) error {
	file, err := tokensFile()
	if err != nil {
		return err
	}
	kept, err := keptTokens(file)
	if err != nil {
		return err
	}
	if kept[server] = token; token == "" {
		delete(kept, server)
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return fmt.Errorf("write the tokens: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make the folder of tokens: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".tokens-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the tokens: %w", err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write the tokens: %w", err)
	}
	return nil
}
