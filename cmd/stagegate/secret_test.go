package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// give runs a command with something on its standard input.
func (p *process) give(input string, args ...string) said {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), binary, args...)
	var out, err bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.env, p.t.TempDir(), strings.NewReader(input), &out, &err
	_ = cmd.Run()
	return said{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

func TestSecretCommands(t *testing.T) {
	p := newProcess(t)
	p.start()
	for _, c := range []struct {
		args, input string
		code        int
		want        string // in the output or in the message
	}{
		{"TOKEN --repo octo/shop", "hunter2\n", 0, "secret TOKEN of octo/shop is set"},
		{"TOKEN --repository octo/shop --environment production --pipeline ci,cd --stage deploy", "hunter2", 0, "secret TOKEN of environment production of octo/shop is set"},
		{"NPM --org octo --repositories shop", "hunter2", 0, "secret NPM of organization octo is set"},
		{"--registry GHCR.io --username bot --repo octo/shop", "hunter2", 0, "login of registry ghcr.io of octo/shop is set"},
		{"TOKEN hunter2 --repo octo/shop", "", 2, "not taken as an argument"},
		{"TOKEN=hunter2 --repo octo/shop", "x", 2, "not taken as an argument"},
		{"--repo octo/shop", "hunter2", 2, "NAME is missing"},
		{"TOKEN", "hunter2", 2, "--repo OWNER/REPOSITORY or --org OWNER"},
		{"TOKEN --repo octo/shop --org octo", "hunter2", 2, "--repo OWNER/REPOSITORY or --org OWNER"},
		{"TOKEN --repo octo/shop", "", 2, "standard input is empty"},
		{"TOKEN --repo octo/shop", "\n", 2, "standard input is empty"},
		{"TOKEN --repo octo/shop", strings.Repeat("x", 49153), 1, "49153 bytes, and a secret at most 49152"},
		{"TOKEN --repo octo/shop", strings.Repeat("x", 100_000), 2, "more than 65536 bytes"},
		{"TOKEN --repo octo/shop --pipeline=", "hunter2", 2, "--pipeline is empty"},
		{"TOKEN --repo octo/nothing", "hunter2", 1, `not installed on a repository "octo/nothing"`},
		{"TOKEN --org nobody", "hunter2", 1, `not installed on an organization "nobody"`},
		{"TOKEN --org octo --environment production", "hunter2", 1, "an organization has no environments"},
		{"NPM --org octo --repositories other/shop", "hunter2", 1, "other/shop"},
		{"CI --repo octo/shop", "hunter2", 1, "set by Stagegate"},
		{"--registry https://ghcr.io --username bot --repo octo/shop", "hunter2", 1, "is no host of a registry"},
		{"--registry ghcr.io --repo octo/shop", "hunter2", 1, "username is missing"},
		{"TOKEN --username bot --repo octo/shop", "hunter2", 1, "a username is for a registry"},
	} {
		got := p.give(c.input, append([]string{"secret", "set"}, strings.Fields(c.args)...)...)
		text := got.out + got.err
		if got.code != c.code || !strings.Contains(text, c.want) || c.code != 0 && strings.Count(text, "\n") != 1 {
			t.Errorf("secret set %s: exit code %d, want %d and %q:\n%s", c.args, got.code, c.code, c.want, text)
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("secret set %s says the value:\n%s", c.args, text)
		}
	}
	p.tells(0, "secret list --repo octo/shop", "production of octo/shop", "pipelines ci, cd; stages deploy", "registry ghcr.io (bot)")
	p.tells(0, "secret list --org octo", "repositories octo/shop")
	p.tells(0, "secret rotate", "encrypted anew: 4")
	p.tells(0, "secret remove TOKEN --repo octo/shop", "secret TOKEN of octo/shop is removed")
	p.tells(1, "secret remove TOKEN --repo octo/shop", "there is no such secret there; TOKEN is kept for environment production of octo/shop")
	p.tells(0, "secret remove --registry ghcr.io --repo octo/shop", "login of registry ghcr.io of octo/shop is removed")
	p.tells(2, "secret remove TOKEN more --repo octo/shop", "too many arguments")
	for kind, want := range map[string]string{"secret-set": `"NPM"`, "secret-removed": `"ghcr.io"`, "secrets-rotated": "file:"} {
		if got := p.ask("audit", "show", "--kind", kind, "--json"); got.code != 0 || !strings.Contains(strings.ReplaceAll(got.out, `\"`, `"`), want) || strings.Contains(got.out, "hunter2") {
			t.Errorf("the audit log of %s: %d\n%s%s", kind, got.code, got.out, got.err)
		}
	}
}

// TestNewlineOfAValue asks which values are kept byte for byte.
func TestNewlineOfAValue(t *testing.T) {
	for value, want := range map[string]string{
		"one line\n":          "one line",
		"one line\r\n":        "one line",
		"no newline":          "no newline",
		"two\nlines\n":        "two\nlines\n",
		"a line\n\n":          "a line\n\n",
		"binary \x00\n":       "binary \x00\n",
		"not UTF-8 \xff\n":    "not UTF-8 \xff\n",
		" spaces are kept \n": " spaces are kept ",
		"\n":                  "",
	} {
		if got := withoutNewline([]byte(value)); string(got) != want {
			t.Errorf("%q is kept as %q, want %q", value, got, want)
		}
	}
}
