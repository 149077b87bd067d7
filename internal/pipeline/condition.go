package pipeline

import (
	"fmt"
	"strconv"
	"time"
)

// Rule is one thing that must hold for a stage to be entered, or to count as
// succeeded. Of its kinds one is set.
type Rule struct {
	TestsPass  *TestsPass    `json:",omitempty"`
	Window     *Window       `json:",omitempty"`
	Variable   *VariableRule `json:",omitempty"`
	Expression string        `json:",omitempty"` // a condition, with or without ${{ }}
	Command    string        `json:",omitempty"` // the action of the stage that decides by how it ends
	Otherwise  Otherwise     `json:",omitempty"`
}

// Otherwise is what becomes of a stage when a rule does not hold.
type Otherwise string

const (
	// OtherwiseFail fails the stage. The zero Otherwise is this.
	OtherwiseFail Otherwise = ""
	// OtherwiseWait waits in front of the stage until the rule holds.
	OtherwiseWait Otherwise = "wait"
	// OtherwiseSkip passes the stage over.
	OtherwiseSkip Otherwise = "skip"
	// OtherwiseRollback fails the stage, and deploys the last execution that
	// succeeded in it again.
	OtherwiseRollback Otherwise = "rollback"
)

// Words are the kind of the rule and what it asks for, as the file has them.
func (r Rule) Words() (kind, text string) {
	switch {
	case r.Window != nil:
		return "window", r.Window.String()
	case r.TestsPass != nil:
		return "tests-pass", r.TestsPass.Stage + " " + strconv.FormatFloat(r.TestsPass.Minimum, 'f', -1, 64) + "%"
	case r.Variable != nil:
		return "variable", fmt.Sprintf("%s %s %s", r.Variable.Name, r.Variable.Operator, r.Variable.Value)
	case r.Command != "":
		return "command", r.Command
	}
	return "expression", r.Expression
}

// String says when the rule holds, and what follows when it does not.
func (r Rule) String() string {
	kind, text := r.Words()
	return kind + " " + text + ", otherwise " + r.Otherwise.Word()
}

// Word is the word of the file.
func (o Otherwise) Word() string {
	if o == OtherwiseFail {
		return "fail"
	}
	return string(o)
}

// TestsPass holds when the tests that a stage has reported passed, and none fails
// that passed when the stage last succeeded.
type TestsPass struct {
	Stage   string
	Minimum float64 // percent of the tests that were not skipped
}

// Window holds at certain times: those of Cron, or those of Days and Hours, but on no
// holiday. What is empty is always so.
type Window struct {
	Days     []time.Weekday `json:",omitempty"`
	Hours    []Span         `json:",omitempty"`
	Cron     string         `json:",omitempty"` // of five fields: the minutes in which it holds
	Timezone string         `json:",omitempty"` // of the IANA database; empty: UTC
	Holidays []string       `json:",omitempty"` // 2026-12-25
}

// Span is a part of the day, in minutes from midnight: from From to before To. One that
// ends before it begins goes over midnight, and belongs to the day on which it begins.
type Span struct {
	From, To int
}

// Operator is how a rule compares a value with a text.
type Operator string

// The operators of a variable rule.
const (
	Equal    Operator = "=="
	NotEqual Operator = "!="
	Contains Operator = "contains"
	Matches  Operator = "matches" // a regular expression of RE2, found anywhere in the value
)

// VariableRule compares what a name of the expressions stands for with a text.
type VariableRule struct {
	Name     string // such as variables.REGION or build.compile.version
	Operator Operator
	Value    string
}

// OnFailure is what follows when a stage has failed: it is tried again, and then
// rolled back or passed over. Its zero value is nothing.
type OnFailure struct {
	Retry    RetryScope    `json:",omitempty"`
	Times    int           `json:",omitempty"` // how often it is tried again; with Retry at least 1
	Backoff  time.Duration `json:",omitempty"` // before each try
	Rollback bool          `json:",omitempty"`
	Skip     bool          `json:",omitempty"`
}

// RetryScope is what of a stage is run again.
type RetryScope string

const (
	// RetryNothing runs nothing again. The zero RetryScope is this.
	RetryNothing RetryScope = ""
	// RetryFailed runs the actions that did not succeed.
	RetryFailed RetryScope = "failed-actions"
	// RetryAll runs all.
	RetryAll RetryScope = "all-actions"
)

// Tests counts what tests a stage has reported.
type Tests struct {
	Passed  int
	Failed  int
	Skipped int
	Failing []string `json:",omitempty"` // names, sorted
}
