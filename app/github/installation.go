package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
	"golang.org/x/time/rate"
)

// GitHub allows an installation 900 points a minute, 5 for each write, so 180
// writes: data/reusables/rest-api/secondary-rate-limit-rest-graphql.md in
// github/docs. We stay below that.
const (
	writesPerMinute = 150
	writeBurst      = 60
)

// installation is what we hold for one installation, or for the App itself:
// its identity, its write budget and how long GitHub told us to be silent.
type installation struct {
	id     int64
	writes *rate.Limiter
	now    func() time.Time

	mu        sync.Mutex
	transport http.RoundTripper         // nil until used and after the token was refused
	api       *gh.Client                // nil with transport, and after a rate limit
	reader    *ghinstallation.Transport // nil with transport: tokens for git
	until     time.Time                 // nothing goes out before
}

func (c *Client) installation(id int64) *installation {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.installations[id]
	if in == nil {
		in = &installation{id: id, now: c.now, writes: rate.NewLimiter(rate.Limit(writesPerMinute)/60, writeBurst)}
		c.installations[id] = in
	}
	return in
}

// admit waits for the write budget, and refuses at once while GitHub has asked
// for silence.
func (in *installation) admit(ctx context.Context, method string) error {
	if err := in.silent(); err != nil {
		return err
	}
	if method == http.MethodGet {
		return nil
	}
	if err := in.writes.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: wait for the write budget: %w", ErrUnavailable, err)
	}
	return in.silent()
}

func (in *installation) silent() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.now().Before(in.until) {
		return &RateLimited{Until: in.until, Message: "not sent: GitHub asked to wait"}
	}
	return nil
}

// hold lets nothing out before until. It drops go-github's client, which keeps
// limits of its own and after a secondary limit would wait for the primary
// one's reset, up to an hour.
func (in *installation) hold(until time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if until.After(in.until) {
		in.until = until
	}
	in.api = nil
}

// forget drops the token, so that the next request asks for a new one: GitHub
// revokes tokens on suspension, and one made before permissions were granted
// does not have them.
func (in *installation) forget() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.transport, in.api, in.reader = nil, nil, nil
}

// client returns go-github's client of an installation.
func (c *Client) client(in *installation) (*gh.Client, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.api != nil {
		return in.api, nil
	}
	if in.transport == nil {
		t, err := c.identify(in.id)
		if err != nil {
			return nil, err
		}
		in.transport = t
	}
	api := gh.NewClient(&http.Client{Transport: in.transport, CheckRedirect: c.sameHost})
	api.BaseURL, api.UserAgent = c.base, c.agent
	in.api = api
	return api, nil
}

// identify returns the transport that signs requests: for an installation with
// its token, got when needed and kept until a minute before its end.
func (c *Client) identify(id int64) (http.RoundTripper, error) {
	if id == 0 {
		return c.app, nil
	}
	return c.tokens(id)
}

// tokens gets and keeps the tokens of an installation.
func (c *Client) tokens(id int64) (*ghinstallation.Transport, error) {
	// One AppsTransport each: ghinstallation writes to it when it refreshes.
	t, err := ghinstallation.New(c.wire, c.appID, id, c.key)
	if err != nil {
		return nil, fmt.Errorf("sign in as installation %d: %w", id, err)
	}
	t.BaseURL = strings.TrimRight(c.base.String(), "/")
	// Nil would be sent as the body "null".
	t.InstallationTokenOptions = &gh.InstallationTokenOptions{}
	return t, nil
}
