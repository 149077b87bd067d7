package pipeline

import "time"

// Kind names an event in the table, in the audit log and in the docs.
type Kind string

// Event is something that happened to an execution. Every event carries its
// time; those that a person caused carry the person.
type Event interface {
	Kind() Kind
	When() time.Time
}

// The kinds of events, each with what it is about: the execution, one of its
// stages, or one of its actions.
const (
	KindStarted       Kind = "started"        // execution
	KindInvalid       Kind = "invalid"        // execution
	KindOutrun        Kind = "outrun"         // execution
	KindSkip          Kind = "skip"           // execution
	KindSourceFetched Kind = "source_fetched" // execution
	KindSourceFailed  Kind = "source_failed"  // execution
	KindAdmitted      Kind = "admitted"       // execution
	KindCancel        Kind = "cancel"         // execution
	KindStop          Kind = "stop"           // execution
	KindEntered       Kind = "entered"        // stage
	KindSuperseded    Kind = "superseded"     // stage
	KindTurnedAway    Kind = "turned_away"    // stage
	KindGranted       Kind = "granted"        // stage
	KindCleared       Kind = "cleared"        // stage
	KindShut          Kind = "shut"           // stage
	KindOpened        Kind = "opened"         // stage
	KindDue           Kind = "due"            // stage
	KindCompared      Kind = "compared"       // stage
	KindTrusted       Kind = "trusted"        // stage
	KindOverride      Kind = "override"       // stage
	KindRolledBack    Kind = "rolled_back"    // stage
	KindRetry         Kind = "retry"          // stage
	KindJobStarted    Kind = "job_started"    // action
	KindJobFinished   Kind = "job_finished"   // action
	KindDecided       Kind = "decided"        // action
	KindWithdrawn     Kind = "withdrawn"      // action
	KindDescribed     Kind = "described"      // action
	KindExpired       Kind = "expired"        // action
)

type (
	// Started begins the execution: its source is wanted, then its first stage.
	Started struct{ At time.Time }

	// Invalid ends the execution before it began: its file, or the lack of
	// something else, does not let it run.
	Invalid struct {
		At       time.Time
		Reason   string
		Problems []Problem
	}

	// Outrun ends the execution before it began: its lane already knows a
	// newer commit.
	Outrun struct {
		At time.Time
		By string // the newer commit
	}

	// Skip ends the execution before it began: its author's own filter says that
	// the event is not for it.
	Skip struct {
		At     time.Time
		Reason string
	}

	// SourceFetched hands the tree of the commit in.
	SourceFetched struct {
		At     time.Time
		Source Artifact
		Notes  []string
	}

	// SourceFailed ends the execution: its tree cannot be had.
	SourceFailed struct {
		At     time.Time
		Reason string
	}

	// Admitted is somebody's word that the commit of a fork may be run. Who may say it
	// was checked before.
	Admitted struct {
		At    time.Time
		Actor string
		Door  string
	}

	// Cancel stops the execution. Its running jobs are told to stop, and it
	// keeps its lock until they are reported dead.
	Cancel struct {
		At     time.Time
		Actor  string
		Reason string
	}

	// Stop lets what runs finish and begins nothing new; with Abandon it kills what
	// runs, after its grace period. Either can be taken up again by a Retry. One
	// that stops already can only be abandoned, once.
	Stop struct {
		At      time.Time
		Actor   string
		Door    string `json:",omitempty"` // by which the person asked
		Reason  string
		Abandon bool
	}

	// Entered lets the execution into the stage.
	Entered struct {
		At    time.Time
		Stage string
	}

	// TurnedAway fails the stage, because too many wait for it.
	TurnedAway struct {
		At    time.Time
		Stage string
	}

	// Granted gives a stage a lock that it shares with others, such as that of its
	// environment.
	Granted struct {
		At       time.Time
		Stage    string
		Deployed Deployment // what is there, of the same pipeline
	}

	// Cleared lets a stage that is entered hand out its first job: the way into it
	// is still open.
	Cleared struct {
		At    time.Time
		Stage string
	}

	// Shut keeps a stage that is entered from handing out its first job, because the
	// way into it has been closed since.
	Shut struct {
		At    time.Time
		Stage string
	}

	// Opened ends a Shut.
	Opened struct {
		At    time.Time
		Stage string
	}

	// Due says that a time has come which the stage waited for.
	Due struct {
		At      time.Time
		Stage   string
		Attempt int
	}

	// Compared tells how the execution's commit stands to the one that is deployed.
	Compared struct {
		At         time.Time
		Stage      string
		Deployed   string // the commit that it was compared with
		Descendant bool
		Unknown    string `json:",omitempty"` // why nobody could tell
	}

	// Trusted tells whether the environment of a stage trusts the execution now.
	Trusted struct {
		At    time.Time
		Stage string
		Trust Trust
	}

	// Override lets a stage go on though its rules do not hold, or though something
	// newer is deployed. Overtaken tells that a newer execution has been in the stage
	// since, which refuses it.
	Override struct {
		At        time.Time
		Actor     string
		Door      string `json:",omitempty"`
		Reason    string
		Stage     string
		Overtaken bool
	}

	// MadeWay ends the execution at the stage because a newer one of its lane
	// takes its place.
	MadeWay struct {
		At    time.Time
		Stage string
		By    int // number of the newer one
	}

	// RolledBack tells what became of a RollBack.
	RolledBack struct {
		At    time.Time
		Stage string
		By    int    // number of the execution that goes back; zero: none does
		To    int    // number of the one that it goes back to
		Why   string // why none does
	}

	// Retry runs a failed or stopped stage again: the actions that did not succeed,
	// or All, approvals included. Overtaken tells that a newer execution has been in
	// the stage since, which refuses it.
	Retry struct {
		At        time.Time
		Actor     string
		Door      string `json:",omitempty"`
		Stage     string
		All       bool
		Overtaken bool
	}

	// JobStarted says that a runner runs the job now.
	JobStarted struct {
		At     time.Time
		Job    JobID
		Runner string
		Image  string
	}

	// JobFinished says how the job ended.
	JobFinished struct {
		At     time.Time
		Job    JobID
		Result Result
	}

	// Decided is a vote about an approval, which decides it when it is the last that is
	// needed. What the person meets was asked of GitHub at that time, and what those
	// meet who voted before was asked again.
	Decided struct {
		At       time.Time
		Job      JobID
		Actor    string
		Door     string
		Approved bool
		Comment  string   // what the person had to say, if anything
		Values   []Value  `json:",omitempty"` // what the person filled in
		Meets    []string // names of the requirements that the vote counts for
		Owned    []Owned  `json:",omitempty"` // where code owners are asked, those of the changed files
		Voters   []Voter  `json:",omitempty"`
		Review   int64    `json:",omitempty"` // the review that gives it, if one does
	}

	// Described tells what an approval would let in, for people to be shown.
	Described struct {
		At      time.Time
		Job     JobID
		Request Request
		Owned   []Owned `json:",omitempty"` // where code owners are asked
	}

	// Withdrawn takes back a vote that has not decided the approval yet.
	Withdrawn struct {
		At     time.Time
		Job    JobID
		Actor  string
		Door   string // by which the vote was given
		Review int64  `json:",omitempty"` // only a vote that this review gave; zero: any by the door
		Reason string
	}

	// ApprovalExpired ends an approval nobody answered in time.
	ApprovalExpired struct {
		At  time.Time
		Job JobID
	}
)

func (Started) Kind() Kind         { return KindStarted }
func (Invalid) Kind() Kind         { return KindInvalid }
func (Outrun) Kind() Kind          { return KindOutrun }
func (Skip) Kind() Kind            { return KindSkip }
func (SourceFetched) Kind() Kind   { return KindSourceFetched }
func (SourceFailed) Kind() Kind    { return KindSourceFailed }
func (Admitted) Kind() Kind        { return KindAdmitted }
func (Cancel) Kind() Kind          { return KindCancel }
func (Stop) Kind() Kind            { return KindStop }
func (Entered) Kind() Kind         { return KindEntered }
func (MadeWay) Kind() Kind         { return KindSuperseded }
func (TurnedAway) Kind() Kind      { return KindTurnedAway }
func (Granted) Kind() Kind         { return KindGranted }
func (Cleared) Kind() Kind         { return KindCleared }
func (Shut) Kind() Kind            { return KindShut }
func (Opened) Kind() Kind          { return KindOpened }
func (Due) Kind() Kind             { return KindDue }
func (Compared) Kind() Kind        { return KindCompared }
func (Trusted) Kind() Kind         { return KindTrusted }
func (Override) Kind() Kind        { return KindOverride }
func (RolledBack) Kind() Kind      { return KindRolledBack }
func (Retry) Kind() Kind           { return KindRetry }
func (JobStarted) Kind() Kind      { return KindJobStarted }
func (JobFinished) Kind() Kind     { return KindJobFinished }
func (Decided) Kind() Kind         { return KindDecided }
func (Described) Kind() Kind       { return KindDescribed }
func (Withdrawn) Kind() Kind       { return KindWithdrawn }
func (ApprovalExpired) Kind() Kind { return KindExpired }

func (e Started) When() time.Time         { return e.At }
func (e Invalid) When() time.Time         { return e.At }
func (e Outrun) When() time.Time          { return e.At }
func (e Skip) When() time.Time            { return e.At }
func (e SourceFetched) When() time.Time   { return e.At }
func (e SourceFailed) When() time.Time    { return e.At }
func (e Admitted) When() time.Time        { return e.At }
func (e Cancel) When() time.Time          { return e.At }
func (e Stop) When() time.Time            { return e.At }
func (e Entered) When() time.Time         { return e.At }
func (e MadeWay) When() time.Time         { return e.At }
func (e TurnedAway) When() time.Time      { return e.At }
func (e Granted) When() time.Time         { return e.At }
func (e Cleared) When() time.Time         { return e.At }
func (e Shut) When() time.Time            { return e.At }
func (e Opened) When() time.Time          { return e.At }
func (e Due) When() time.Time             { return e.At }
func (e Compared) When() time.Time        { return e.At }
func (e Trusted) When() time.Time         { return e.At }
func (e Override) When() time.Time        { return e.At }
func (e RolledBack) When() time.Time      { return e.At }
func (e Retry) When() time.Time           { return e.At }
func (e JobStarted) When() time.Time      { return e.At }
func (e JobFinished) When() time.Time     { return e.At }
func (e Decided) When() time.Time         { return e.At }
func (e Described) When() time.Time       { return e.At }
func (e Withdrawn) When() time.Time       { return e.At }
func (e ApprovalExpired) When() time.Time { return e.At }
