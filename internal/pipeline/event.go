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
	KindCancel        Kind = "cancel"         // execution
	KindStop          Kind = "stop"           // execution
	KindEntered       Kind = "entered"        // stage
	KindSuperseded    Kind = "superseded"     // stage
	KindRetry         Kind = "retry"          // stage
	KindJobStarted    Kind = "job_started"    // action
	KindJobFinished   Kind = "job_finished"   // action
	KindDecided       Kind = "decided"        // action
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
		Reason  string
		Abandon bool
	}

	// Entered lets the execution into the stage, or into the stage's environment
	// after that.
	Entered struct {
		At          time.Time
		Stage       string
		Environment bool
	}

	// MadeWay ends the execution at the stage because a newer one of its lane
	// takes its place.
	MadeWay struct {
		At    time.Time
		Stage string
		By    int // number of the newer one
	}

	// Retry runs a failed or stopped stage again: the actions that did not succeed,
	// or All, approvals included. Overtaken tells that a newer execution has been in
	// the stage since, which refuses it.
	Retry struct {
		At        time.Time
		Actor     string
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

	// Decided answers an approval. Who may decide was checked before.
	Decided struct {
		At       time.Time
		Job      JobID
		Actor    string
		Door     string
		Approved bool
		Comment  string // what the person had to say, if anything
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
func (Cancel) Kind() Kind          { return KindCancel }
func (Stop) Kind() Kind            { return KindStop }
func (Entered) Kind() Kind         { return KindEntered }
func (MadeWay) Kind() Kind         { return KindSuperseded }
func (Retry) Kind() Kind           { return KindRetry }
func (JobStarted) Kind() Kind      { return KindJobStarted }
func (JobFinished) Kind() Kind     { return KindJobFinished }
func (Decided) Kind() Kind         { return KindDecided }
func (ApprovalExpired) Kind() Kind { return KindExpired }

func (e Started) When() time.Time         { return e.At }
func (e Invalid) When() time.Time         { return e.At }
func (e Outrun) When() time.Time          { return e.At }
func (e Skip) When() time.Time            { return e.At }
func (e SourceFetched) When() time.Time   { return e.At }
func (e SourceFailed) When() time.Time    { return e.At }
func (e Cancel) When() time.Time          { return e.At }
func (e Stop) When() time.Time            { return e.At }
func (e Entered) When() time.Time         { return e.At }
func (e MadeWay) When() time.Time         { return e.At }
func (e Retry) When() time.Time           { return e.At }
func (e JobStarted) When() time.Time      { return e.At }
func (e JobFinished) When() time.Time     { return e.At }
func (e Decided) When() time.Time         { return e.At }
func (e ApprovalExpired) When() time.Time { return e.At }
