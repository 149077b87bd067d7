package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestLock(t *testing.T) {
	enter := func(n int) pipeline.LockEvent { return pipeline.Enter{Execution: name(n), Number: n} }
	work := func(n int) pipeline.LockEvent { return pipeline.Work{Execution: name(n)} }
	leave := func(n int) pipeline.LockEvent { return pipeline.Leave{Execution: name(n)} }
	for _, tc := range []struct {
		name   string
		events []pipeline.LockEvent
		want   string // answers: x1 entered, x1<2 made way for 2
		holder string
	}{
		{"free", []pipeline.LockEvent{enter(1)}, "x1", "x1"},
		{"twice", []pipeline.LockEvent{enter(1), enter(1)}, "x1", "x1"},
		{"held by a worker", []pipeline.LockEvent{enter(1), work(1), enter(2)}, "x1", "x1"},
		{"handed on", []pipeline.LockEvent{enter(1), work(1), enter(2), leave(1)}, "x1 x2", "x2"},
		{"only the newest waits", []pipeline.LockEvent{enter(1), work(1), enter(2), enter(3), leave(1)}, "x1 x2<3 x3", "x3"},
		{"an older one does not replace a waiter", []pipeline.LockEvent{enter(1), work(1), enter(3), enter(2), leave(1)}, "x1 x2<3 x3", "x3"},
		{"one that only waits for approval makes way", []pipeline.LockEvent{enter(1), enter(2)}, "x1 x1<2 x2", "x2"},
		{"an older one never enters behind a newer", []pipeline.LockEvent{enter(2), leave(2), enter(1)}, "x2 x1<2", ""},
		{"the same may enter again", []pipeline.LockEvent{enter(2), leave(2), enter(2)}, "x2 x2", "x2"},
		{"a waiter may give up", []pipeline.LockEvent{enter(1), work(1), enter(2), leave(2), leave(1)}, "x1", ""},
		{"work is the holder's word", []pipeline.LockEvent{enter(1), work(2), enter(2)}, "x1 x1<2 x2", "x2"},
		{"leaving twice", []pipeline.LockEvent{enter(1), leave(1), leave(1)}, "x1", ""},
		{"working ends with the holder", []pipeline.LockEvent{enter(1), work(1), leave(1), enter(2), enter(3)}, "x1 x2 x2<3 x3", "x3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var (
				lock pipeline.Lock
				got  []string
			)
			for _, e := range tc.events {
				var answers []pipeline.Answer
				lock, answers = lock.Apply(e)
				for _, a := range answers {
					text := a.Execution
					if a.By != 0 {
						text += "<" + strings.TrimPrefix(name(a.By), "x")
					}
					got = append(got, text)
				}
			}
			if strings.Join(got, " ") != tc.want || lock.Holder.Execution != tc.holder {
				t.Errorf("answers %v, holder %q; want %s, %q", got, lock.Holder.Execution, tc.want, tc.holder)
			}
		})
	}
}

func name(n int) string { return "x" + string(rune('0'+n)) }
