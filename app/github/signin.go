package github

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	gh "github.com/google/go-github/v60/github"
	"golang.org/x/oauth2"
)

// ErrCode is answered for a code that GitHub gives no token for: it was used
// already, is too old, is another browser's, or none.
var ErrCode = errors.New("GitHub does not know the code")

// User is a person at GitHub. A login can be given up and taken by somebody else;
// an id cannot.
type User struct {
	ID    int64
	Login string
}

// SignIn asks GitHub who a person is. Make it with NewSignIn.
type SignIn struct {
	oauth oauth2.Config
	base  *url.URL
	agent string
	wire  http.RoundTripper
}

// SignInConfig is what the App's settings page says of signing in.
type SignInConfig struct {
	ClientID, ClientSecret string
	Callback               string // the address that people come back to
}

// NewSignIn makes a SignIn of the App. It sends nothing. The web pages must be
// known: see WebURL.
func (c *Client) NewSignIn(s SignInConfig) (*SignIn, error) {
	web := WebURL(strings.TrimRight(c.base.String(), "/"))
	if web == "" {
		return nil, fmt.Errorf("set up the sign-in: the web pages of %s are not known; an API is https://api.github.com, https://HOST/api/v3 or https://api.NAME.ghe.com", c.base)
	}
	return &SignIn{base: c.base, agent: c.agent, wire: c.wire, oauth: oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, RedirectURL: s.Callback,
		Endpoint: oauth2.Endpoint{
			AuthURL: web + "/login/oauth/authorize", TokenURL: web + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}}, nil
}

// AuthorizeURL is where a browser is sent. GitHub sends it back with state and with
// a code, which it exchanges only for whoever has the verifier (RFC 7636).
func (s *SignIn) AuthorizeURL(state, verifier string) string {
	return s.oauth.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
}

// Identify exchanges a code and asks whose it is. The token that GitHub gives is
// used for that and forgotten: what a person may do is asked in the name of the
// installation.
func (s *SignIn) Identify(ctx context.Context, code, verifier string) (User, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: s.wire, CheckRedirect: refuseRedirect})
	token, err := s.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "bad_verification_code" {
		return User{}, ErrCode
	}
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return User{}, fmt.Errorf("exchange the code of a sign-in: %w: %s", ErrRefused, refused.ErrorCode)
	}
	if err != nil {
		return User{}, fmt.Errorf("exchange the code of a sign-in: %w: %s", ErrUnavailable, withoutQuery(err))
	}
	api := gh.NewClient(&http.Client{Transport: bearer{s.wire, token.AccessToken}, CheckRedirect: refuseRedirect})
	api.BaseURL, api.UserAgent = s.base, s.agent
	me, _, err := api.Users.Get(ctx, "")
	if err != nil {
		return User{}, fmt.Errorf("ask who signs in: %w: %s", ErrUnavailable, withoutQuery(err))
	}
	if me.GetID() == 0 || me.GetLogin() == "" {
		return User{}, fmt.Errorf("ask who signs in: %w: the answer has no id or no login", ErrUnavailable)
	}
	return User{ID: me.GetID(), Login: me.GetLogin()}, nil
}

// bearer signs requests with a person's token.
type bearer struct {
	wire  http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.wire.RoundTrip(r)
}

// refuseRedirect keeps secrets from going anywhere else.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// withoutQuery is an error without the address that was asked.
func withoutQuery(err error) string {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}

// WebURL is where people look at what an API serves; empty where that cannot be
// told. A stand-in at an address of this machine serves both at one.
func WebURL(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	switch {
	case u.Scheme == "https" && host == "api.github.com":
		return "https://github.com"
	case u.Scheme == "https" && strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com"):
		return "https://" + strings.TrimPrefix(u.Host, "api.")
	case strings.HasSuffix(api, "/api/v3"):
		return strings.TrimSuffix(api, "/api/v3")
	case host == "localhost" || ip != nil && ip.IsLoopback():
		return api
	}
	return ""
}
