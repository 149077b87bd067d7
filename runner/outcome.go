package runner

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/stagegate/stagegate/internal/human"
)

// complete makes the job's result of how its container ended.
func (t *task) complete(s State) error {
	t.over = true
	t.result.ExitCode = s.ExitCode
	t.result.StartedAt, t.result.FinishedAt = s.StartedAt, s.FinishedAt
	if s.FinishedAt.Before(s.StartedAt) { // an engine may note the start after a very short life
		t.result.StartedAt = s.FinishedAt
	}
	if err := t.summary(); err != nil {
		return err
	}
	if t.why.status != "" {
		return t.why
	}
	if s.ExitCode == 0 {
		return t.collect()
	}
	return t.blame(s)
}

// blame tells an end that the job brought about from those that befell it.
func (t *task) blame(s State) verdict {
	if s.ExitCode == exitTerm || s.ExitCode == exitKill {
		// An earlier process may have stopped it, and died before it could say why.
		if t.work.Err() != nil {
			return errStopped
		}
		if s.FinishedAt.Sub(s.StartedAt) >= t.timeout() {
			return t.tooLong()
		}
	}
	if s.Removed {
		return errRemoved
	}
	if t.unseen && !s.OOMKilled && (s.ExitCode == exitTerm || s.ExitCode == exitKill || s.ExitCode == exitUnknown) {
		return errored("exit code %d: the container ended while the Docker Engine was away, perhaps by its restart", s.ExitCode)
	}
	return t.explain(s)
}

var errRemoved = errored("the container was removed while it ran")

// Exit codes a shell or Docker's init gives a meaning.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // plus its number
	exitKill          = exitSignal + 9
	exitTerm          = exitSignal + 15
	exitUnknown       = 255 // what Docker makes of a container that a reboot ended
)

// signals are Linux's, by number. From 34 on there are those without a meaning.
var signals = [...]string{
	1: "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

const firstRealTime, lastSignal = 34, 64

// signalName is empty for what is no signal's number.
func signalName(n int) string {
	switch {
	case n >= 1 && n < len(signals):
		return signals[n]
	case n >= firstRealTime && n <= lastSignal:
		return fmt.Sprintf("RTMIN+%d", n-firstRealTime)
	default:
		return ""
	}
}

// explain puts an exit code in words.
func (t *task) explain(s State) verdict {
	limit := human.Size(t.r.Limits.Memory)
	name := signalName(s.ExitCode - exitSignal)
	switch {
	case s.OOMKilled && s.ExitCode == exitKill:
		return failed("killed: out of memory (limit %s)", limit)
	case s.OOMKilled:
		return failed("exit code %d: a process was killed, out of memory (limit %s)", s.ExitCode, limit)
	case (s.ExitCode == exitNotFound || s.ExitCode == exitNotExecutable) && t.neverRan():
		return t.noCommand(s.ExitCode)
	case s.ExitCode == 1 && t.neverRan() && strings.HasSuffix(t.log.Tail(), ": Exec format error"): // the init has no code for it
		return errored("the image's %s is no program for the engine's processor (the image says: %s)",
			t.command()[0], cmp.Or(t.processor, "nothing"))
	case s.ExitCode == exitNotFound:
		return failed("exit code %d: command not found", s.ExitCode)
	case s.ExitCode == exitNotExecutable:
		return failed("exit code %d: command cannot be executed%s", s.ExitCode, t.clue())
	case s.ExitCode == exitKill: // an engine that sees the end before the cause does not tell
		return failed("exit code %d: killed by signal KILL, perhaps out of memory (limit %s)", s.ExitCode, limit)
	case name != "":
		return failed("exit code %d: killed by signal %s", s.ExitCode, name)
	default:
		return failed("exit code %d%s", s.ExitCode, t.clue())
	}
}

// noCommand says why not even the shell ran.
func (t *task) noCommand(code int) verdict {
	name := t.command()[0]
	switch {
	case code == exitNotExecutable:
		return errored("the image's %s cannot be executed", name)
	case name == scriptPath:
		return errored("the image does not have the interpreter that the script's first line names")
	case name != command(t.job.Shell)[0]:
		return errored("the image has no %s that can be run, which puts secrets among the variables; name them as files, as in - %s: file",
			name, t.job.Secrets[0].Name)
	default:
		return errored("the image has no %s that can be run", name)
	}
}

// clueLines is how many of the log's last lines may hold the cause of an exit
// code.
const clueLines = 10

// clue finds in the last lines what the exit code does not tell: that something
// was used up which the author does not see. It is only as true as the log.
func (t *task) clue() string {
	lines := strings.Split(t.log.Tail(), "\n")
	text := strings.ToLower(strings.Join(lines[max(0, len(lines)-clueLines):], "\n"))
	switch {
	case strings.Contains(text, "no space left on device"):
		return ": a disk was full, as the log says"
	case strings.Contains(text, "exec format error"):
		return ": a program is made for another processor, as the log says"
	case strings.Contains(text, "can't fork"), strings.Contains(text, "fork: "), strings.Contains(text, "cannot fork"):
		return fmt.Sprintf(": no more processes could be started, as the log says (limit %d)", t.r.Limits.PIDs)
	default:
		return ""
	}
}

// unable puts in words why a job could not be run.
func unable(err error) verdict {
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
	switch {
	case errors.Is(err, ErrDiskFull):
		return errored("the Docker Engine's disk is full: cannot %s", steps(err))
	case full && errors.Is(err, errKeeping):
		return errored("the disk that keeps the artifacts is full: cannot %s", steps(err))
	case full:
		return errored("the runner's disk is full: cannot %s", steps(err))
	default:
		return errored("%v", err)
	}
}

// steps returns what the runner did when an error came up: the words it was
// wrapped in, without those of the system.
func steps(err error) string {
	var all []string
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		words, ours := strings.CutSuffix(err.Error(), ": "+inner.Error())
		if _, system := err.(*fs.PathError); !ours || system { //nolint:errorlint // this one alone, not what it wraps
			break
		}
		all, err = append(all, words), inner
	}
	return strings.Join(all, ": ")
}

// neverRan tells whether Docker's init says that there was nothing to run. A
// script can print the same line; all it gains is another word for its failure.
func (t *task) neverRan() bool {
	text := t.log.Tail()
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.HasPrefix(last, "[FATAL tini (") && strings.Contains(last, "] exec ")
}
