package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

const valid = `on: push
stages: [{ name: build, actions: [{ name: compile, image: alpine, run: make }] }]
`

// tree is a repository with these files, by path; a text that begins with -> is
// a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		err := os.WriteFile(file, []byte(text), 0o600)
		if target, link := strings.CutPrefix(text, "->"); link {
			_ = os.Remove(file)
			err = os.Symlink(target, file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// said is what a command wrote, and its exit code.
type said struct {
	code     int
	out, err string
}

// call runs the binary in a folder.
func call(t *testing.T, dir, stdin string, args ...string) said {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, err bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &err
	_ = cmd.Run()
	return said{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}

// mistaken is a repository with all kinds of mistakes.
func mistaken(t *testing.T) string {
	t.Helper()
	return tree(t, map[string]string{
		".github/pipelines/release.yaml":     strings.Replace(valid, "image:", "imgae:", 1),
		".github/pipelines/again.yml":        "name: Release\n" + valid,
		".github/pipelines/100%, ok: é#.yml": "name: odd\n" + strings.Replace(strings.Replace(valid, "make", `"${{ source.commit }}"`, 1), "name: build", `name: "\e[31mé\n%"`, 1),
		".github/pipelines/a:\nb.yaml":       "name: lines\n" + strings.Replace(valid, "push", "pusj", 1),
		".github/pipelines/link.yaml":        "->release.yaml",
		".github/pipelines/fine.yaml":        valid,
		".github/pipelines/fine.json":        "not looked at",
		".github/pipelines/old/bad.yaml":     "not looked at",
		"docs/bad.yaml":                      "not looked at",
	})
}

func TestValidateFormats(t *testing.T) {
	dir := mistaken(t)
	for _, format := range []string{"text", "json", "sarif", "github"} {
		t.Run(format, func(t *testing.T) {
			got := call(t, dir, "", "validate", "--format", format)
			golden(t, "validate/"+format+".golden", got.out)
			if got.code != exitFailed || got.err != "" {
				t.Errorf("exit code %d, said beside it %q", got.code, got.err)
			}
		})
	}
}

// TestValidateNothing is what machines read where there is no mistake.
func TestValidateNothing(t *testing.T) {
	dir := tree(t, map[string]string{".github/pipelines/a.yaml": valid, ".github/pipelines/b.yaml": valid})
	for format, want := range map[string]said{
		"text":   {0, "", "2 pipeline files are valid\n"},
		"json":   {0, "[]\n", ""},
		"github": {0, "", ""},
	} {
		if diff := cmp.Diff(want, call(t, dir, "", "validate", "--format", format), cmp.AllowUnexported(said{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", format, diff)
		}
	}
	if got := call(t, dir, "", "validate", "--format", "sarif"); got.code != 0 || !strings.Contains(got.out, `"results": []`) {
		t.Errorf("sarif: exit code %d\n%s", got.code, got.out)
	}
}

func TestValidateFinds(t *testing.T) {
	bad := strings.Replace(valid, "image:", "imgae:", 1)
	dir := tree(t, map[string]string{
		".github/pipelines/bad.yaml":  bad,
		".github/pipelines/good.yaml": valid,
		"sub/folder/other.yml":        strings.Replace(bad, "imgae", "imag", 1),
		"sub/link.yaml":               "->folder/other.yml",
		"app/.github/pipelines/x.yml": bad,
		"none/README.md":              "",
		"linked/.github/pipelines":    "->../../sub/folder",
		"large.yaml":                  valid + strings.Repeat("#", 1<<20),
	})
	full := filepath.Join(dir, "sub/folder/other.yml")
	pipe := filepath.Join(dir, "piped/.github/pipelines/pipe.yaml")
	if err := os.MkdirAll(filepath.Dir(pipe), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	key := `:2:52: an action has no key "imgae" (did you mean image?)`
	other := strings.Replace(key, "imgae", "imag", 1)
	for name, c := range map[string]struct {
		from  string
		args  []string
		stdin string
		code  int
		want  string // the beginning of a line of what it says
	}{
		"above":               {"sub/folder", nil, "", 1, "../../.github/pipelines/bad.yaml" + key},
		"here":                {".", nil, "", 1, ".github/pipelines/bad.yaml" + key},
		"file":                {".", []string{"sub/../.github/pipelines/bad.yaml"}, "", 1, ".github/pipelines/bad.yaml" + key},
		"file beside":         {"sub/folder", []string{"other.yml"}, "", 1, "other.yml" + other},
		"absolute":            {"sub", []string{full}, "", 1, full + other},
		"named link":          {"sub", []string{"link.yaml"}, "", 1, "link.yaml" + other},
		"folder":              {".", []string{"sub/folder"}, "", 1, "sub/folder/other.yml" + other},
		"folder of its own":   {"sub", []string{"../app"}, "", 1, "../app/.github/pipelines/x.yml" + key},
		"standard input":      {".", []string{"-"}, bad, 1, "stdin" + key},
		"named input":         {".", []string{"--stdin-name", "draft.yaml", "-"}, bad, 1, "draft.yaml" + key},
		"large input":         {".", []string{"-"}, strings.Repeat("#", 8<<20), 1, "stdin:1:1: the file is larger than 1 MB"},
		"large file":          {".", []string{"large.yaml"}, "", 1, "large.yaml:1:1: the file is larger than 1 MB"},
		"endless":             {".", []string{"/dev/zero"}, "", 1, "/dev/zero:1:1: the file is larger than 1 MB"},
		"twice the same":      {".", []string{".github/pipelines/good.yaml", "./.github/pipelines/good.yaml"}, "", 0, "1 pipeline file is valid"},
		"no such file":        {".", []string{"nope.yaml", ".github/pipelines/bad.yaml"}, "", 2, "stagegate: there is no file nope.yaml"},
		"the others of those": {".", []string{"nope.yaml", ".github/pipelines/bad.yaml"}, "", 2, ".github/pipelines/bad.yaml" + key},
		"no files":            {".", []string{"none"}, "", 2, "stagegate: there is no pipeline: "},
		"folder is a link":    {".", []string{"linked"}, "", 2, "stagegate: " + dir + "/linked/.github/pipelines is a symbolic link"},
		"pipe":                {".", []string{"piped"}, "", 2, "stagegate: read piped/.github/pipelines/pipe.yaml: it is not a regular file"},
		"GitHub from below":   {"sub/folder", []string{"--format", "github"}, "", 1, "::error file=.github/pipelines/bad.yaml,line=2,col=52,"},
		"GitHub of a file":    {"sub/folder", []string{"--format", "github", "other.yml"}, "", 1, "::error file=sub/folder/other.yml,line=2,col=52,"},
		"folder of pipelines": {".github/pipelines", []string{"."}, "", 1, "bad.yaml" + key},
		"no such format":      {".", []string{"--format", "xml"}, "", 2, `stagegate: there is no format "xml": choose text, json, sarif or github`},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, filepath.Join(dir, c.from), c.stdin, append([]string{"validate"}, c.args...)...)
			lines := strings.Split(got.out+got.err, "\n")
			if got.code != c.code || !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, c.want) }) {
				t.Errorf("exit code %d, want %d and %s\n%s%s", got.code, c.code, c.want, got.out, got.err)
			}
		})
	}
}

// TestMistakesOfARun asks that run and validate show mistakes alike.
func TestMistakesOfARun(t *testing.T) {
	dir := tree(t, map[string]string{".github/pipelines/a.yaml": strings.Replace(valid, "image:", `"\e[31m":`, 1)})
	want := call(t, dir, "", "validate")
	if got := call(t, dir, "", "run"); got.code != exitUsage || got.err != want.out || want.out == "" || got.out != "" {
		t.Errorf("exit code %d\n%s%s, want\n%s", got.code, got.out, got.err, want.out)
	}
}

// TestValidateInterrupted asks that Ctrl-C ends it while it waits for input.
func TestValidateInterrupted(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), binary, "validate", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: once it is written the command reads, and has
	// asked for signals long before.
	if _, err := in.Write(bytes.Repeat([]byte("#"), 1<<18)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitBroken {
		t.Errorf("exit code %d", code)
	}
}

// TestSARIF holds the golden file to what code scanning asks of one.
func TestSARIF(t *testing.T) {
	text, err := os.ReadFile("testdata/validate/sarif.golden")
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			ColumnKind string
			Tool       struct {
				Driver struct {
					Name, Version, InformationURI string
					Rules                         []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-2.1.0.json") || len(log.Runs) != 1 {
		t.Fatalf("version %q, schema %q, %d runs", log.Version, log.Schema, len(log.Runs))
	}
	run := log.Runs[0]
	driver := run.Tool.Driver
	if driver.Name != "Stagegate" || driver.Version == "" || len(driver.Rules) != 1 || run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("driver %+v, columns %q", driver, run.ColumnKind)
	}
	if len(run.Results) < 5 {
		t.Errorf("%d results", len(run.Results))
	}
	for _, r := range run.Results {
		if r.RuleID != driver.Rules[r.RuleIndex].ID || r.Level != "error" || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Fatalf("result %+v", r)
		}
		at := r.Locations[0].PhysicalLocation
		uri, err := url.Parse(at.ArtifactLocation.URI)
		if err != nil || uri.Scheme != "" || uri.Host != "" || !strings.HasPrefix(uri.Path, ".github/pipelines/") || uri.RawQuery+uri.Fragment != "" ||
			at.ArtifactLocation.URIBaseID != "%SRCROOT%" || at.Region.StartLine < 1 || at.Region.StartColumn < 1 {
			t.Errorf("location %+v, %v", at, err)
		}
	}
}
