// Package apitest holds answers of the API to its description, in tests of
// whatever asks the API. It is the only importer of kin-openapi beside the local
// GitHub, and nothing of the binary imports it.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/stagegate/stagegate/app/api"
)

// Document is the description, read and checked once in a process.
var Document = sync.OnceValues(func() (*openapi3.T, error) {
	openapi3filter.RegisterBodyDecoder("application/x-tar", openapi3filter.FileBodyDecoder)
	doc, err := openapi3.NewLoader().LoadFromData(api.Description())
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	return doc, doc.Validate(context.Background()) //nolint:forbidigo // this package is for tests
})

// Client is an HTTP client whose answers are held to the description: one that
// does not fit fails the test.
func Client(t *testing.T) *http.Client {
	return &http.Client{Transport: transport{t}}
}

type transport struct{ t *testing.T }

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if err := check(r, resp, body); err != nil {
		tr.t.Errorf("%s %s answers %d, which does not fit the description: %v\n%s", r.Method, r.URL, resp.StatusCode, err, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// check holds an answer to the description of its operation, or to that of
// refusals where there is no such operation.
func check(r *http.Request, resp *http.Response, body []byte) error {
	doc, err := Document()
	if err != nil {
		return err
	}
	route, params := find(doc, r)
	if route == nil {
		return checkRefusal(doc, resp, body)
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, QueryParams: r.URL.Query(), Route: route}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

func checkRefusal(doc *openapi3.T, resp *http.Response, body []byte) error {
	if resp.StatusCode/100 == 2 {
		return errors.New("there is no such operation")
	}
	var refusal map[string]any
	if err := json.Unmarshal(body, &refusal); err != nil {
		return fmt.Errorf("read the refusal: %w", err)
	}
	return doc.Components.Schemas["Refusal"].Value.VisitJSON(refusal)
}

// find returns the operation of a request.
func find(doc *openapi3.T, r *http.Request) (*routers.Route, map[string]string) {
	below, ok := strings.CutPrefix(r.URL.Path, api.Prefix)
	if !ok {
		return nil, nil
	}
	for template, item := range doc.Paths.Map() {
		op := item.GetOperation(r.Method)
		if params, ok := match(template, below); ok && op != nil {
			return &routers.Route{Spec: doc, Path: template, PathItem: item, Method: r.Method, Operation: op}, params
		}
	}
	return nil, nil
}

func match(template, path string) (map[string]string, bool) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		if name, ok := strings.CutPrefix(w, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = have[i]
		} else if w != have[i] {
			return nil, false
		}
	}
	return params, true
}
