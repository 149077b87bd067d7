package github

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

// Config is what a Client needs to speak as one GitHub App.
type Config struct {
	// URL is the API's base, used verbatim: https://api.github.com, a GitHub
	// Enterprise Server's https://HOST/api/v3, or a local stand-in.
	URL string

	AppID      int64
	PrivateKey []byte // PEM, as GitHub gave it

	// UserAgent names the caller; GitHub refuses requests without one.
	// The default is "stagegate".
	UserAgent string

	// HTTP carries every request; the default is a pool of connections with
	// timeouts.
	HTTP http.RoundTripper

	// Log hears of each request at debug level. The default discards.
	Log *slog.Logger

	// OnRequest, if set, is called after each request that went out, with
	// status 0 when no answer came. It must be safe for concurrent use.
	OnRequest func(method, path string, status int)
}

// Client speaks to GitHub as one App and as each of its installations. It is
// safe for concurrent use.
type Client struct {
	base  *url.URL // ends in a slash
	appID int64
	key   []byte
	agent string
	wire  http.RoundTripper // adds no identity
	app   *ghinstallation.AppsTransport
	files *blobCache
	now   func() time.Time
	wait  time.Duration // for an answer, and for each read of a tarball

	mu            sync.Mutex
	installations map[int64]*installation // 0 is the App itself
	slug          string                  // of the App, once asked
}

// New checks the settings and returns a Client. It sends nothing.
func New(c Config) (*Client, error) {
	base, urlErr := parseBase(c.URL)
	var idErr error
	if c.AppID <= 0 {
		idErr = errors.New("the App's id must be a positive number")
	}
	if c.UserAgent == "" {
		c.UserAgent = "stagegate"
	}
	wire := newWire(c)
	app, keyErr := ghinstallation.NewAppsTransport(wire, c.AppID, c.PrivateKey)
	if err := errors.Join(urlErr, idErr, keyErr); err != nil {
		return nil, fmt.Errorf("set up GitHub client: %w", err)
	}
	return &Client{
		base:          base,
		appID:         c.AppID,
		key:           c.PrivateKey,
		agent:         c.UserAgent,
		wire:          wire,
		app:           app,
		files:         newBlobCache(cacheBytes),
		now:           time.Now,
		wait:          requestTime,
		installations: map[int64]*installation{},
	}, nil
}

func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the API's URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("the API's URL %q must be http://HOST or https://HOST", s)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the API's URL %q must end with its path", s)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return u, nil
}

// Repository is a repository and the installation that opens it to us.
// Installation is 0 when a payload did not say: ask InstallationOf.
type Repository struct {
	Installation  int64
	ID            int64
	Owner, Name   string
	DefaultBranch string
	Organization  bool  // the owner is an organization, so it can have teams
	OwnerID       int64 // known only by Find
}

// String is owner/name.
func (r Repository) String() string { return r.Owner + "/" + r.Name }
