package pipeline

import "slices"

// Link is an execution whose success started another one.
type Link struct {
	Execution string
	Number    int
	Pipeline  string
	Stage     string `json:",omitempty"` // the stage that succeeded; empty: all of it
}

// succeeded starts the pipelines that wait for a stage, or for the execution.
func (m *move) succeeded(stage string, attempt int) {
	if slices.Contains(m.Followed, stage) {
		m.emit(StartFollowers{stage, attempt})
	}
}
