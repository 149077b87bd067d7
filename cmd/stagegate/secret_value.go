package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/app/api"
)

// mostRead is more than a secret may have: the server says how much that is.
const mostRead = 64 << 10

// secretValue reads the value from the standard input, or asks for it.
func secretValue(cmd *cobra.Command, s api.SetSecret) ([]byte, error) {
	if in, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		return askSecret(cmd, in, s)
	}
	value, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), mostRead+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the value from the standard input: %w", err)
	case len(value) > mostRead:
		return nil, usageError{fmt.Errorf("the value has more than %d bytes: keep a large one in a file that a secret decrypts", mostRead)}
	}
	value = withoutNewline(value)
	if len(value) == 0 {
		return nil, usageError{fmt.Errorf("the standard input is empty, and the value is read from there: printf %%s \"$VALUE\" | %s …", cmd.CommandPath())}
	}
	return value, nil
}

// withoutNewline drops the newline that ends a value of one line, which echo and
// editors add. A text of several lines, such as a key, may need the one at its end,
// and binary data is what it is.
func withoutNewline(value []byte) []byte {
	line, ends := bytes.CutSuffix(value, []byte("\n"))
	if !ends || bytes.ContainsAny(line, "\n\x00") || !utf8.Valid(line) {
		return value
	}
	return bytes.TrimSuffix(line, []byte("\r"))
}

// askSecret asks on the terminal, without showing what is typed.
func askSecret(cmd *cobra.Command, in *os.File, s api.SetSecret) ([]byte, error) {
	what := s.Name
	if s.Registry != "" {
		what = "password of " + s.Username + " at " + s.Registry
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s (is not shown): ", what)
	value, err := readHidden(cmd.Context(), int(in.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return nil, fmt.Errorf("read the value from the terminal: %w", err)
	}
	if len(value) == 0 {
		return nil, usageError{errors.New("the value is empty: nothing was set")}
	}
	return value, nil
}

// readHidden reads a line that is not shown. Whoever interrupts it finds the terminal
// as it was; the reader left behind ends with the process.
func readHidden(ctx context.Context, fd int) ([]byte, error) {
	was, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, was))
	}
}
