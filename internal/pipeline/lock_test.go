package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// doors closes the way to a lock, or opens it.
type doors struct {
	pipeline.LockEvent

	closed bool
}

func TestLock(t *testing.T) {
	enter := func(n int) pipeline.LockEvent {
		return pipeline.Enter{Claim: pipeline.Claim{Execution: name(n), Number: n}}
	}
	work := func(n int) pipeline.LockEvent {
		return pipeline.Begin{Claim: pipeline.Claim{Execution: name(n), Number: n}}
	}
	leave := func(n int) pipeline.LockEvent { return pipeline.Leave{Execution: name(n)} }
	in := func(mode pipeline.Mode) func(n int) pipeline.LockEvent {
		return func(n int) pipeline.LockEvent {
			return pipeline.Enter{Claim: pipeline.Claim{Execution: name(n), Number: n, Mode: mode}}
		}
	}
	queue, parallel := in(pipeline.Queueing), in(pipeline.Parallel)
	back := func(n int) pipeline.LockEvent {
		return pipeline.Enter{Claim: pipeline.Claim{Execution: name(n), Number: n, Mode: pipeline.Queueing, First: true}}
	}
	shut, open := doors{closed: true}, doors{}
	for _, tc := range []struct {
		name   string
		events []pipeline.LockEvent
		want   string // answers: x1 entered, x1<2 made way for 2
		holder string
	}{
		{"free", []pipeline.LockEvent{enter(1)}, "x1", "x1"},
		{"twice", []pipeline.LockEvent{enter(1), enter(1)}, "x1 x1", "x1"},
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
		{"queued, nobody is overtaken", []pipeline.LockEvent{queue(1), queue(3), queue(2), leave(1), leave(3)}, "x1 x3 x2", "x2"},
		{"queued, nobody makes way", []pipeline.LockEvent{queue(1), queue(2), leave(2), leave(1)}, "x1", ""},
		{"parallel, nobody waits", []pipeline.LockEvent{parallel(1), parallel(3), parallel(2)}, "x1 x3 x2", ""},
		{"closed", []pipeline.LockEvent{shut, enter(1), open}, "x1", "x1"},
		{"closed, only the newest waits", []pipeline.LockEvent{shut, enter(1), enter(2), open}, "x1<2 x2", "x2"},
		{"closed, who is inside stays", []pipeline.LockEvent{enter(1), shut, enter(2), open}, "x1 x1<2 x2", "x2"},
		{"closed behind a worker", []pipeline.LockEvent{enter(1), work(1), shut, enter(2), leave(1), open}, "x1 x2", "x2"},
		{"closed and queued", []pipeline.LockEvent{shut, queue(2), queue(1), open, leave(2)}, "x2 x1", "x1"},
		{"closed and parallel", []pipeline.LockEvent{shut, parallel(1), parallel(2), open}, "x1 x2", ""},
		{"a file that changed its mode", []pipeline.LockEvent{queue(1), enter(2), enter(3), parallel(4), leave(1), leave(3)}, "x1 x2<3 x3 x4", ""},
		{"a rollback comes first", []pipeline.LockEvent{enter(1), work(1), enter(2), back(3), leave(1), leave(3)}, "x1 x3 x2", "x2"},
		{"a rollback takes the place of who only waits for approval", []pipeline.LockEvent{enter(1), back(2)}, "x1 x1<2 x2", "x2"},
		{"who comes while a rollback waits goes on after it", []pipeline.LockEvent{enter(1), work(1), back(3), enter(2), leave(1), leave(3)}, "x1 x3 x2", "x2"},
		{"who comes after a rollback goes on", []pipeline.LockEvent{back(3), leave(3), enter(2)}, "x3 x2", "x2"},
		{"working ends with the holder", []pipeline.LockEvent{enter(1), work(1), leave(1), enter(2), enter(3)}, "x1 x2 x2<3 x3", "x3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var (
				lock pipeline.Lock
				got  []string
			)
			for _, e := range tc.events {
				var answers []pipeline.Answer
				if door, ok := e.(doors); ok {
					lock.Closed, e = door.closed, pipeline.Open{}
				}
				lock, answers = lock.Apply(e)
				for _, a := range answers {
					switch a.Word {
					case pipeline.LetIn:
						got = append(got, a.Execution)
					case pipeline.MakeWay:
						got = append(got, a.Execution+"<"+strings.TrimPrefix(name(a.By), "x"))
					case pipeline.Clear:
					default:
						got = append(got, a.Execution+" "+string(a.Word))
					}
				}
			}
			if strings.Join(got, " ") != tc.want || lock.Holder.Execution != tc.holder {
				t.Errorf("answers %v, holder %q; want %s, %q", got, lock.Holder.Execution, tc.want, tc.holder)
			}
		})
	}
}

// TestOvertakenByARollback asks whether what was rolled back may run again.
func TestOvertakenByARollback(t *testing.T) {
	claim := func(n int, first bool) pipeline.Claim {
		return pipeline.Claim{Execution: name(n), Number: n, First: first}
	}
	lock, _ := pipeline.Lock{}.Apply(pipeline.Enter{Claim: claim(1, false)})
	lock, _ = lock.Apply(pipeline.HandOver{Execution: name(1), To: claim(2, true)})
	lock, _ = lock.Apply(pipeline.Leave{Execution: name(2)})
	if !lock.Overtaken(1) || lock.Overtaken(2) {
		t.Errorf("%+v", lock)
	}
}

func name(n int) string { return "x" + string(rune('0'+n)) }
