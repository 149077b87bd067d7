package runner

import (
	"strings"
)

// complete makes the job's result of how its container ended.
func (t *task) complete(s State) error {
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
	if s.ExitCode == exitTerm || s.ExitCode == exitKill {
		// An earlier process may have stopped it, and died before it could say why.
		if t.work.Err() != nil {
			return errStopped
		}
		if s.FinishedAt.Sub(s.StartedAt) >= t.timeout() {
			return t.tooLong()
		}
	}
	return t.explain(s)
}

// Exit codes a shell or Docker's init gives a meaning.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // plus its number
	exitKill          = exitSignal + 9
	exitTerm          = exitSignal + 15
)

// signals are those a script may well die of.
var signals = map[int]string{
	1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 7: "BUS", 8: "FPE", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM",
}

// explain puts an exit code in words.
func (t *task) explain(s State) verdict {
	limit := size(t.r.Limits.Memory)
	name := signals[s.ExitCode-exitSignal]
	switch {
	case s.OOMKilled && s.ExitCode == exitKill:
		return failed("killed: out of memory (limit %s)", limit)
	case s.OOMKilled:
		return failed("exit code %d: a process was killed, out of memory (limit %s)", s.ExitCode, limit)
	case s.ExitCode == exitNotFound && t.neverRan():
		return errored("the image has no %s that can be run", command(t.job.Shell)[0])
	case s.ExitCode == exitNotFound:
		return failed("exit code %d: command not found", s.ExitCode)
	case s.ExitCode == exitNotExecutable:
		return failed("exit code %d: command cannot be executed", s.ExitCode)
	case s.ExitCode == exitKill: // an engine that sees the end before the cause does not tell
		return failed("exit code %d: killed by signal KILL, perhaps out of memory (limit %s)", s.ExitCode, limit)
	case name != "":
		return failed("exit code %d: killed by signal %s", s.ExitCode, name)
	default:
		return failed("exit code %d", s.ExitCode)
	}
}

// neverRan tells whether Docker's init says that there was nothing to run. A
// script can print the same line; all it gains is another word for its failure.
func (t *task) neverRan() bool {
	text := t.log.Tail()
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.HasPrefix(last, "[FATAL tini (") && strings.Contains(last, "] exec ")
}
