package pipeline

import (
	"slices"
	"strings"
	"time"
)

// Trigger is what started an execution.
type Trigger string

const (
	// Push is a push to a branch or of a tag.
	Push Trigger = "push"
	// PullRequest is something that happened to a pull request; see Activity.
	PullRequest Trigger = "pull_request"
	// MergeGroup is a group of pull requests in a merge queue, whose merge on top
	// of its base is a commit on a branch of its own.
	MergeGroup Trigger = "merge_group"
	// OnSchedule is a time that the file names.
	OnSchedule Trigger = "schedule"
	// OnPipeline is the success of another pipeline; see Chain.
	OnPipeline Trigger = "pipeline"
	// OnWebhook is a signed request to the pipeline's own address.
	OnWebhook Trigger = "webhook"
	// Manual is a person who asked for it.
	Manual Trigger = "manual"
	// OnRollback is a person, or a failure, because of which something earlier is
	// deployed again.
	OnRollback Trigger = "rollback"
)

// Revision is the commit an execution is about.
type Revision struct {
	Commit      string
	Time        time.Time // when it was committed
	Ref         string    // refs/heads/main, refs/tags/v1 or refs/pull/7/head
	Branch      string    // the branch pushed to, or the pull request's head branch; empty for a tag
	Base        string    // the pull request's or the group's base branch; empty for a push
	PullRequest int       // zero for a push
	Fork        bool      `json:",omitempty"` // the commit comes from another repository: it is given no secrets and no environments
	Message     string    // whole commit message
	Author      string    // login, or name where GitHub knows none
	Authors     []string  // logins that count as authors of the change, lower case, sorted
	Changed     Changes   // known only where a filter asked for it
}

// Execution is one run of one pipeline for one revision. Its zero value is an
// execution that has not started; Apply is the only thing that changes it.
type Execution struct {
	ID           string
	Number       int    // counts the executions of one pipeline of one repository, from 1
	Repository   string // owner/name
	RepositoryID int64  // GitHub's
	Lane         string // refs/heads/main, refs/tags/v1 or pull/7
	Trigger      Trigger
	Activity     string    `json:",omitempty"` // of a pull request or a merge group, in GitHub's words: opened, closed; else empty
	Actor        string    // login of who caused the trigger
	Door         string    `json:",omitempty"` // by which that person asked for it: comment, api; else empty
	Asked        string    `json:",omitempty"` // of a start by the API: a digest of what was asked for
	Trust        []Trust   `json:",omitempty"` // of the environments of its definition, and of what has none, as found when it began
	Admission    *OkToTest `json:",omitempty"` // of a fork's commit, without which nothing of it runs
	Revision     Revision
	Definition   Definition
	Chain        []Link    `json:",omitempty"` // the executions that led to it by on: pipeline, the first one first
	DefinedAt    string    `json:",omitempty"` // the commit of its pipeline file, where that is not the revision's
	Followed     []string  `json:",omitempty"` // its stages whose success starts other pipelines; "" stands for the execution
	Rollback     *Rollback `json:",omitempty"` // what it goes back to, if it does

	Status    Status
	Reason    string    // why it ended other than well
	Abandoned bool      // it was told to kill what runs
	Problems  []Problem // why it could not start
	Source    Artifact  // zero until it is fetched
	Notes     []string  // what people should know, such as what the source leaves out
	CreatedAt time.Time
	EndedAt   time.Time
	Stages    []StageState
}

// Problem is a mistake that kept an execution from starting. Line and Column
// count from 1; zero means the whole file.
type Problem struct {
	File    string
	Line    int
	Column  int
	Message string
	Hint    string
}

// StageState is where one stage of an execution stands.
type StageState struct {
	Name        string
	Status      Status
	Attempt     int  // from 1; a retry adds one
	Admitted    bool // its own lock has let it in; it may still wait for the source, or for its rules to hold
	Claimed     bool // it was cleared to hand out jobs
	Reason      string
	Barred      Role         `json:",omitempty"` // the point at which its rules, or what is deployed, failed it
	Hold        Hold         `json:",omitzero"`  // what keeps it from going on, beside locks and approvals
	HeldFrom    time.Time    `json:",omitzero"`  // since when its rules keep it waiting
	Asking      bool         `json:",omitempty"` // the commands of its rules run
	Concurrency string       `json:",omitempty"` // the name of the lock it shares, resolved
	Asked       int          `json:",omitempty"` // how many of its shared locks it has asked for
	Granted     int          `json:",omitempty"` // and has got
	Deployed    Deployment   `json:",omitzero"`  // what its environment had then
	Descends    string       `json:",omitempty"` // the commit that it is known to be a descendant of
	Vouched     bool         `json:",omitempty"` // its environment was found to trust it, since it got its shared locks
	RolledBack  int          `json:",omitempty"` // number of the execution that goes back from it
	Retries     int          `json:",omitempty"` // how often on-failure has tried it again since a person did
	Checks      []Check      `json:",omitempty"` // of its rules: the latest at each point
	Overrides   []Overridden `json:",omitempty"` // of the present attempt
	WaitsFrom   time.Time    // when it came to its lock
	StartedAt   time.Time
	EndedAt     time.Time
	Actions     []ActionState
	Past        []Attempt `json:",omitempty"` // the earlier ones, oldest first; at most maxPast
}

// Attempt is one run of a stage that a retry took the place of. Of its actions
// the words of their scripts are not kept.
type Attempt struct {
	Attempt   int
	Status    Status
	Reason    string
	StartedAt time.Time
	EndedAt   time.Time
	Actions   []ActionState
	Checks    []Check      `json:",omitempty"`
	Overrides []Overridden `json:",omitempty"`
}

// Hold is what keeps a stage from going on, beside its lock and approvals. Its zero
// value is nothing.
type Hold struct {
	For   HoldKind
	Until time.Time // when it looks again; zero: when it is told something
}

// HoldKind is what a stage waits for.
type HoldKind string

const (
	// HoldRules are rules that do not hold.
	HoldRules HoldKind = "rules"
	// HoldShared is a lock that the stage shares, such as that of its environment.
	HoldShared HoldKind = "shared"
	// HoldCompare is the word of how its commit stands to what is deployed.
	HoldCompare HoldKind = "compare"
	// HoldTrust is the word of whether its environment trusts it still.
	HoldTrust HoldKind = "trust"
	// HoldClear is the word of its own lock.
	HoldClear HoldKind = "clear"
	// HoldShut is a way into the stage that was closed after it was entered.
	HoldShut HoldKind = "shut"
	// HoldRetry is the time before it is tried again.
	HoldRetry HoldKind = "retry"
)

// Overridden is a person's word that a stage goes on though its rules do not hold.
type Overridden struct {
	At     time.Time
	Actor  string
	Reason string
	Point  Role // RoleEntry or RoleSuccess
}

// Check is what the rules of a stage came to at one time, with the evidence.
type Check struct {
	At       time.Time
	Point    Role // RoleEntry or RoleSuccess
	Findings []Finding
}

// Finding is what one rule came to.
type Finding struct {
	Rule      string // in short
	Holds     bool
	Evidence  string
	Otherwise Otherwise `json:",omitempty"` // what follows where it does not hold
}

// maxPast is how many attempts of a stage are remembered.
const maxPast = 20

// ActionState is where one action of an execution stands.
type ActionState struct {
	Name      string
	Status    Status
	Attempt   int       // from 1; a retry of this action adds one
	Tries     int       `json:",omitempty"` // how often its own retry has tried it again, in this attempt of the stage
	Until     time.Time `json:",omitzero"`  // when its next try begins; zero: it waits for none
	Reason    string
	ExitCode  int
	Image     string // what ran, by digest where known
	Runner    string
	StartedAt time.Time // when it began to run, or to wait
	EndedAt   time.Time
	ExpiresAt time.Time // of an approval
	Outputs   []Value
	Artifacts []Artifact
	LogTail   string
	Decision  *Decision // the vote that decided an approval

	Instructions string   `json:",omitempty"` // of an approval, resolved
	Request      *Request `json:",omitempty"` // of an approval: what it would let in; nil: not known yet
	Owned        []Owned  `json:",omitempty"` // of an approval by code owners: of what changed, as last asked
	Votes        []Vote   `json:",omitempty"` // of an approval, in the order given, those that count no longer too

	Tests       *Tests `json:",omitempty"` // nil: it reported none
	Annotations []Annotation
	Summary     string // Markdown, hostile
}

// JobID derives the id of an action's present attempt.
func (x Execution) JobID(stage, action int) JobID {
	s := x.Stages[stage]
	a := s.Actions[action]
	return JobID{Execution: x.ID, Stage: s.Name, Action: a.Name, Attempt: a.Attempt}
}

// Find returns the positions of a job's stage and action; ok is false when the
// execution has none of that name.
func (x Execution) Find(id JobID) (stage, action int, ok bool) {
	for i, s := range x.Stages {
		if s.Name != id.Stage {
			continue
		}
		for j, a := range s.Actions {
			if a.Name == id.Action {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// StageIndex returns the position of the named stage, or -1.
func (x Execution) StageIndex(name string) int {
	return slices.IndexFunc(x.Stages, func(s StageState) bool { return s.Name == name })
}

// GivesUp tells whether a newer commit of its lane cancels the execution. A rollback is
// about an older one on purpose.
func (x Execution) GivesUp() bool {
	if x.Rollback != nil {
		return false
	}
	if says := x.Definition.CancelInProgress; says != nil {
		return *says
	}
	return x.Revision.PullRequest != 0
}

// EnvironmentKey names the lock of a stage's environment; ok is false where it
// has none. Names in other letters are of one environment, as they are where it says
// what it trusts.
func (x Execution) EnvironmentKey(stage int) (key LockKey, ok bool) {
	name := strings.ToLower(x.Definition.Stages[stage].Environment)
	return LockKey{Repository: x.RepositoryID, Lane: ofEnvironment, Stage: name}, name != ""
}

// SharedKeys names the locks that a stage shares with others, in the order in which
// all take them.
func (x Execution) SharedKeys(stage int) []LockKey {
	var keys []LockKey
	if key, ok := x.EnvironmentKey(stage); ok {
		keys = append(keys, key)
	}
	if name := x.Stages[stage].Concurrency; name != "" {
		kind := ofConcurrency
		if !x.Trusts(x.Definition.Stages[stage].Environment) {
			kind = ofUntrustedConcurrency
		}
		keys = append(keys, LockKey{Repository: x.RepositoryID, Lane: kind, Stage: name})
	}
	return keys
}

// LockKey names the lock of one of its stages.
func (x Execution) LockKey(stage int) LockKey {
	return LockKey{Repository: x.RepositoryID, Pipeline: x.Definition.Name, Lane: x.Lane, Stage: x.Stages[stage].Name}
}

// Artifacts lists everything the execution has so far: the source and what its
// actions made, in order.
func (x Execution) Artifacts() []Artifact {
	var all []Artifact
	if x.Source.Digest != "" {
		all = append(all, x.Source)
	}
	for _, s := range x.Stages {
		for _, a := range s.Actions {
			all = append(all, a.Artifacts...)
		}
	}
	return all
}
