package pipeline

import (
	"encoding/json"
	"strings"
	"time"
)

// SourceArtifact is the name of the artifact every execution has: the tree of
// its commit.
const SourceArtifact = "source"

// Definition is one pipeline file at one commit, parsed and validated.
type Definition struct {
	Name   string
	File   string // path in the repository
	Hash   string // SHA-256 of the file's bytes, hex
	On     Triggers
	Source Source `json:",omitzero"`
	Mode   Mode   `json:",omitzero"`
	// CancelInProgress tells whether a newer commit cancels what runs for an older
	// one of its lane; nil: in a pull request it does.
	CancelInProgress *bool `json:",omitempty"`
	Variables        []Variable
	Stages           []Stage
}

// Variable is a named text of the pipeline, the same for all its actions.
type Variable struct {
	Name        string
	Default     string
	Description string
}

// Stage is a boundary: one execution of a lane is inside it at a time, unless the
// pipeline's mode is Parallel.
//
// Its actions are in the order of their roles: the commands of its rules before
// entry, its own, the commands of its rules on success, and what runs last.
type Stage struct {
	Name        string
	If          string    `json:",omitempty"` // a condition without which it is skipped; empty: none
	Environment string    `json:",omitempty"` // what it changes; one stage of all pipelines does at a time. Empty: none
	Address     string    `json:",omitempty"` // of the environment, an URL; may hold expressions. Empty: none
	Concurrency string    `json:",omitempty"` // a lock shared with the stages that name it too; may hold expressions. Empty: none
	BeforeEntry []Rule    `json:",omitempty"` // must hold at entry, and before the first action that is not an approval
	OnSuccess   []Rule    `json:",omitempty"` // must hold when its own actions have succeeded
	OnFailure   OnFailure `json:",omitzero"`
	Actions     []Action
}

// Role is what an action is there for in its stage.
type Role string

const (
	// RoleWork is what the stage does. The zero Role is this.
	RoleWork Role = ""
	// RoleEntry decides a rule of BeforeEntry.
	RoleEntry Role = "before-entry"
	// RoleSuccess decides a rule of OnSuccess.
	RoleSuccess Role = "on-success"
	// RoleFinally runs when all others have ended, after failure and cancel too.
	RoleFinally Role = "finally"
)

// Action is one task of a stage: a container run, or an approval when Approval
// is set, in which case the other fields but Name, Needs and If are empty.
type Action struct {
	Name      string
	Role      Role     `json:",omitempty"`
	Needs     []string // names of actions of the same stage and role; empty: starts at once
	If        string   `json:",omitempty"` // a condition without which it is skipped; empty: what it needs has succeeded
	Image     string   // may hold expressions
	Run       string   // script; never holds expressions
	Shell     string   // command line that runs the script; empty: sh -e
	Env       []Value  // values may hold expressions
	Inputs    []string // artifact names; the first is the working directory; never empty on a container run
	Artifacts []Output
	Secrets   []SecretUse   // secrets given to the script
	Isolation Isolation     `json:",omitzero"`
	Timeout   time.Duration // zero: the default of the settings
	Retry     ActionRetry   `json:",omitzero"`
	// ContinueOnError lets the stage go on, and succeed, when the action fails.
	ContinueOnError bool `json:",omitempty"`
	// Matrix are the values of one run of a matrix, by name. Then Name is the
	// run's, unit-1_25, and Of the one that the file gives it, unit.
	Matrix   []Value `json:",omitempty"`
	Of       string  `json:",omitempty"`
	FailFast bool    `json:",omitempty"` // when it fails, the other runs of its matrix are stopped
	Approval *Approval
}

// ActionRetry is how often an action is tried again that has gone wrong, within one
// attempt of its stage. Its zero value is not at all.
type ActionRetry struct {
	Times   int
	Backoff time.Duration `json:",omitempty"` // before each try
}

// Title is what people call the action: unit, or unit (1.25) for a run of a matrix.
func (a Action) Title() string {
	if a.Of == "" {
		return a.Name
	}
	var values []string
	for _, v := range a.Matrix {
		values = append(values, v.Value)
	}
	return a.Of + " (" + strings.Join(values, ", ") + ")"
}

// Value is a name with its text. Order is the author's.
type Value struct {
	Name  string
	Value string
}

// SecretUse is a secret that a script is given: as a variable of its environment
// or, where File is set, as a file whose path is in that variable.
type SecretUse struct {
	Name string
	File bool `json:",omitempty"`
}

// UnmarshalJSON also reads a plain name, which stands in what earlier releases
// have stored.
func (s *SecretUse) UnmarshalJSON(data []byte) error {
	*s = SecretUse{}
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &s.Name)
	}
	type plain SecretUse
	return json.Unmarshal(data, (*plain)(s))
}

// SecretNames are the names of secrets in their order; nil where there are none.
func SecretNames(uses []SecretUse) []string {
	var names []string
	for _, s := range uses {
		names = append(names, s.Name)
	}
	return names
}

// Output is an artifact an action makes: the path, relative to its working
// directory, of a folder or a file.
type Output struct {
	Name string
	Path string
}

// StageIndex returns the position of the named stage, or -1.
func (d Definition) StageIndex(name string) int {
	for i, s := range d.Stages {
		if s.Name == name {
			return i
		}
	}
	return -1
}
