package mirror

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// The words of GIT_ALLOW_PROTOCOL; what is not listed is refused, in
// redirections and by whatever name an address hides it.
const (
	onlyFile  = "file"
	onlyHTTPS = "https"
	onlyHTTP  = "http" // of a stand-in on this machine
)

// git runs the real git, with nothing of the machine's settings, credentials
// and hooks, and nothing that a repository could add to them.
type git struct {
	program string
	home    string // an empty folder: no .netrc, no .gitconfig
}

// run is one command of git.
type run struct {
	dir      string // GIT_DIR: it is never looked for
	tree     string // GIT_WORK_TREE; empty where there is none
	protocol string // of those above; empty: no other repository is spoken to
	base     string // where the token goes, and nowhere else
	token    string
	input    string
	args     []string
}

// settings hold for every command. They are given by the environment, which is
// the last word over what a repository's own config says.
var settings = []string{
	"core.hooksPath=" + os.DevNull,
	"core.attributesFile=" + os.DevNull,
	"core.excludesFile=" + os.DevNull,
	"core.askPass=",
	"core.fsmonitor=false",
	"core.logAllRefUpdates=false",
	"core.protectHFS=true",
	"core.protectNTFS=true",
	"credential.helper=",
	"submodule.recurse=false",
	"fetch.recurseSubmodules=false",
	"fetch.unpackLimit=1",
	"gc.auto=0",
	"maintenance.auto=false",
	"protocol.version=2",
	"http.followRedirects=false",
	"http.lowSpeedLimit=1000",
	"http.lowSpeedTime=60",
	"transfer.fsckObjects=true",
	// Old tools wrote these, and GitHub holds many: nothing follows from them.
	"fetch.fsck.badTimezone=warn",
	"fetch.fsck.missingEmail=warn",
	"fetch.fsck.missingSpaceBeforeDate=warn",
	"fetch.fsck.missingSpaceBeforeEmail=warn",
	"fetch.fsck.zeroPaddedFilemode=warn",
	"fetch.fsck.zeroPaddedDate=warn",
}

// passed are the variables of this process that git gets: how it finds its own
// programs, and how the machine reaches the network.
var passed = []string{
	"PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
	"http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY",
}

func (g git) environment(r run) []string {
	env := []string{
		"HOME=" + g.home, "XDG_CONFIG_HOME=" + g.home, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=" + os.DevNull, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_PROTOCOL_FROM_USER=0",
		"GIT_ALLOW_PROTOCOL=" + r.protocol, "GIT_DIR=" + r.dir,
	}
	for _, name := range passed {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	config := append([]string{}, settings...)
	if r.tree == "" {
		config = append(config, "core.bare=true") // also of a mirror that lost its config
	} else {
		env = append(env, "GIT_WORK_TREE="+r.tree)
	}
	if r.token != "" {
		// A command line and a config file can be read by others, and an address
		// with a password is printed in errors.
		login := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + r.token))
		config = append(config, "http."+r.base+"/.extraHeader=Authorization: Basic "+login)
	}
	for i, c := range config {
		// The first = that no key holds: addresses are ours and have none.
		key, value, _ := strings.Cut(c, "=")
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+key, "GIT_CONFIG_VALUE_"+n+"="+value)
	}
	return append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
}

// failure is a command of git that ended with another code than 0.
type failure struct {
	command string
	code    int
	words   string // the last that git said
}

func (f *failure) Error() string {
	if f.words == "" {
		return fmt.Sprintf("git %s: exit code %d", f.command, f.code)
	}
	return fmt.Sprintf("git %s: %s", f.command, f.words)
}

// run runs git and returns what it prints.
func (g git) run(ctx context.Context, r run) (string, error) {
	var out bytes.Buffer
	err := g.stream(ctx, r, func(stdout io.Reader) error {
		_, err := out.ReadFrom(io.LimitReader(stdout, maxOutput))
		return err
	})
	return out.String(), err
}

// maxOutput bounds what is kept of the output of a command.
const maxOutput = 64 << 20

// stream runs git while read takes what it prints. Where read does not take all,
// git ends. An error of read comes before that of git.
func (g git) stream(ctx context.Context, r run, read func(stdout io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Modes of a tree must not depend on how this process was started.
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", `umask 022; exec "$@"`, "sh", g.program}, r.args...)...) //nolint:gosec // the program is git; names of others stand behind full refs or --
	cmd.Env = g.environment(r)
	cmd.Dir = g.home
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	said := &tail{most: 4 << 10}
	cmd.Stdin, cmd.Stderr = strings.NewReader(r.input), said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run git: %w", err)
	}
	// The kernel ends git with the thread that started it, which must not go first.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		return fmt.Errorf("run git: %w", err)
	}
	readErr := read(stdout)
	if readErr != nil {
		cancel(readErr)
	}
	_, _ = io.Copy(io.Discard, stdout)
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case readErr != nil:
		return readErr
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		return &failure{command: r.args[0], code: exit.ExitCode(), words: said.line(r.dir)}
	case err != nil:
		return fmt.Errorf("run git %s: %w", r.args[0], err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	most int
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-t.most):]
	return len(p), nil
}

// line is the last line of git's own words, fit for people to read: the lines
// that a server speaks, which are marked, come after if there is nothing else.
// The name of a folder of this machine is nobody's affair.
func (t *tail) line(folder string) string {
	var own, wrong, remote string
	for l := range strings.FieldsFuncSeq(string(t.kept), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.HasPrefix(l, "remote: ") {
			remote = l
		} else if strings.HasPrefix(l, "error: ") {
			wrong = l
		} else if strings.TrimSpace(l) != "" {
			own = l
		}
	}
	switch {
	case wrong != "" && own != "":
		own = wrong + ": " + own
	case own == "":
		own = cmp.Or(wrong, remote)
	}
	return printable(strings.ReplaceAll(own, folder, "the mirror"))
}

// printable is a text of others on one line.
func printable(s string) string {
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s), "?")
}
