package architecture

import (
	"os/exec"
	"strings"
	"testing"
)

// slow are packages whose start takes a measurable part of a short `stagegate
// run`, because they compile or build much before main begins.
var slow = []string{
	"github.com/santhosh-tekuri/jsonschema/v6", // compiles the meta schemas of JSON Schema: 13 ms
}

func TestBinaryStartsQuickly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/cmd/stagegate").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		linked[path] = true
	}
	if !linked[module+"/local"] {
		t.Fatal("the list of what is linked does not hold local")
	}
	for _, path := range slow {
		if linked[path] {
			t.Errorf("cmd/stagegate links %s, which makes every command of it start slowly: find who imports it with `go mod why %s`", path, path)
		}
	}
}
