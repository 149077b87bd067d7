package local

import (
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Reporter shows a run to people. Begin comes first and End last; Change is
// called for one change at a time, Log and Note by any goroutine. None of them
// may call back.
type Reporter interface {
	// Begin says what is going to run.
	Begin(b Beginning)
	// Change tells where the execution stands now.
	Change(x pipeline.Execution)
	// Log brings whole lines of an action's log, in the form they are stored:
	// TIME STREAM TEXT. The bytes are valid until it returns.
	Log(stage, action string, lines []byte)
	// Note is what people should know about the run itself.
	Note(text string)
	// End says how it went.
	End(o Outcome)
}

// Beginning is what a run is about to do.
type Beginning struct {
	Pipeline string
	File     string // of the pipeline, as it was named or found
	Root     string // of the working tree
	Revision string // such as c0ffee1 with uncommitted changes; empty outside a repository
	Stages   []Step // what was chosen to run
	At       time.Time
}

// Step is a stage with the names of its actions, in the order of the file, and
// what people call them.
type Step struct {
	Stage   string
	Actions []string
	Titles  []string
}

// Outcome is how a run ended.
type Outcome struct {
	Execution   pipeline.Execution
	Interrupted bool
	Took        time.Duration
	Logs        string // folder of the logs: STAGE/ACTION.log
	Artifacts   string // folder of the artifacts
}

// Succeeded tells whether everything that was chosen ended well.
func (o Outcome) Succeeded() bool {
	return !o.Interrupted && o.Execution.Status == pipeline.Succeeded
}
