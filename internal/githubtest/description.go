package githubtest

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.json
var openapi []byte

// described is GitHub's description, read once in a process.
var described = sync.OnceValues(readDescription)

// operation is one operation of the description.
type operation struct {
	id       string
	template string
	segments []segment
	query    map[string]bool // the names it knows
	route    *routers.Route
}

// segment is one part of a path template.
type segment struct {
	text  string // literal, or the name of a parameter
	param bool
	multi bool // a parameter that may hold slashes, as a branch or a path
}

// description finds the operation of a request.
type description struct {
	operations map[string][]*operation // by method, the more literal first
	byID       map[string]*operation
}

func readDescription() (*description, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapi)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's description: %w", err)
	}
	correct(doc)
	d := &description{operations: map[string][]*operation{}, byID: map[string]*operation{}}
	for template, item := range doc.Paths.Map() {
		if strings.Contains(template, "...") {
			continue // compare/{base}...{head} is compare/{basehead} by an older name
		}
		for method, op := range item.Operations() {
			d.add(doc, template, method, item, op)
		}
	}
	for _, list := range d.operations {
		slices.SortFunc(list, compareOperations)
	}
	return d, nil
}

// correct writes what GitHub does and its description does not say: the head of a pull
// request is in no repository once its fork was deleted.
func correct(doc *openapi3.T) {
	for _, name := range []string{"pull-request", "pull-request-simple"} {
		pull := doc.Components.Schemas[name]
		if pull == nil {
			continue // the description holds what is asked for alone
		}
		head := pull.Value.Properties["head"].Value.Properties
		repo := *head["repo"].Value
		repo.Nullable = true
		head["repo"] = &openapi3.SchemaRef{Value: &repo}
	}
}

func (d *description) add(doc *openapi3.T, template, method string, item *openapi3.PathItem, op *openapi3.Operation) {
	o := &operation{
		id: op.OperationID, template: template, query: map[string]bool{},
		route: &routers.Route{Spec: doc, Path: template, PathItem: item, Method: method, Operation: op},
	}
	multi := map[string]bool{}
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInQuery {
			o.query[p.Value.Name] = true
		}
		multi[p.Value.Name] = p.Value.Extensions["x-multi-segment"] == true
	}
	for part := range strings.SplitSeq(strings.Trim(template, "/"), "/") {
		name, param := strings.CutPrefix(part, "{")
		name = strings.TrimSuffix(name, "}")
		o.segments = append(o.segments, segment{text: name, param: param, multi: param && multi[name]})
	}
	repair(op)
	d.operations[method] = append(d.operations[method], o)
	d.byID[o.id] = o
}

// repair mends the two places where the description says what GitHub does not do.
func repair(op *openapi3.Operation) {
	switch op.OperationID {
	case "repos/get-content":
		// The discriminator sits on a oneOf that has an array in it, where it cannot discriminate.
		schemaOf(op).Discriminator = nil
	case "apps/list-installations":
		// An account is a user or an enterprise, never both at once.
		account := schemaOf(op).Items.Value.Properties["account"].Value
		account.AnyOf, account.AllOf = account.AllOf, nil
	}
}

func schemaOf(op *openapi3.Operation) *openapi3.Schema {
	return op.Responses.Value("200").Value.Content["application/json"].Schema.Value
}

// compareOperations puts literals before parameters, and the longer template
// first, so that commits/{ref}/check-runs is tried before commits/{ref}.
func compareOperations(a, b *operation) int {
	for i := range min(len(a.segments), len(b.segments)) {
		if x, y := a.segments[i].param, b.segments[i].param; x != y {
			if y {
				return -1
			}
			return 1
		}
	}
	if len(a.segments) != len(b.segments) {
		return len(b.segments) - len(a.segments)
	}
	return strings.Compare(a.template, b.template)
}

// find returns the operation of a request and the values of its path parameters.
func (d *description) find(r *http.Request) (*operation, map[string]string, bool) {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/") {
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, nil, false
		}
		parts = append(parts, text)
	}
	for _, o := range d.operations[r.Method] {
		params := map[string]string{}
		if match(o.segments, parts, params) {
			return o, params, true
		}
	}
	return nil, nil, false
}

func match(segments []segment, parts []string, params map[string]string) bool {
	if len(segments) == 0 {
		return len(parts) == 0
	}
	s := segments[0]
	if s.multi {
		return matchMulti(segments, parts, params)
	}
	if len(parts) == 0 || parts[0] == "" || !s.param && parts[0] != s.text {
		return false
	}
	if s.param {
		params[s.text] = parts[0]
	}
	return match(segments[1:], parts[1:], params)
}

// matchMulti gives a parameter as many parts as the rest of the template leaves.
func matchMulti(segments []segment, parts []string, params map[string]string) bool {
	least := 1
	if segments[0].text == "path" {
		least = 0 // contents/ is the root folder
	}
	for n := len(parts); n >= least; n-- {
		value := strings.Join(parts[:n], "/")
		if (value != "" || least == 0) && match(segments[1:], parts[n:], params) {
			params[segments[0].text] = value
			return true
		}
	}
	return false
}
