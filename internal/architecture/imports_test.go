// Package architecture holds the test of who may import whom. It looks at
// production imports only: a test may reach for whatever it needs.
package architecture

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stagegate/stagegate"

// pkg is what `go list -json` tells about a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
}

// layer is where a package stands: cmd → app → runner → adapters →
// pipelines-schema → internal/pipeline.
type layer int

const (
	nowhere   layer = iota // a folder that the house does not have
	ground                 // internal/pipeline: decides, and knows nothing of the world
	library                // internal/X: knows nothing of Stagegate
	schema                 // pipelines-schema: the language
	port                   // app/store: what app asks of a database
	adapter                // one technology each; a new folder below app or runner is one
	runner                 // runs jobs; app and its adapters implement what it asks for
	app                    // joins the adapters
	workbench              // local/...: runs a pipeline of a working tree, without app
	standin                // internal/githubtest: GitHub for tests and the demo
	cmd                    // the binary
)

// imports are the layers that a layer may import. Adapters do not stand in their
// own row: one adapter imports only folders of its own.
var imports = map[layer][]layer{
	ground:    {ground},
	library:   {library},
	standin:   {library, standin},
	schema:    {ground, library, schema},
	port:      {ground, library, schema},
	adapter:   {ground, library, schema, port},
	runner:    {ground, library, schema, adapter},
	app:       {ground, library, schema, port, adapter, runner},
	workbench: {ground, library, schema, runner, workbench},
	cmd:       {ground, library, schema, adapter, runner, app, workbench, standin, cmd},
}

func layerOf(rel string) layer {
	switch {
	case within("internal/pipeline/...", rel):
		return ground
	case within("internal/githubtest/...", rel):
		return standin
	case within("internal/...", rel):
		return library
	case within("pipelines-schema/...", rel):
		return schema
	case rel == "app/store":
		return port
	case within("local/...", rel):
		return workbench
	case rel == "app":
		return app
	case rel == "runner":
		return runner
	case within("app/...", rel), within("runner/...", rel), within("config/...", rel):
		return adapter
	case within("cmd/...", rel):
		return cmd
	}
	return nowhere
}

// within reports whether a path matches a pattern: itself, or with "/..." at its
// end itself and all below.
func within(pattern, path string) bool {
	base, below := strings.CutSuffix(pattern, "/...")
	return path == base || below && strings.HasPrefix(path, base+"/")
}

func withinAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(p, path) })
}

// only says that nobody but the importers imports these packages.
type only struct {
	packages  []string
	importers []string
	why       string
}

// The packages from outside that one package of ours stands in front of. The
// same list, for the editor, is depguard's in .golangci.yml.
var outside = []only{
	{
		[]string{"github.com/google/go-github/...", "github.com/bradleyfalzon/ghinstallation/..."},
		[]string{"app/github"},
		"it turns GitHub's types into ours, and ours into requests",
	},
	{
		[]string{"golang.org/x/oauth2/..."},
		[]string{"app/github"},
		"nobody else signs in at GitHub",
	},
	{
		[]string{"github.com/docker/docker/...", "github.com/moby/moby/..."},
		[]string{"runner/docker"},
		"the runner asks an engine through its own interface",
	},
	{
		[]string{"github.com/gin-gonic/gin/..."},
		[]string{"app/web"},
		"elsewhere HTTP is net/http",
	},
	{
		[]string{"github.com/mattn/go-sqlite3/..."},
		[]string{"app/store/sqlite"},
		"its pragmas and error codes mean nothing to another database",
	},
	{
		[]string{"github.com/jackc/pgx/..."},
		[]string{"app/store/postgres"},
		"its types and error codes mean nothing to another database",
	},
	{
		[]string{"gocloud.dev/secrets/..."},
		[]string{"app/keeper"},
		"others know a data key, not a KMS",
	},
	{
		[]string{"gocloud.dev/blob/...", "gocloud.dev/gcerrors"},
		[]string{"app/blob"},
		"others know a digest and a stream, not a bucket",
	},
	{
		[]string{"go.yaml.in/yaml/...", "gopkg.in/yaml.v2", "gopkg.in/yaml.v3", "github.com/goccy/go-yaml/...", "sigs.k8s.io/yaml/..."},
		[]string{"pipelines-schema/..."},
		"one parser decides what a file means and where its mistakes are",
	},
	{
		[]string{"github.com/santhosh-tekuri/jsonschema/..."},
		nil,
		"the JSON Schema is for editors; what a file means and where its mistakes are, schema.Parse says",
	},
	{
		[]string{"github.com/riverqueue/river/..."},
		[]string{"app", "app/store/..."},
		"jobs are inserted with the state they belong to, in the store's transaction",
	},
	{
		[]string{"github.com/getkin/kin-openapi/..."},
		[]string{"internal/githubtest/...", "app/api/apitest"},
		"only the stand-in is held to GitHub's description of its API, and tests hold our own API to its",
	},
	{
		[]string{"github.com/buildkite/terminal-to-html/..."},
		[]string{"app/web"},
		"a log is text until a page shows it",
	},
	{
		[]string{"golang.org/x/text/..."},
		[]string{"local/show"},
		"nobody else lays text out in columns",
	},
	{
		[]string{"github.com/robfig/cron/..."},
		[]string{"internal/pipeline/cron"},
		"it skips what a change of clocks leaves out, and its runner keeps time of its own",
	},
	{
		[]string{"github.com/spf13/cobra/...", "github.com/spf13/pflag/..."},
		[]string{"cmd/stagegate"},
		"others get settings, not flags",
	},
}

// Packages of ours with fewer importers than their layer would allow.
var inside = []only{
	{
		[]string{"app/store"},
		[]string{"app", "app/store/..."},
		"it is app's port; declare a small interface where you use it, and let app pass the store in",
	},
	{
		[]string{"app/api/apitest"},
		nil,
		"it is for tests",
	},
	{
		[]string{"internal/githubtest/..."},
		[]string{"internal/githubtest/...", "cmd/..."},
		"it is for tests and the demo; move what production needs elsewhere",
	},
}

// impure are the packages of the standard library that would give the ground
// input, output, a clock that waits or a source of chance.
var impure = []string{
	"os/...", "net/...", "syscall/...", "io/ioutil", "database/sql/...",
	"math/rand/...", "crypto/rand", "log/...", "context",
}

// pure are the packages from outside that may stand in the ground.
var pure = []string{
	"github.com/bmatcuk/doublestar/v4", // matches the patterns of branches and paths
	"github.com/robfig/cron/v3",        // reads the times of crontab
}

// clock are the names of package time that read the clock or wait for it.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// violations names every import that the rules forbid, and what to do instead.
func violations(packages []pkg) []string {
	var found []string
	for _, p := range packages {
		importer := relative(p.ImportPath)
		if layerOf(importer) == nowhere {
			found = append(found, importer+" has no place in the house: move it below app, runner, internal or cmd, "+
				"or add its layer to internal/architecture and to docs/architecture.md")
			continue
		}
		for _, imported := range p.Imports {
			if wrong := forbidden(importer, imported); wrong != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", importer, relative(imported), wrong))
			}
		}
	}
	return found
}

// relative is the path below the module; a path of another module stays as it is.
func relative(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// forbidden returns why importer may not import a package and what to do, or nothing.
func forbidden(importer, imported string) string {
	rel, ours := strings.CutPrefix(imported, module+"/")
	if ours {
		return forbiddenInside(importer, rel)
	}
	first, _, _ := strings.Cut(imported, "/")
	standard := !strings.Contains(first, ".")
	switch {
	case layerOf(importer) != ground:
	case standard && withinAny(impure, imported):
		return "internal/pipeline is pure; let the caller do it and pass the result in an event"
	case !standard && !withinAny(pure, imported):
		return "internal/pipeline is pure; move the use to pipelines-schema or above, or show in internal/architecture that the package has no input, output or clock"
	}
	return refusal(outside, importer, imported)
}

func forbiddenInside(importer, imported string) string {
	if wrong := refusal(inside, importer, imported); wrong != "" {
		return wrong
	}
	from, to := layerOf(importer), layerOf(imported)
	switch {
	case within("runner/...", importer) && within("app/...", imported):
		return "the runner never imports app; declare an interface in runner and let app implement it"
	case slices.Contains(imports[from], to):
		return ""
	case to == runner && within("runner/...", importer):
		return "" // its adapters implement what it asks for, as those of app/store do
	case from == adapter && to == adapter && (within(imported+"/...", importer) || within(importer+"/...", imported)):
		return "" // an adapter and the folders below it are one
	case from == adapter && to == adapter:
		return "adapters never import each other; let " + owner(importer) + " join them, or move what both need to pipelines-schema or internal/pipeline"
	case from == library || from == standin:
		return "it may know nothing of Stagegate; pass what it needs as an argument"
	}
	return "imports go cmd → app → runner → adapters → pipelines-schema → internal/pipeline; " +
		"declare an interface in " + importer + " and let a caller above both pass the implementation in"
}

// owner is who joins the adapters of a folder.
func owner(adapter string) string {
	first, _, _ := strings.Cut(adapter, "/")
	if first == "config" {
		return "cmd"
	}
	return first
}

func refusal(rules []only, importer, imported string) string {
	for _, r := range rules {
		if withinAny(r.packages, imported) && !withinAny(r.importers, importer) {
			return "only " + cmp.Or(strings.Join(r.importers, " and "), "tests") + " may; " + r.why
		}
	}
	return ""
}

// clockUses names the places of a Go file that read the clock.
func clockUses(name string, source any) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	local := ""
	for _, spec := range file.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err == nil && imported == "time" {
			local = "time"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clock, s.Sel.Name) {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				found = append(found, fmt.Sprintf("%s:%d uses time.%s", filepath.Base(name), files.Position(s.Pos()).Line, s.Sel.Name))
			}
		}
		return true
	})
	return found, nil
}

func list(t *testing.T) []pkg {
	t.Helper()
	// -e: a package that does not compile is the compiler's to report, not this test's.
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports", module+"/...")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			if len(packages) == 0 {
				t.Fatal("go list names no package of " + module)
			}
			return packages
		case err != nil:
			t.Fatalf("decode the output of go list: %v", err)
		}
		packages = append(packages, p)
	}
}

func TestImports(t *testing.T) {
	packages := list(t)
	for _, v := range violations(packages) {
		t.Error(v)
	}
	for _, p := range packages {
		if layerOf(relative(p.ImportPath)) != ground {
			continue
		}
		for _, file := range slices.Concat(p.GoFiles, p.CgoFiles) {
			uses, err := clockUses(filepath.Join(p.Dir, file), nil)
			if err != nil {
				t.Errorf("parse: %v", err)
			}
			for _, use := range uses {
				t.Errorf("%s: %s: internal/pipeline has no clock; take the time from the event", relative(p.ImportPath), use)
			}
		}
	}
}

// TestRulesCanFail holds the rules to a graph of packages that never was.
func TestRulesCanFail(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		want               string // part of the refusal; empty if the import is right
	}{
		{"cmd/stagegate", "app", ""},
		{"cmd/stagegate", "runner", ""},
		{"cmd/stagegate", "config", ""},
		{"cmd/stagegate", "local/show", ""},
		{"cmd/stagegate", "internal/githubtest", ""},
		{"cmd/stagegate", "github.com/spf13/cobra", ""},
		{"cmd/stagegate", "app/store", "only app and app/store/... may"},
		{"app", "runner", ""},
		{"app", "app/github", ""},
		{"app", "app/store", ""},
		{"app", "app/store/sqlite", ""},
		{"app", "github.com/riverqueue/river/rivertype", ""},
		{"app", "cmd/stagegate", "imports go cmd"},
		{"app", "internal/githubtest", "only internal/githubtest/... and cmd/... may"},
		{"app", "github.com/google/go-github/v60/github", "only app/github may"},
		{"app", "github.com/docker/docker/client", "only runner/docker may"},
		{"app/github", "github.com/google/go-github/v60/github", ""},
		{"app/github", "github.com/bradleyfalzon/ghinstallation/v2", ""},
		{"app/github", "pipelines-schema", ""},
		{"app/github", "app", "imports go cmd"},
		{"app/github", "app/store", "only app and app/store/... may"},
		{"app/github", "app/web", "adapters never import each other; let app join them"},
		{"app/github", "config", "adapters never import each other"},
		{"app/github", "go.yaml.in/yaml/v4", "only pipelines-schema/... may"},
		{"app/github", "github.com/riverqueue/river", "only app and app/store/... may"},
		{"app/webhook", "app/github", "adapters never import each other"},
		{"app/store/sqlite", "app/store", ""},
		{"app/store/sqlite", "github.com/mattn/go-sqlite3", ""},
		{"app/store/sqlite", "github.com/riverqueue/river/riverdriver/riversqlite", ""},
		{"app/store/sqlite", "app/store/postgres", "adapters never import each other"},
		{"app/store", "app/store/sqlite", "imports go cmd"},
		{"app/store", "internal/pipeline", ""},
		{"app/web", "github.com/gin-gonic/gin/binding", ""},
		{"app/web", "app/web/page", ""},
		{"app/web", "runner", "imports go cmd"},
		{"app/webhook", "github.com/gin-gonic/gin", "only app/web may"},
		{"app/github", "github.com/ginger/go", ""},
		{"local", "runner", ""},
		{"local", "pipelines-schema", ""},
		{"local/show", "local", ""},
		{"local", "app", "imports go cmd"},
		{"local", "config", "imports go cmd"},
		{"local", "runner/docker", "imports go cmd"},
		{"app", "local", "imports go cmd"},
		{"runner", "local", "imports go cmd"},
		{"runner", "runner/docker", ""},
		{"runner", "config", ""},
		{"runner", "internal/pipeline", ""},
		{"runner", "app", "the runner never imports app"},
		{"runner", "app/blob", "the runner never imports app"},
		{"runner/docker", "github.com/docker/docker/api/types/container", ""},
		{"runner/docker", "app/blob", "the runner never imports app"},
		{"runner/docker", "runner", ""},
		{"runner/docker", "runner/redact", "adapters never import each other; let runner join them"},
		{"config", "github.com/spf13/cobra", "only cmd/stagegate may"},
		{"pipelines-schema", "go.yaml.in/yaml/v4", ""},
		{"pipelines-schema", "internal/pipeline/expression", ""},
		{"pipelines-schema", "app/github", "imports go cmd"},
		{"pipelines-schema", "github.com/santhosh-tekuri/jsonschema/v6", "only tests may"},
		{"internal/pipeline", "internal/pipeline/expression", ""},
		{"internal/pipeline", "time", ""},
		{"internal/pipeline", "internal/ring", "imports go cmd"},
		{"internal/pipeline", "pipelines-schema", "imports go cmd"},
		{"internal/pipeline", "os", "is pure"},
		{"internal/pipeline", "net/http", "is pure"},
		{"internal/pipeline", "math/rand/v2", "is pure"},
		{"internal/pipeline", "log/slog", "is pure"},
		{"internal/pipeline/expression", "context", "is pure"},
		{"internal/pipeline", "github.com/bmatcuk/doublestar/v4", ""},
		{"internal/pipeline", "github.com/google/go-cmp/cmp", "is pure"},
		{"internal/ring", "internal/pipeline", "may know nothing of Stagegate"},
		{"app/api/apitest", "github.com/getkin/kin-openapi/openapi3", ""},
		{"app/api/apitest", "app/api", ""},
		{"app/api", "github.com/getkin/kin-openapi/openapi3", "only internal/githubtest/... and app/api/apitest may"},
		{"app/api", "app/web", "adapters never import each other; let app join them"},
		{"app", "app/api/apitest", "only tests may"},
		{"internal/githubtest", "github.com/getkin/kin-openapi/openapi3", ""},
		{"internal/githubtest", "app/github", "may know nothing of Stagegate"},
		{"util", "fmt", "has no place in the house"},
		{".", "fmt", "has no place in the house"},
	} {
		t.Run(c.importer+" imports "+c.imported, func(t *testing.T) {
			got := violations([]pkg{{ImportPath: absolute(c.importer), Imports: []string{absolute(c.imported)}}})
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("refused: %s", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want) || !strings.HasPrefix(got[0], c.importer+" ")):
				t.Errorf("got %q, want one refusal of %s with %q", got, c.importer, c.want)
			}
		})
	}
}

// absolute puts the module before what looks like a folder of ours.
func absolute(rel string) string {
	if rel == "." {
		return module
	}
	if layerOf(rel) != nowhere || rel == "util" {
		return path.Join(module, rel)
	}
	return rel
}

func TestClockCanFail(t *testing.T) {
	for source, want := range map[string]int{
		`package p; import "time"; var t = time.Now()`:                             1,
		`package p; import c "time"; func f() { c.Sleep(c.Second); <-c.After(1) }`: 2,
		`package p; import "time"; var d = 3 * time.Hour; type t = time.Time`:      0,
		`package p; type x struct{ Now int }; func (e x) f() int { return e.Now }`: 0,
	} {
		uses, err := clockUses("p.go", source)
		if err != nil || len(uses) != want {
			t.Errorf("%s\ngives %v (%v), want %d uses", source, uses, err, want)
		}
	}
}
