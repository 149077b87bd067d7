package api

import "time"

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the cursor of the next page; empty on the last
}

// Pipeline is a pipeline of which there has been an execution.
type Pipeline struct {
	Repository string  `json:"repository"`
	Name       string  `json:"name"`
	File       string  `json:"file,omitempty"`
	Newest     Summary `json:"newest"`
}

// Summary is an execution as lists show it.
type Summary struct {
	ID         string    `json:"id"`
	Number     int       `json:"number"`
	Repository string    `json:"repository"`
	Pipeline   string    `json:"pipeline"`
	Lane       string    `json:"lane"`
	Trigger    string    `json:"trigger"`
	Upstream   *Upstream `json:"upstream,omitempty"` // what has started it, where the trigger is pipeline
	Rollback   *GoesBack `json:"rollback,omitempty"` // what it goes back to, where the trigger is rollback
	Actor      string    `json:"actor,omitempty"`
	Status     string    `json:"status"`
	Reason     string    `json:"reason,omitempty"`
	Abandoned  bool      `json:"abandoned,omitempty"` // it was stopped without waiting for what ran
	Revision   Revision  `json:"revision"`
	CreatedAt  time.Time `json:"created_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	URL        string    `json:"url"`
}

// Upstream is an execution whose success has started another one.
type Upstream struct {
	Execution string `json:"execution"`
	Number    int    `json:"number"`
	Pipeline  string `json:"pipeline"`
	Stage     string `json:"stage,omitempty"` // the one that succeeded; missing: all of it
}

// Revision is the commit an execution is about.
type Revision struct {
	Commit      string    `json:"commit"`
	Ref         string    `json:"ref"`
	Branch      string    `json:"branch,omitempty"`
	Base        string    `json:"base,omitempty"`
	PullRequest int       `json:"pull_request,omitempty"`
	Message     string    `json:"message,omitempty"`
	Author      string    `json:"author,omitempty"`
	Time        time.Time `json:"time,omitzero"`
}

// Execution is all that is known of an execution.
type Execution struct {
	Summary
	File       string     `json:"file,omitempty"`
	Definition string     `json:"definition,omitempty"` // SHA-256 of the file
	Problems   []Problem  `json:"problems,omitempty"`
	Notes      []string   `json:"notes,omitempty"`
	Variables  []Variable `json:"variables,omitempty"`
	Stages     []Stage    `json:"stages"`
	Artifacts  []Artifact `json:"artifacts"` // the source and what the actions made, in order
}

// Problem is a mistake that kept an execution from starting.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Variable is a name with a text.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stage is where a stage stands.
type Stage struct {
	Name       string    `json:"name"`
	Status     string    `json:"status"`
	Attempt    int       `json:"attempt"`
	Reason     string    `json:"reason,omitempty"`
	RolledBack int       `json:"rolled_back,omitempty"` // number of the execution that goes back from it
	StartedAt  time.Time `json:"started_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Actions    []Action  `json:"actions"`

	WaitsFor   []Wait      `json:"waits_for,omitempty"`
	Transition *Transition `json:"transition,omitempty"` // what keeps the way into it closed, of several the one that does longest

	Conditions []Check      `json:"conditions,omitempty"` // the latest of each point
	Overrides  []Overridden `json:"overrides,omitempty"`
	Retries    int          `json:"retries,omitempty"` // how often its on-failure has tried it again since a person did

	Past []PastStage `json:"past,omitempty"` // earlier attempts that a retry took the place of, oldest first
}

// Check is what the rules of a stage came to at one time.
type Check struct {
	At       time.Time `json:"at"`
	Point    string    `json:"point"` // before-entry or on-success
	Findings []Finding `json:"findings"`
}

// Finding is what one rule came to.
type Finding struct {
	Rule      string `json:"rule"` // its kind
	Holds     bool   `json:"holds"`
	Evidence  string `json:"evidence,omitempty"`
	Otherwise string `json:"otherwise"` // what follows where it does not hold
}

// Overridden is a person's word that the stage goes on though its rules do not hold.
type Overridden struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	Point  string    `json:"point"`
}

// Wait is one thing that a stage waits for.
type Wait struct {
	Kind  string    `json:"kind"`
	Text  string    `json:"text"` // what stands after "waits for"
	Since time.Time `json:"since,omitzero"`
	Next  string    `json:"next,omitempty"` // what happens then
}

// PastStage is an earlier attempt of a stage.
type PastStage struct {
	Attempt   int          `json:"attempt"`
	Status    string       `json:"status"`
	Reason    string       `json:"reason,omitempty"`
	StartedAt time.Time    `json:"started_at,omitzero"`
	EndedAt   time.Time    `json:"ended_at,omitzero"`
	Actions   []PastAction `json:"actions"`

	Conditions []Check      `json:"conditions,omitempty"`
	Overrides  []Overridden `json:"overrides,omitempty"`
}

// PastAction is how an action stood at the end of an earlier attempt of its stage.
type PastAction struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	Role      string    `json:"role,omitempty"`
	Status    string    `json:"status"`
	Attempt   int       `json:"attempt"`
	Reason    string    `json:"reason,omitempty"`
	ExitCode  int       `json:"exit_code,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// Action is where an action stands.
type Action struct {
	Name      string     `json:"name"`
	Title     string     `json:"title"`          // what people call it: unit (1.25) for a run of a matrix
	Role      string     `json:"role,omitempty"` // before-entry, on-success or finally; missing: it is the stage's own
	If        string     `json:"if,omitempty"`
	Needs     []string   `json:"needs,omitempty"`
	Status    string     `json:"status"`
	Attempt   int        `json:"attempt"`
	Reason    string     `json:"reason,omitempty"`
	ExitCode  int        `json:"exit_code,omitempty"`
	Image     string     `json:"image,omitempty"` // what ran, by digest where known
	Runner    string     `json:"runner,omitempty"`
	StartedAt time.Time  `json:"started_at,omitzero"`
	EndedAt   time.Time  `json:"ended_at,omitzero"`
	Outputs   []Variable `json:"outputs,omitempty"`
	Artifacts []Artifact `json:"artifacts,omitempty"`
	Attempts  []Attempt  `json:"attempts,omitempty"` // the jobs that were handed out, oldest first
	Approval  *Approval  `json:"approval,omitempty"` // what it is, if it is one
	Decision  *Decision  `json:"decision,omitempty"`
}

// Attempt is an action as it was handed to a runner, with every expression but hash()
// resolved. Of secrets there are only the names.
type Attempt struct {
	Number  int        `json:"number"`
	Image   string     `json:"image"`
	Env     []Variable `json:"env,omitempty"`
	Secrets []string   `json:"secrets,omitempty"`
	Inputs  []Artifact `json:"inputs,omitempty"`
}

// Artifact is an immutable tree.
type Artifact struct {
	Name   string `json:"name"`
	Digest string `json:"digest"` // SHA-256 of its tar
	Size   int64  `json:"size"`   // bytes of its tar
}

// Retry is the body of retry. The stage may be left out where one has failed. What
// did not succeed runs again, or all actions, approvals included.
type Retry struct {
	Stage string `json:"stage,omitempty"`
	All   bool   `json:"all,omitempty"`
}

// Override is the body of override. The stage may be left out where rules keep one
// back or have failed one.
type Override struct {
	Stage  string `json:"stage,omitempty"`
	Reason string `json:"reason"` // kept with the execution and in the audit log
}

// Stop is the body of stop. What runs finishes, unless it is to be abandoned: then
// it is killed, after its grace period.
type Stop struct {
	Reason  string `json:"reason,omitempty"`
	Abandon bool   `json:"abandon,omitempty"`
}
