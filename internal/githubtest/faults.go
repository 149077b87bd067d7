package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is an answer in place of the true one.
type Fault struct {
	Status int // 0 breaks the connection without an answer
	Header http.Header
	Body   any // JSON; bytes go out as they are

	// After carries the request out first: what was done is done, and only the
	// answer is lost.
	After bool
}

type fault struct {
	Fault
	match func(*http.Request) bool
	times int // how often still; below 0 for ever
}

// Fail answers the next requests that match with a fault, as many times as
// said; times below 0 goes on until the returned function is called. A nil
// match matches everything. The match must not block.
func (g *GitHub) Fail(match func(*http.Request) bool, times int, f Fault) (stop func()) {
	added := &fault{Fault: f, match: match, times: times}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, added)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.faults = slices.DeleteFunc(g.faults, func(f *fault) bool { return f == added })
	}
}

// SecondaryLimit is GitHub's answer to a client that asks too much at once.
func SecondaryLimit(retryAfter time.Duration) Fault {
	return Fault{
		Status: http.StatusForbidden,
		Header: http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Round(time.Second) / time.Second))}},
		Body: object{
			"message":           "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
			"documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
		},
	}
}

// PrimaryLimit is GitHub's answer to a client whose hour is used up.
func PrimaryLimit(reset time.Time) Fault {
	return Fault{
		Status: http.StatusForbidden,
		Header: http.Header{
			"X-Ratelimit-Remaining": {"0"},
			"X-Ratelimit-Reset":     {strconv.FormatInt(reset.Unix(), 10)},
		},
		Body: object{
			"message":           "API rate limit exceeded for installation.",
			"documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
		},
	}
}

// ServerError is GitHub having a bad moment.
func ServerError() Fault {
	return Fault{Status: http.StatusBadGateway, Body: object{"message": "Server Error"}}
}

// LostAnswer carries the request out and breaks the connection.
func LostAnswer() Fault { return Fault{After: true} }

// takeFault returns the fault that a request shall meet, if any.
func (g *GitHub) takeFault(r *http.Request) *fault {
	g.mu.Lock()
	candidates := slices.Clone(g.faults)
	g.mu.Unlock()
	for _, f := range candidates {
		if (f.match == nil || f.match(r)) && g.useFault(f) {
			return f
		}
	}
	return nil
}

func (g *GitHub) useFault(f *fault) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.times == 0 {
		return false
	}
	if f.times > 0 {
		f.times--
	}
	return true
}

func (f *fault) answer() answer {
	return answer{status: f.Status, header: f.Header, body: f.Body}
}
