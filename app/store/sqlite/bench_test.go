package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/app/store/storetest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// BenchmarkWaiting is one execution that comes to a stage and leaves it, where one
// waits already, or a thousand do.
func BenchmarkWaiting(b *testing.B) {
	for _, waiting := range []int{1, 1000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "s.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			key := pipeline.LockKey{Repository: 42, Pipeline: "release", Lane: "refs/heads/main", Stage: "production"}
			enter := func(n int) pipeline.LockEvent {
				return pipeline.Enter{Claim: pipeline.Claim{Execution: fmt.Sprint(n), Number: n, Pipeline: "release", Stage: "production", Mode: pipeline.Queueing}}
			}
			err = s.Update(b.Context(), func(tx store.Tx) error {
				for n := range waiting + 1 {
					if _, err := storetest.Tell(b.Context(), tx, key, enter(n)); err != nil {
						return err
					}
				}
				for b.Loop() {
					for _, e := range []pipeline.LockEvent{enter(5000), pipeline.Leave{Execution: "5000"}} {
						if _, err := storetest.Tell(b.Context(), tx, key, e); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
