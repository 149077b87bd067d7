package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Request is one request that the API got, or a download of an archive. Git's
// own requests are not kept.
type Request struct {
	Method    string
	URL       string // path and query, as they came
	Operation string // GitHub's operationId, empty if it knows none
	Pattern   string // the description's path, such as /repos/{owner}/{repo}
	Body      []byte
	Status    int // 0 while it is carried out, or if the connection was cut
	At        time.Time
	Faulted   bool // a fault answered it
}

// Violation is something that GitHub would not have taken.
type Violation struct {
	Method    string
	URL       string
	Operation string // GitHub's operationId, empty if it knows none
	Message   string
	At        time.Time
}

// String is the violation in one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s %s (%s): %s", v.Method, v.URL, v.Operation, v.Message)
}

// Requests are all requests so far, in the order in which they came.
func (g *GitHub) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Request, 0, len(g.requests))
	for _, r := range g.requests {
		list = append(list, *r)
	}
	return list
}

// ResetRequests forgets the requests so far.
func (g *GitHub) ResetRequests() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = nil
}

// Violations are what GitHub would not have taken, in the order in which it came.
func (g *GitHub) Violations() []Violation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Violation(nil), g.violations...)
}

// TakeViolations returns the violations and forgets them, for a test that
// means to do wrong.
func (g *GitHub) TakeViolations() []Violation {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken := g.violations
	g.violations = nil
	return taken
}

func (c *call) violate(format string, args ...any) {
	v := Violation{Method: c.r.Method, URL: c.r.URL.RequestURI(), Message: fmt.Sprintf(format, args...), At: c.g.now()}
	if c.operation != nil {
		v.Operation = c.operation.id
	}
	c.g.mu.Lock()
	c.g.violations = append(c.g.violations, v)
	c.g.notify()
	c.g.mu.Unlock()
	c.g.options.Logf("githubtest: violation: %s", v)
}

func (g *GitHub) record(c *call) *Request {
	r := &Request{Method: c.r.Method, URL: c.r.URL.RequestURI(), Body: c.body, At: g.now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = append(g.requests, r)
	return r
}

func (g *GitHub) name(r *Request, o *operation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.Operation, r.Pattern = o.id, o.template
}

// finish notes how a request was answered, before its caller knows.
func (g *GitHub) finish(c *call, r *Request, a answer, faulted bool) {
	g.mu.Lock()
	r.Status, r.Faulted = a.status, faulted
	g.notify()
	g.mu.Unlock()
	g.options.Logf("githubtest: %s %s: %d", c.r.Method, c.r.URL.RequestURI(), a.status)
}

// budget is what an identity has spent of its rate limit.
type budget struct {
	used  int
	reset time.Time
}

// budget returns the budget of this hour. g.mu is held.
func (g *GitHub) budget(identity string) *budget {
	b := g.spent[identity]
	if b == nil || !g.now().Before(b.reset) {
		b = &budget{reset: g.now().Add(time.Hour).Truncate(time.Second)}
		g.spent[identity] = b
	}
	return b
}

// spend takes a request from its caller's rate limit; asking for the limit costs nothing.
func (g *GitHub) spend(c *call, o *operation) (answer, bool) {
	if o.id == "rate-limit/get" {
		return answer{}, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.budget(c.identity)
	if b.used >= g.options.RateLimit {
		return refuse(http.StatusForbidden, "API rate limit exceeded for "+c.identity+"."), false
	}
	b.used++
	return answer{}, true
}

func (g *GitHub) budgetHeaders(header http.Header, identity string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.budget(identity)
	header.Set("X-Ratelimit-Limit", strconv.Itoa(g.options.RateLimit))
	header.Set("X-Ratelimit-Remaining", strconv.Itoa(g.options.RateLimit-b.used))
	header.Set("X-Ratelimit-Used", strconv.Itoa(b.used))
	header.Set("X-Ratelimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	header.Set("X-Ratelimit-Resource", "core")
}

func getRateLimit(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	b := c.g.budget(c.identity)
	rate := object{
		"limit": c.g.options.RateLimit, "used": b.used, "remaining": c.g.options.RateLimit - b.used, "reset": b.reset.Unix(),
	}
	return ok(object{"resources": object{"core": rate, "search": rate}, "rate": rate})
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}
