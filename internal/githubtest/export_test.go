package githubtest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
)

// Implemented are the operations that have a route, by operationId.
func Implemented() []string { return slices.Sorted(maps.Keys(routes)) }

// Verify holds an answer to the description, as the server does with its own.
func Verify(g *GitHub, path string, status int, body any) error {
	c := &call{g: g, r: httptest.NewRequestWithContext(g.ctx, http.MethodGet, path, nil)}
	c.operation, c.params, _ = g.description.find(c.r)
	return c.verify(answer{status: status, body: body})
}

// Unknown lists the routes that the description does not have.
func Unknown(g *GitHub) []string {
	return slices.DeleteFunc(Implemented(), func(id string) bool { return g.description.byID[id] != nil })
}
