package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxBody is the largest request that is read.
const maxBody = 25 << 20

// object is a JSON object in the making.
type object = map[string]any

// call is one request to the API.
type call struct {
	g         *GitHub
	r         *http.Request
	body      []byte
	operation *operation
	params    map[string]string
	identity  string   // whose rate limit it is
	token     *token   // nil unless an installation asks
	person    *account // nil unless a person asks
	repo      *Repository
}

// answer is what the API says. A body is encoded as JSON, unless it is bytes.
type answer struct {
	status int
	header http.Header
	body   any
}

func ok(body any) answer      { return answer{status: http.StatusOK, body: body} }
func created(body any) answer { return answer{status: http.StatusCreated, body: body} }
func noContent() answer       { return answer{status: http.StatusNoContent} }

// refuse is an error in GitHub's shape.
func refuse(status int, message string) answer {
	return answer{status: status, body: object{
		"message": message, "status": strconv.Itoa(status), "documentation_url": "https://docs.github.com/rest",
	}}
}

func notFound() answer { return refuse(http.StatusNotFound, "Not Found") }

func unprocessable(format string, args ...any) answer {
	return refuse(http.StatusUnprocessableEntity, fmt.Sprintf(format, args...))
}

// ServeHTTP answers the API, git and the downloads of archives.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.inside.RLock()
	defer g.inside.RUnlock()
	if g.ctx.Err() != nil {
		panic(http.ErrAbortHandler) // closed
	}
	if name, ok := gitPath(r.URL.Path); ok {
		g.serveGit(w, r, name)
		return
	}
	if strings.HasPrefix(r.URL.Path, signInPrefix) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		g.serveSignIn(w, r)
		return
	}
	if secret, ok := strings.CutPrefix(r.URL.Path, lfsPrefix); ok {
		g.downloadLFS(w, r, secret)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := &call{g: g, r: r, body: body, identity: "anonymous"}
	entry := g.record(c)
	fault := g.takeFault(r)
	var a answer
	if fault == nil || fault.After {
		r.Body = io.NopCloser(bytes.NewReader(body))
		a = c.answer(entry)
	}
	if fault != nil {
		a = fault.answer()
	}
	g.finish(c, entry, a, fault != nil)
	if a.status == 0 {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	c.write(w, a)
}

func (c *call) answer(entry *Request) answer {
	if strings.HasPrefix(c.r.URL.Path, archivePrefix) {
		return c.downloadArchive()
	}
	a := c.dispatch(entry)
	if _, raw := a.body.([]byte); raw || c.operation == nil || c.g.options.Unchecked {
		return a
	}
	if err := c.verify(a); err != nil {
		c.violate("githubtest itself answers what GitHub would not: %v", err)
	}
	return a
}

// dispatch finds out what is asked, by whom, and whether it may be.
func (c *call) dispatch(entry *Request) answer {
	o, params, ok := c.g.description.find(c.r)
	if !ok {
		c.violate("GitHub's description has no such operation")
		return notFound()
	}
	c.operation, c.params = o, params
	c.g.name(entry, o)
	if c.r.UserAgent() == "" {
		c.violate("no User-Agent")
		return refuse(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	}
	if kind := mediaType(c.r.Header.Get("Accept")); kind != "" && (kind != "raw" || o.id != "repos/get-content") {
		c.violate("the media type %s is not implemented by githubtest", kind)
		return refuse(http.StatusNotImplemented, "the media type "+kind+" is not implemented by githubtest")
	}
	route, ok := routes[o.id]
	if !ok {
		c.violate("not implemented by githubtest")
		return refuse(http.StatusNotImplemented, o.id+" is not implemented by githubtest")
	}
	if a, ok := c.authenticate(route); !ok {
		return a
	}
	if a, ok := c.g.spend(c, o); !ok {
		return a
	}
	if a, ok := c.authorize(route); !ok {
		return a
	}
	if err := c.validate(); err != nil {
		c.violate("%v", err)
		return unprocessable("Invalid request.\n\n%v", err)
	}
	return route.handle(c)
}

func (c *call) write(w http.ResponseWriter, a answer) {
	raw, isRaw := a.body.([]byte)
	if !isRaw && a.body != nil {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(a.body); err != nil {
			panic(fmt.Sprintf("githubtest: encode an answer: %v", err))
		}
		raw = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	header := w.Header()
	header.Set("Date", c.g.now().Format(http.TimeFormat))
	header.Set("Server", "githubtest")
	if a.body != nil {
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	c.g.budgetHeaders(header, c.identity)
	for name, values := range a.header {
		header[name] = values
	}
	if a.status == http.StatusOK && c.r.Method == http.MethodGet && !isRaw {
		etag := etagOf(raw)
		header.Set("ETag", etag)
		if c.r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(raw) // a caller that went away is its own affair
}

// otherMedia are the forms other than JSON in which GitHub answers.
var otherMedia = regexp.MustCompile(`application/vnd\.github\.(?:v3\.)?(raw|html|text|full|object|diff|patch|sha)\b`)

// mediaType is the form in which an answer is wanted, empty for JSON.
func mediaType(accept string) string {
	if found := otherMedia.FindStringSubmatch(accept); found != nil {
		return found[1]
	}
	return ""
}

// decode reads the body into a value; the body has been validated.
func (c *call) decode(into any) {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		panic(fmt.Sprintf("githubtest: decode the body of %s: %v", c.operation.id, err))
	}
}

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// number is a path parameter that the description calls an integer.
func (c *call) number(name string) int64 {
	n, err := strconv.ParseInt(c.params[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// page cuts a list as the query asks, with GitHub's Link header.
func page[T any](c *call, list []T) ([]T, http.Header) {
	size, number := c.pageSize(), max(1, c.queryNumber("page", 1))
	last := max(1, (len(list)+size-1)/size)
	var links []string
	link := func(n int, rel string) {
		links = append(links, fmt.Sprintf("<%s>; rel=%q", c.link("page", strconv.Itoa(n)), rel))
	}
	if number > 1 {
		link(number-1, "prev")
	}
	if number < last {
		link(number+1, "next")
		link(last, "last")
	}
	if number > 1 {
		link(1, "first")
	}
	header := http.Header{}
	if len(links) > 0 {
		header.Set("Link", strings.Join(links, ", "))
	}
	from := min(len(list), (number-1)*size)
	return list[from:min(len(list), from+size)], header
}

// listed answers with a page of a list.
func listed[T any](c *call, list []T, build func(T) object) answer {
	cut, header := page(c, list)
	body := make([]object, 0, len(cut))
	for _, v := range cut {
		body = append(body, build(v))
	}
	return answer{status: http.StatusOK, header: header, body: body}
}

func (c *call) pageSize() int { return min(100, max(1, c.queryNumber("per_page", 30))) }

func (c *call) queryNumber(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.query(name)); err == nil {
		return n
	}
	return otherwise
}

// link is the address of this request with another value in its query.
func (c *call) link(name, value string) string {
	query := url.Values{}
	for k, v := range c.r.URL.Query() {
		query[k] = v
	}
	query.Set(name, value)
	return c.g.url + c.r.URL.EscapedPath() + "?" + query.Encode()
}

// stamp is a time in the API's form; the zero time is null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// nullable is a text in the API's form; no text is null.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
