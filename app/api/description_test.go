package api_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/api/apitest"
	"github.com/stagegate/stagegate/internal/audit"
)

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := apitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestRoutes asks that every route is described and that everything described is
// a route.
func TestRoutes(t *testing.T) {
	var described []string
	for path, item := range document(t).Paths.Map() {
		for method, op := range item.Operations() {
			described = append(described, method+" "+path)
			if op.Summary == "" || op.Responses.Value("401") == nil || op.Responses.Value("200") == nil {
				t.Errorf("%s %s lacks its summary, its 200 or its 401", method, path)
			}
		}
	}
	routes := api.Routes()
	slices.Sort(described)
	slices.Sort(routes)
	if diff := cmp.Diff(routes, described); diff != "" {
		t.Errorf("(-routes +described)\n%s", diff)
	}
}

// TestTypes asks that every schema has exactly the fields of its Go type, and
// requires those that are always there.
func TestTypes(t *testing.T) {
	schemas := document(t).Components.Schemas
	types := map[string]any{
		"Refusal": api.Refusal{}, "Pipeline": api.Pipeline{}, "Pipelines": api.Page[api.Pipeline]{}, "Summary": api.Summary{},
		"Summaries": api.Page[api.Summary]{}, "Revision": api.Revision{}, "Execution": api.Execution{}, "Problem": api.Problem{},
		"Variable": api.Variable{}, "Stage": api.Stage{}, "Action": api.Action{}, "Wait": api.Wait{}, "Check": api.Check{}, "Finding": api.Finding{}, "Overridden": api.Overridden{}, "PastStage": api.PastStage{}, "PastAction": api.PastAction{}, "Attempt": api.Attempt{},
		"Artifact": api.Artifact{}, "Approval": api.Approval{}, "Decision": api.Decision{},
		"Answer": api.Answer{}, "Group": api.Group{}, "Field": api.Field{}, "Requirement": api.Requirement{}, "Vote": api.Vote{}, "Request": api.Request{}, "Retry": api.Retry{}, "Override": api.Override{}, "Stop": api.Stop{}, "Start": api.Start{},
		"Rollback": api.Rollback{}, "RollbackPlan": api.RollbackPlan{}, "Gates": api.Gates{}, "Gate": api.Gate{}, "GoesBack": api.GoesBack{},
		"Webhook": api.Webhook{}, "Upstream": api.Upstream{}, "Transition": api.Transition{}, "Transitions": api.Page[api.Transition]{}, "Runners": api.Page[api.Runner]{}, "Runner": api.Runner{}, "NewRunner": api.NewRunner{}, "AddRunner": api.AddRunner{}, "Way": api.Way{}, "AuditRow": audit.Row{}, "AuditPage": api.AuditPage{}, "Disable": api.Disable{},
		"Secret": api.Secret{}, "Secrets": api.Page[api.Secret]{}, "Rotated": api.Rotated{},
	}
	for name, value := range types {
		schema := schemas[name]
		if schema == nil {
			t.Errorf("%s is not described", name)
			continue
		}
		fields, required := fieldsOf(reflect.TypeOf(value))
		var described []string
		for property := range schema.Value.Properties {
			described = append(described, property)
		}
		slices.Sort(described)
		if slices.Contains([]string{"Pipelines", "Transitions", "Runners", "Secrets"}, name) { // which have one page
			fields = slices.DeleteFunc(fields, func(f string) bool { return f == "next" })
		}
		if diff := cmp.Diff(fields, described); diff != "" {
			t.Errorf("%s (-type +description)\n%s", name, diff)
		}
		wants := slices.Sorted(slices.Values(schema.Value.Required))
		if diff := cmp.Diff(required, wants); diff != "" {
			t.Errorf("%s, required (-type +description)\n%s", name, diff)
		}
	}
	for name := range schemas {
		if types[name] == nil {
			t.Errorf("%s is described and is no type", name)
		}
	}
}

// TestWaitKinds asks that the description lists every kind of what a stage waits for.
func TestWaitKinds(t *testing.T) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), "../../internal/pipeline/explain/wait.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Kind" {
				kinds = append(kinds, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	var described []string
	for _, kind := range document(t).Components.Schemas["Wait"].Value.Properties["kind"].Value.Enum {
		described = append(described, kind.(string))
	}
	if diff := cmp.Diff(kinds, described); diff != "" || len(kinds) == 0 {
		t.Errorf("(-kinds +described)\n%s", diff)
	}
}

// fieldsOf lists the names that a type has in JSON, and those it always has.
func fieldsOf(t reflect.Type) (all, always []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			a, b := fieldsOf(f.Type)
			all, always = append(all, a...), append(always, b...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		all = append(all, name)
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
	}
	slices.Sort(all)
	slices.Sort(always)
	return all, always
}
