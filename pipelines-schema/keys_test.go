package schema

import (
	"slices"
	"testing"
)

// TestTables keeps the tables whole: every mapping has keys, each once.
func TestTables(t *testing.T) {
	for _, w := range everywhere {
		keys := keysOf(w)
		if len(keys) == 0 {
			t.Errorf("%s has no keys", w)
		}
		sorted := slices.Sorted(slices.Values(keys))
		if len(slices.Compact(sorted)) != len(keys) {
			t.Errorf("%s has a key twice: %v", w, keys)
		}
	}
}
