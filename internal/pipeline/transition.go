package pipeline

import "time"

// Transition is the way into a stage while a person keeps it closed. One of a lane
// and one of all lanes may stand beside each other.
type Transition struct {
	Repository int64 // GitHub's id
	Pipeline   string
	Stage      string
	Lane       string // empty: all lanes
	Actor      string // login of who disabled it
	Reason     string
	At         time.Time // when it was disabled
	Until      time.Time // from then on it is open again; zero: until somebody enables it
}

// The kinds of entries in the audit log that are about a transition.
const (
	KindDisabled Kind = "disabled"
	KindEnabled  Kind = "enabled"
)

// Holds tells whether it keeps executions out at a time.
func (t Transition) Holds(now time.Time) bool { return t.Until.IsZero() || now.Before(t.Until) }

// leadsTo tells whether it is the way to the lock of a stage.
func (t Transition) leadsTo(k LockKey) bool {
	return t.Repository == k.Repository && t.Pipeline == k.Pipeline && t.Stage == k.Stage && (t.Lane == "" || t.Lane == k.Lane)
}

// Closing returns which of the transitions keeps executions out of a stage, of
// several the one that does so longest; ok is false when the way is open.
func Closing(all []Transition, stage LockKey, now time.Time) (longest Transition, ok bool) {
	for _, t := range all {
		if !t.leadsTo(stage) || !t.Holds(now) {
			continue
		}
		if !ok || !longest.Until.IsZero() && (t.Until.IsZero() || t.Until.After(longest.Until)) {
			longest, ok = t, true
		}
	}
	return longest, ok
}

// Words says who keeps the way closed, since and until when, and why. The end is
// said in its own time zone and, where that is another, in UTC.
func (t Transition) Words() string {
	const layout = "2 January 2006 15:04 MST"
	text := "closed by " + t.Actor + " since " + t.At.UTC().Format(layout)
	if !t.Until.IsZero() {
		text += ", until " + t.Until.Format("Monday "+layout)
		if _, offset := t.Until.Zone(); offset != 0 {
			text += t.Until.UTC().Format(" (Monday 15:04 UTC)")
		}
	}
	return text + ": " + t.Reason
}

// GoesOn says which of those that wait in front of a stage go on when it is opened.
func (m Mode) GoesOn(lane string) string {
	switch m {
	case Queueing:
		return "those of " + lane + " that wait here go on in the order in which they came"
	case Parallel:
		return "all of " + lane + " that wait here go on"
	case Superseding:
	}
	return "the newest of " + lane + " that waits here goes on"
}
