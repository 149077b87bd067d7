package githubtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// validate holds a request to the description, and to what the description
// leaves open: parameters and properties that it does not know.
func (c *call) validate() error {
	for name := range c.r.URL.Query() {
		if !c.operation.query[name] {
			return fmt.Errorf("query parameter %q is not permitted", name)
		}
	}
	body := c.operation.route.Operation.RequestBody
	if !c.hasBody() && body != nil && !body.Value.Required {
		body = nil
	}
	if c.hasBody() {
		if err := c.validateBody(body); err != nil {
			return err
		}
	}
	input := c.input()
	input.Options.ExcludeRequestBody = body == nil
	if err := openapi3filter.ValidateRequest(c.g.ctx, input); err != nil {
		return plain(err)
	}
	return nil
}

// hasBody tells whether a request says anything; ghinstallation asks for a
// token with a body of null.
func (c *call) hasBody() bool {
	text := bytes.TrimSpace(c.body)
	return len(text) > 0 && string(text) != "null"
}

func (c *call) validateBody(body *openapi3.RequestBodyRef) error {
	if body == nil {
		return errors.New("a body is not permitted")
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return fmt.Errorf("the body's content type must be application/json, not %q", c.r.Header.Get("Content-Type"))
	}
	var value any
	if err := json.Unmarshal(c.body, &value); err != nil {
		return fmt.Errorf("problems parsing JSON: %w", err)
	}
	return knows(body.Value.Content["application/json"].Schema, value, "")
}

// input is the request in the form of the filter, which reads the body anew.
func (c *call) input() *openapi3filter.RequestValidationInput {
	r := c.r.Clone(c.r.Context())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	params := maps.Clone(c.params)
	if path, ok := params["path"]; ok && path == "" {
		params["path"] = "/" // the root, whose name is empty
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, QueryParams: r.URL.Query(), Route: c.operation.route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
		},
	}
}

// knows refuses properties that a schema does not name, at any depth. GitHub
// leaves most of its schemas open, and refuses such properties all the same.
func knows(schema *openapi3.SchemaRef, value any, where string) error {
	if schema == nil || schema.Value == nil {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		properties, open := propertiesOf(schema.Value)
		if open {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			property, ok := properties[name]
			if !ok {
				return fmt.Errorf("%q is not a permitted key", strings.TrimPrefix(where+"."+name, "."))
			}
			if err := knows(property, v[name], where+"."+name); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range v {
			if err := knows(schema.Value.Items, element, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// propertiesOf gathers what a schema and its branches name; open means that
// anything may stand there.
func propertiesOf(s *openapi3.Schema) (properties openapi3.Schemas, open bool) {
	properties = maps.Clone(s.Properties)
	if properties == nil {
		properties = openapi3.Schemas{}
	}
	for _, branches := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		for _, branch := range branches {
			for name, p := range branch.Value.Properties {
				if properties[name] == nil {
					properties[name] = p
				}
			}
		}
	}
	a := s.AdditionalProperties
	return properties, len(properties) == 0 || a.Schema != nil || a.Has != nil && *a.Has
}

// verify holds an answer of ours to the description.
func (c *call) verify(a answer) error {
	var body []byte
	header := http.Header{}
	if a.body != nil {
		header.Set("Content-Type", "application/json")
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			return fmt.Errorf("encode an answer: %w", err)
		}
	}
	input := c.input()
	input.Options.IncludeResponseStatus = a.status/100 == 2
	err := openapi3filter.ValidateResponse(c.g.ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
	})
	if err != nil {
		return plain(err)
	}
	return nil
}

// plain leaves of the filter's error what a person needs: where and why. The
// whole error prints schema and value.
func plain(err error) error {
	where := ""
	if e := new(openapi3filter.RequestError); errors.As(err, &e) && e.Parameter != nil {
		where = fmt.Sprintf("%s parameter %q: ", e.Parameter.In, e.Parameter.Name)
	}
	e := new(openapi3.SchemaError)
	if !errors.As(err, &e) {
		return err
	}
	if pointer := e.JSONPointer(); len(pointer) > 0 {
		where += strings.Join(pointer, ".") + ": "
	}
	if e.Origin != nil && e.Reason == "" {
		return fmt.Errorf("%s%w", where, e.Origin)
	}
	return fmt.Errorf("%s%s", where, e.Reason)
}
