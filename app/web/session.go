package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// CallbackPath is where GitHub sends people back to, below the public URL.
const CallbackPath = "/login/callback"

var (
	// ErrStale is what SignIn answers for a code that is good no more, or a sign-in
	// that has been used.
	ErrStale = errors.New("the sign-in is stale")
	// ErrUnavailable is what it answers when GitHub could not be asked. The reason
	// is in the log.
	ErrUnavailable = errors.New("GitHub could not be asked")
)

// SignIn finds out who people are, and keeps who is signed in.
type SignIn interface {
	// AuthorizeURL is where GitHub asks a person who they are. It sends them back
	// with the state and with a code that only the verifier makes good.
	AuthorizeURL(state, verifier string) string
	// Enter begins a session for whoever the code is of, once for a state, and
	// returns its secret. What cannot be is ErrStale or ErrUnavailable.
	Enter(ctx context.Context, code, verifier, state string) (session string, err error)
	// Visitor is who a session is of, or ErrNotFound when it lasts no more.
	Visitor(ctx context.Context, session string) (Visitor, error)
	// Leave ends a session.
	Leave(ctx context.Context, session string) error
}

// Visitor is somebody who is signed in.
type Visitor struct {
	Login     string
	Dashboard Dashboard
	Tokens    Tokens
	Secrets   Secrets
	form      string // what their forms carry
}

// cookieLife is how long a browser keeps the cookie of a session; how long the session
// lasts is SignIn's to say.
const cookieLife = 7 * 24 * time.Hour

// sessionCookie and signInCookie are names. On https the prefix has the browser refuse
// such a cookie from another host of the domain.
func (s *server) sessionCookie() string { return s.cookiePrefix() + "stagegate" }
func (s *server) signInCookie() string  { return s.cookiePrefix() + "stagegate-signin" }

func (s *server) cookiePrefix() string {
	if s.secure {
		return "__Host-"
	}
	return ""
}

// setCookie gives a browser a cookie for so long; without a value it takes it away.
func (s *server) setCookie(c *gin.Context, name, value string, life time.Duration) {
	age := int(life.Seconds())
	if value == "" {
		age = -1
	}
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure where the public URL is https; else it is this machine
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// visitor finds who is signed in; ErrNotFound if nobody is.
func (s *server) visitor(c *gin.Context) (Visitor, error) {
	if s.SignIn == nil {
		return Visitor{}, ErrNotFound
	}
	secret, err := c.Cookie(s.sessionCookie())
	if err != nil || !possibleToken.MatchString(secret) {
		return Visitor{}, ErrNotFound
	}
	v, err := s.SignIn.Visitor(c.Request.Context(), secret)
	v.form = formToken(secret)
	return v, err
}

// formToken is what the forms of a session carry. Only who has the cookie can make it,
// and nobody can make the cookie of it.
func formToken(session string) string { return keyed(session, "form") }

// keyed is what only who has the key can make of a text.
func keyed(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signedIn lets a handler answer those who are signed in; others are asked to sign in,
// wherever they wanted to go.
func (s *server) signedIn(handle func(*gin.Context, Visitor)) gin.HandlerFunc {
	return func(c *gin.Context) {
		v, err := s.visitor(c)
		switch {
		case err != nil && s.tooMany(c, s.limits.pages, s.Clients.Of(c.Request)):
		case errors.Is(err, ErrNotFound) && c.Request.Method == http.MethodPost:
			s.tell(c, http.StatusUnauthorized, Visitor{}, "You are signed out", "Nothing was done. Sign in, look again, and say it once more.")
		case errors.Is(err, ErrNotFound):
			s.leadTo(c, "/login?"+url.Values{"return": {c.Request.URL.RequestURI()}}.Encode())
		case err != nil:
			s.refuse(c, err)
		case s.tooMany(c, s.limits.people, v.Login):
		default:
			pageHeaders(c)
			handle(c, v)
		}
	}
}

// saying is signedIn for what changes something: the request must come from a page of
// ours, made for this session.
func (s *server) saying(handle func(*gin.Context, Visitor)) gin.HandlerFunc {
	return s.sayingUpTo(mostForm, handle)
}

// sayingUpTo is saying for a form of at most so many bytes.
func (s *server) sayingUpTo(most int64, handle func(*gin.Context, Visitor)) gin.HandlerFunc {
	return s.signedIn(func(c *gin.Context, v Visitor) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
		if err := s.ownForm(c.Request, v.form); err != nil {
			s.Log.Warn("a form was refused", "route", c.FullPath(), "login", v.Login, "error", err)
			s.tell(c, http.StatusForbidden, v, "Nothing was done", "The form did not come from a page of Stagegate that you have open. Load the page anew and say it there.")
			return
		}
		handle(c, v)
	})
}

// mostForm is far more than a form has to say, in bytes.
const mostForm = 64 << 10

// ownForm refuses a form that another site may have sent, or that was made for another
// session.
func (s *server) ownForm(r *http.Request, token string) error {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site == "" && origin == "" {
		return errors.New("it does not say where it comes from")
	}
	if site != "" && site != "same-origin" {
		return errors.New("it comes from another site")
	}
	if origin != "" && origin != s.origin {
		return errors.New("it comes from another origin")
	}
	if err := r.ParseForm(); err != nil {
		return errors.New("it cannot be read")
	}
	if subtle.ConstantTimeCompare([]byte(r.PostFormValue("form")), []byte(token)) != 1 {
		return errors.New("it was not made for this session")
	}
	return nil
}

// leadTo sends a browser to a path below the public URL.
func (s *server) leadTo(c *gin.Context, path string) {
	c.Redirect(http.StatusSeeOther, s.base+path)
}

// localPath is a path that a browser may be sent to after a sign-in: one of ours, and
// nothing that a browser could take for another host, or for what is beside the public
// URL on ours. Anything else is the front page.
func localPath(text string) string {
	u, err := url.Parse(text)
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }
	switch {
	case err != nil, u.IsAbs(), u.Host != "", u.User != nil, len(text) > 500, strings.Contains(u.Path+"/", "/../"),
		!strings.HasPrefix(text, "/"), strings.HasPrefix(text, "//"), strings.ContainsFunc(text, odd),
		strings.HasPrefix(u.Path, "//"), strings.HasPrefix(u.Path, "/login"), strings.HasPrefix(u.Path, "/logout"):
		return "/"
	}
	return text
}
