package runner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestParseOutputs(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []pipeline.Value
		err  string
	}{
		"empty":            {"", nil, ""},
		"plain":            {"a=1\nb=2=3\n", []pipeline.Value{{Name: "a", Value: "1"}, {Name: "b", Value: "2=3"}}, ""},
		"later wins":       {"a=1\nb=2\na=3", []pipeline.Value{{Name: "a", Value: "3"}, {Name: "b", Value: "2"}}, ""},
		"CR and blanks":    {"a=1\r\n\r\n\nb= x \r\n", []pipeline.Value{{Name: "a", Value: "1"}, {Name: "b", Value: " x "}}, ""},
		"empty value":      {"a=", []pipeline.Value{{Name: "a"}}, ""},
		"several lines":    {"a<<END\none\ntwo=x\nEND\nb=1", []pipeline.Value{{Name: "a", Value: "one\ntwo=x"}, {Name: "b", Value: "1"}}, ""},
		"CR inside":        {"a<<E\r\none\r\ntwo\r\nE\r\n", []pipeline.Value{{Name: "a", Value: "one\ntwo"}}, ""},
		"no lines":         {"a<<E\nE", []pipeline.Value{{Name: "a"}}, ""},
		"heredoc in value": {"a=x<<y", []pipeline.Value{{Name: "a", Value: "x<<y"}}, ""},
		"no =":             {"a=1\nhello\n", nil, "line 2 is not key=value"},
		"bad key":          {"1a=x", nil, "line 1 is not key=value"},
		"space":            {"a b=x", nil, "line 1 is not key=value"},
		"no key":           {"=x", nil, "line 1 is not key=value"},
		"no delimiter":     {"a<<\nx", nil, "line 1 is not key=value"},
		"never closed":     {"\na<<END\nx", nil, "line 2: END is never closed"},
	} {
		got, err := parseOutputs(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseOutputs(f *testing.F) {
	f.Add("a=1\nb<<E\nx\nE\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseOutputs(text)
		seen := map[string]bool{}
		for _, v := range values {
			if err != nil || seen[v.Name] || !outputKey.MatchString(v.Name) {
				t.Fatalf("%q, %v", values, err)
			}
			seen[v.Name] = true
		}
	})
}

func TestCommand(t *testing.T) {
	for shell, want := range map[string]string{
		"":                          "sh -e /stagegate/run",
		"sh":                        "sh -e /stagegate/run",
		"bash":                      "bash -eo pipefail /stagegate/run",
		"python3":                   "python3 /stagegate/run",
		"  perl  -w ":               "perl -w /stagegate/run",
		"bash --noprofile {0} more": "bash --noprofile /stagegate/run more",
	} {
		if got := strings.Join(command(shell), " "); got != want {
			t.Errorf("%q: %q", shell, got)
		}
	}
}

func TestContainerNameIsOfRunnerAndJob(t *testing.T) {
	a, b, c := ContainerName("r", "7/build/a/1"), ContainerName("r", "7/build/a/2"), ContainerName("s", "7/build/a/1")
	if a == b || a == c || a != ContainerName("r", "7/build/a/1") {
		t.Error(a, b, c)
	}
}

func TestLoadID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var all sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		all.Go(func() {
			id, err := LoadID(dir)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	all.Wait()
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 1 || ids[0] == "" {
		t.Errorf("%q", ids)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, identityFile), []byte("../evil\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := LoadID(dir); err == nil {
		t.Errorf("took %q", id)
	}
}
