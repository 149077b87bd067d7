package show

import (
	"fmt"
	"time"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// picture is what a frame is made of.
type picture struct {
	style   style
	stages  []pipeline.StageState
	titles  titles
	last    map[string]string // the last line of what runs, by STAGE/ACTION
	now     time.Time
	began   time.Time
	turn    int // counts the frames
	columns int
	ended   bool
}

// detail is how much of a tree is shown; each leaves out more.
type detail int

const (
	everything  detail = iota
	noneDone           // stages that succeeded are one line
	noneToCome         // and those that were not reached
	onlyWhatIs         // and of the others only what runs, waits or went wrong
	lastDetail  = onlyWhatIs
	nameMargin  = 4 // in front of an action's name: two, its sign, one
	timeColumns = 9 // 59 min 59 s is rare enough to move what follows
)

// frame draws the tree in at most so many rows; zero is as many as it takes.
func (p picture) frame(rows int) []row {
	all := p.tree(everything)
	for d := noneDone; rows > 0 && len(all) > rows && d <= lastDetail; d++ {
		all = p.tree(d)
	}
	if rows > 0 && len(all) > rows {
		lost := len(all) - rows + 1
		all = append(all[:rows-1:rows-1], p.line(func(l *line) { l.add(grey, fmt.Sprintf("… %d more lines", lost)) }))
	}
	return all
}

func (p picture) tree(d detail) []row {
	var all []row
	names := 0
	done, actions := 0, 0
	for _, st := range p.stages {
		for _, a := range st.Actions {
			names = max(names, columns(p.titles.of(st.Name, a.Name)))
			actions++
			if a.Status.Ended() {
				done++
			}
		}
	}
	for _, st := range p.stages {
		all = append(all, p.stage(st))
		if d >= noneDone && st.Status == pipeline.Succeeded || d >= noneToCome && untouched(st.Status) {
			continue
		}
		for _, a := range st.Actions {
			if d >= onlyWhatIs && !urgent(a.Status) {
				continue
			}
			all = append(all, p.action(st.Name, a, names))
		}
	}
	if !p.ended {
		all = append(all, p.line(func(l *line) {
			l.add(grey, fmt.Sprintf("%s, %d of %d actions done", ticking(p.now.Sub(p.began)), done, actions))
		}))
	}
	return all
}

func untouched(s pipeline.Status) bool { return s == pipeline.Pending || s == "" }

// urgent tells whether an action is worth a line when there are few.
func urgent(s pipeline.Status) bool {
	return s == pipeline.InProgress || s == pipeline.Waiting || s == pipeline.Stopping || s == pipeline.Cancelling || s.Bad()
}

func (p picture) line(fill func(*line)) row {
	l := line{style: p.style, left: p.columns}
	fill(&l)
	return l.row()
}

func (p picture) stage(st pipeline.StageState) row {
	return p.line(func(l *line) {
		l.add(colourOf(st.Status), p.sign(st.Status))
		l.add(bold, " "+st.Name)
		if took := p.took(st.StartedAt, st.EndedAt); took != "" {
			l.add(grey, "  "+took)
		}
		if st.Status.Ended() && st.Reason != "" {
			l.add(grey, "  "+clean(firstLine(st.Reason)))
		}
	})
}

func (p picture) action(stage string, a pipeline.ActionState, names int) row {
	return p.line(func(l *line) {
		l.add(colourOf(a.Status), "  "+p.sign(a.Status))
		l.add(plain, " "+p.titles.of(stage, a.Name))
		if !reached(a) {
			return
		}
		names += nameMargin + 2
		l.cell(names, grey, p.took(a.StartedAt, a.EndedAt))
		names += timeColumns + 2
		switch text := clean(firstLine(a.Reason)); {
		case a.Status.Bad():
			l.cell(names, red, words(a.Status))
			l.add(plain, colon(text))
		case a.Status == pipeline.Waiting:
			l.cell(names, plain, "waits for approval")
		case a.Status.Ended():
			l.cell(names, grey, text)
		default:
			l.cell(names, grey, p.last[stage+"/"+a.Name])
		}
	})
}

// reached tells whether there is anything to say of an action.
func reached(a pipeline.ActionState) bool { return !untouched(a.Status) && a.Reason != notStarted }

// took is how long something took, or has taken so far.
func (p picture) took(start, end time.Time) string {
	switch {
	case start.IsZero():
		return ""
	case end.IsZero():
		return ticking(p.now.Sub(start))
	}
	return human.Duration(end.Sub(start))
}

// ticking writes a time that goes on: shorter ones too in tenths of seconds.
func ticking(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f s", max(d, 0).Seconds())
	}
	return human.Duration(d)
}

var wheel = [...]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// sign stands for a status.
func (p picture) sign(s pipeline.Status) string {
	switch {
	case s == pipeline.Succeeded:
		return "✓"
	case s.Bad():
		return "✗"
	case s == pipeline.InProgress, s == pipeline.Stopping, s == pipeline.Cancelling:
		return wheel[p.turn%len(wheel)]
	case s == pipeline.Waiting:
		return "?"
	case s == pipeline.Cancelled, s == pipeline.Stopped, s == pipeline.Skipped, s == pipeline.Superseded:
		return "-"
	}
	return "·"
}
