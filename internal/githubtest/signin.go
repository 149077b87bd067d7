package githubtest

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Signing in, as a GitHub App has it done: a page asks the person, a code comes
// back to the App, which exchanges it once for a token of that person.
const (
	signInPrefix  = "/login/"
	authorizePath = signInPrefix + "oauth/authorize"
	exchangePath  = signInPrefix + "oauth/access_token"
	linkPath      = signInPrefix + "by-link/"
)

const (
	codeLife      = 10 * time.Minute
	userTokenLife = 8 * time.Hour
	cookieName    = "githubtest_session" // who the browser is signed in as
)

// grant is what a code stands for.
type grant struct {
	person    *account
	redirect  string
	challenge string // of PKCE, S256; empty: without
	expires   time.Time
}

// userToken is a token of a person.
type userToken struct {
	person  *account
	expires time.Time
}

// signIns is what GitHub knows of people who sign in. GitHub.mu guards it.
type signIns struct {
	callback string // the App's
	codes    map[string]grant
	tokens   map[string]userToken
	links    map[string]string   // logins, by the secret of a link
	browsers map[string]*account // by cookie
	byLink   bool                // nobody signs in but by a link
}

func newSignIns() signIns {
	return signIns{codes: map[string]grant{}, tokens: map[string]userToken{}, links: map[string]string{}, browsers: map[string]*account{}}
}

// ClientID is the App's client id.
func (g *GitHub) ClientID() string { return fmt.Sprintf("Iv1.%016x", g.appID) }

// ClientSecret is the App's client secret.
func (g *GitHub) ClientSecret() string { return g.options.ClientSecret }

// SetCallbackURL is what the App's settings name as the address that people come
// back to.
func (g *GitHub) SetCallbackURL(url string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.signIn.callback = url
}

// SignInLink is an address that signs a browser in as a person, once, and leads on
// to another address. From then on nobody signs in but by such a link, and there is
// none where others than this machine can reach it.
func (g *GitHub) SignInLink(login, next string) (string, error) {
	host, _, err := net.SplitHostPort(strings.TrimPrefix(g.url, "http://"))
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("make a link that signs in without a password: %s is not an address of this machine alone; listen on 127.0.0.1", g.url)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.accounts[strings.ToLower(login)] == nil {
		return "", fmt.Errorf("make a link that signs in: there is no user %s", login)
	}
	secret := random(24)
	g.signIn.links[secret], g.signIn.byLink = login, true
	return g.url + linkPath + secret + "?" + url.Values{"next": {next}}.Encode(), nil
}

// serveSignIn answers the pages of signing in.
func (g *GitHub) serveSignIn(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'")
	g.mu.Lock()
	defer g.mu.Unlock()
	switch secret, isLink := strings.CutPrefix(r.URL.Path, linkPath); {
	case isLink && r.Method == http.MethodGet:
		g.followLink(w, r, secret)
	case r.URL.Path == authorizePath && (r.Method == http.MethodGet || r.Method == http.MethodPost):
		g.authorizePage(w, r)
	case r.URL.Path == exchangePath && r.Method == http.MethodPost:
		g.exchange(w, r)
	default:
		http.NotFound(w, r)
	}
}

// followLink signs a browser in. g.mu is held.
func (g *GitHub) followLink(w http.ResponseWriter, r *http.Request, secret string) {
	login, ok := g.signIn.links[secret]
	if !ok {
		http.Error(w, "This link was used already, or is none.", http.StatusGone)
		return
	}
	delete(g.signIn.links, secret)
	id := random(24)
	g.signIn.browsers[id] = g.user(login)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: signInPrefix, HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // it is served over http on this machine
	http.Redirect(w, r, r.URL.Query().Get("next"), http.StatusFound)                                                                 //nolint:gosec // who made the link says where it leads
}

//go:embed authorize.html
var authorizeHTML string

var authorizeTemplate = template.Must(template.New("authorize").Parse(authorizeHTML))

// authorizePage asks who the person is, unless their browser is signed in already,
// and sends them back with a code. g.mu is held.
func (g *GitHub) authorizePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect := q.Get("redirect_uri")
	switch {
	case q.Get("client_id") != g.ClientID():
		http.NotFound(w, r)
		return
	case g.signIn.callback == "" || redirect != "" && redirect != g.signIn.callback:
		http.Error(w, "The redirect_uri is not associated with this application.", http.StatusBadRequest)
		return
	case q.Get("code_challenge") != "" && q.Get("code_challenge_method") != "S256":
		http.Error(w, "code_challenge_method must be S256.", http.StatusBadRequest)
		return
	}
	person := g.present(r)
	switch {
	case person != nil:
	case g.signIn.byLink:
		http.Error(w, "Nobody is signed in here. Open the link that was printed at the start; it is good once.", http.StatusUnauthorized)
		return
	case r.Method == http.MethodGet:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = authorizeTemplate.Execute(w, g.logins()) // a browser that went away is its own affair
		return
	case r.PostFormValue("login") == "":
		g.back(w, r, url.Values{"error": {"access_denied"}, "error_description": {"The user has denied your application access."}})
		return
	default:
		if person = g.accounts[strings.ToLower(r.PostFormValue("login"))]; person == nil {
			http.NotFound(w, r)
			return
		}
	}
	code := random(10)
	g.signIn.codes[code] = grant{person, g.signIn.callback, q.Get("code_challenge"), g.now().Add(codeLife)}
	g.back(w, r, url.Values{"code": {code}})
}

// present is who the browser is signed in as, or nil. g.mu is held.
func (g *GitHub) present(r *http.Request) *account {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	return g.signIn.browsers[cookie.Value]
}

// logins are the people who can sign in, sorted. g.mu is held.
func (g *GitHub) logins() []string {
	var all []string
	for _, a := range g.accounts {
		if a.kind == "User" {
			all = append(all, a.login)
		}
	}
	slices.Sort(all)
	return all
}

// back sends the browser back to the App. g.mu is held.
func (g *GitHub) back(w http.ResponseWriter, r *http.Request, values url.Values) {
	if state := r.URL.Query().Get("state"); state != "" {
		values.Set("state", state)
	}
	http.Redirect(w, r, g.signIn.callback+"?"+values.Encode(), http.StatusFound)
}

// exchange gives a token for a code, once. Like GitHub it answers what it refuses
// with 200. g.mu is held.
func (g *GitHub) exchange(w http.ResponseWriter, r *http.Request) {
	values := url.Values{}
	token, err := g.redeem(r)
	if err != nil {
		values.Set("error", err.Error())
		values.Set("error_description", "The request was refused: "+err.Error())
	} else {
		values = url.Values{"access_token": {token}, "token_type": {"bearer"}, "scope": {""}, "expires_in": {"28800"}}
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(values.Encode())) // a caller that went away is its own affair
}

// redeem takes a code. One that was shown is gone, whatever comes of it.
func (g *GitHub) redeem(r *http.Request) (string, error) {
	code := r.PostFormValue("code")
	granted, ok := g.signIn.codes[code]
	delete(g.signIn.codes, code)
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	switch redirect := r.PostFormValue("redirect_uri"); {
	case !same(r.PostFormValue("client_id"), g.ClientID()) || !same(r.PostFormValue("client_secret"), g.ClientSecret()):
		return "", errors.New("incorrect_client_credentials")
	case !ok || !g.now().Before(granted.expires):
		return "", errors.New("bad_verification_code")
	case redirect != "" && redirect != granted.redirect:
		return "", errors.New("redirect_uri_mismatch")
	case granted.challenge != "" && granted.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]):
		return "", errors.New("bad_verification_code")
	}
	token := "ghu_" + random(24)
	g.signIn.tokens[token] = userToken{granted.person, g.now().Add(userTokenLife)}
	return token, nil
}

// getMyself answers a person's token.
func getMyself(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return ok(c.g.publicUser(c.person))
}
