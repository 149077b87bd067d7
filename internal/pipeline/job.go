package pipeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// JobID names one action execution: execution/stage/action/attempt. It is
// derived, so the same step of an execution always has the same id.
type JobID struct {
	Execution string
	Stage     string
	Action    string
	Attempt   int // from 1
}

func (id JobID) String() string {
	return fmt.Sprintf("%s/%s/%s/%d", id.Execution, id.Stage, id.Action, id.Attempt)
}

// ParseJobID is the inverse of JobID.String.
func ParseJobID(s string) (JobID, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 {
		return JobID{}, fmt.Errorf("parse job id %q: want execution/stage/action/attempt", s)
	}
	attempt, err := strconv.Atoi(parts[3])
	if err != nil {
		return JobID{}, fmt.Errorf("parse job id %q: attempt is not a number", s)
	}
	return JobID{Execution: parts[0], Stage: parts[1], Action: parts[2], Attempt: attempt}, nil
}

// Job is all a runner needs to carry out one action: every expression in it but
// hash() is resolved, every input is named by its digest.
type Job struct {
	ID         JobID
	Repository string // owner/name
	Pipeline   string
	Commit     string
	CommitTime time.Time // the mtime of everything in an artifact
	Ref        string    // full ref, such as refs/heads/main
	Image      string
	Run        string
	Shell      string // empty: sh -e
	Env        []Value
	Hashed     []Hashed   `json:",omitempty"` // more variables of the environment
	Inputs     []Artifact // the first is the working directory
	Artifacts  []Output
	Secrets    []SecretUse   // the runner asks for their values under its lease, and masks them
	Timeout    time.Duration // zero: the runner's default
	Isolation  Isolation     `json:",omitzero"` // which the runner's operator must allow
}

// Hashed is a variable of the environment in which digests of files stand. The runner
// computes them from the job's first input before anything of the job runs.
type Hashed struct {
	Name  string
	Parts []Part
}

// Part is a text or, where Hash is not empty, the digest of the files that this
// pattern matches.
type Part struct {
	Text string `json:",omitempty"`
	Hash string `json:",omitempty"`
}

// Value is the variable as people are shown it before its digests are known.
func (h Hashed) Value() Value {
	var b strings.Builder
	for _, p := range h.Parts {
		b.WriteString(p.Text)
		if p.Hash != "" {
			b.WriteString("${{ hash('" + strings.ReplaceAll(p.Hash, "'", "''") + "') }}")
		}
	}
	return Value{h.Name, b.String()}
}

// Artifact is an immutable tree, named in a pipeline and stored by digest.
type Artifact struct {
	Name   string
	Digest string // SHA-256 of the uncompressed canonical tar, hex
	Size   int64  // bytes of that tar
}

// Result is how a job ended.
type Result struct {
	Status     Status     // Succeeded, Failed, Errored, TimedOut or Cancelled
	ExitCode   int        // of the script; meaningful when it ran to its end
	Reason     string     // for people, empty when it succeeded
	Outputs    []Value    // output variables in the order written
	Artifacts  []Artifact // what Job.Artifacts asked for, in that order; empty unless it succeeded
	Image      string     // what really ran, by digest where the engine knows one
	StartedAt  time.Time  // when the script started; zero when it never did
	FinishedAt time.Time
	Tests      *Tests // what tests it reported; nil: none
	LogTail    string // the last lines of the log, for the check run

	Annotations []Annotation // what the script said about files, in the order said
	Summary     string       // Markdown the script wrote for people to read; hostile
}

// Level is how grave an annotation is.
type Level string

// The levels of an annotation, by the words of the log commands.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// Annotation is what a script said about a place, by a log command such as
// ::error file=a.go,line=3::text. Lines and columns count from 1; zero is
// unknown. File, relative to the repository, may be empty. All of it is
// hostile text.
type Annotation struct {
	Level     Level
	File      string
	Line      int
	EndLine   int
	Column    int
	EndColumn int
	Title     string
	Message   string
}
