package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// signInTime is how long a person may take at GitHub.
const signInTime = 10 * time.Minute

// attempt is a sign-in under way. All there is of it is in a cookie of the browser
// that began it: what GitHub gets of it follows from the secret, which it never sees.
type signInAttempt struct {
	secret string
	begun  time.Time
	next   string // where the person wanted to go
}

func (a signInAttempt) cookie() string {
	return a.secret + "." + strconv.FormatInt(a.begun.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(a.next))
}

// state comes back from GitHub: only this browser has what it was made of.
func (a signInAttempt) state() string { return keyed(a.secret, "state "+a.cookie()) }

// verifier makes the code good (RFC 7636).
func (a signInAttempt) verifier() string { return keyed(a.secret, "verifier "+a.cookie()) }

// readAttempt reads what cookie wrote.
func readAttempt(cookie string) (signInAttempt, bool) {
	parts := strings.Split(cookie, ".")
	if len(parts) != 3 || !possibleToken.MatchString(parts[0]) {
		return signInAttempt{}, false
	}
	begun, err := strconv.ParseInt(parts[1], 10, 64)
	next, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	return signInAttempt{parts[0], time.Unix(begun, 0), localPath(string(next))}, err == nil && err2 == nil
}

// login sends a person to GitHub, which asks them who they are.
func (s *server) login(c *gin.Context) {
	pageHeaders(c)
	if s.SignIn == nil {
		s.tell(c, http.StatusNotFound, Visitor{}, "Nobody can sign in", setUp)
		return
	}
	next := localPath(c.Query("return"))
	if _, err := s.visitor(c); err == nil {
		s.leadTo(c, next)
		return
	}
	a := signInAttempt{secret: randomText(), begun: s.Now(), next: next}
	s.setCookie(c, s.signInCookie(), a.cookie(), signInTime)
	c.Redirect(http.StatusSeeOther, s.SignIn.AuthorizeURL(a.state(), a.verifier()))
}

// callback is where GitHub sends people back to.
func (s *server) callback(c *gin.Context) {
	pageHeaders(c)
	if s.SignIn == nil {
		s.notFound(c)
		return
	}
	cookie, err := c.Cookie(s.signInCookie())
	a, ok := readAttempt(cookie)
	if err != nil || !ok || subtle.ConstantTimeCompare([]byte(c.Query("state")), []byte(a.state())) != 1 {
		s.again(c, "This sign-in was not begun in this browser, or was finished already.", "/")
		return
	}
	s.setCookie(c, s.signInCookie(), "", 0)
	switch waited := s.Now().Sub(a.begun); {
	case waited > signInTime || waited < -time.Minute:
		s.again(c, "The sign-in took longer than 10 minutes.", a.next)
		return
	case c.Query("error") == "access_denied":
		s.again(c, "You did not let GitHub tell Stagegate who you are.", a.next)
		return
	case c.Query("code") == "" || len(c.Query("code")) > 200:
		s.again(c, "GitHub did not say who you are.", a.next)
		return
	}
	session, err := s.SignIn.Enter(c.Request.Context(), c.Query("code"), a.verifier(), a.state())
	switch {
	case errors.Is(err, ErrStale):
		s.again(c, "GitHub's answer had been used already.", a.next)
	case errors.Is(err, ErrUnavailable):
		s.tell(c, http.StatusBadGateway, Visitor{}, "Not signed in", "GitHub could not be asked who you are. Try again in a moment; the operator finds the reason in the log.")
	case err != nil:
		s.refuse(c, err)
	default:
		if err := s.endSession(c); err != nil { // of whoever was signed in here
			s.refuse(c, err)
			return
		}
		s.setCookie(c, s.sessionCookie(), session, cookieLife)
		s.leadTo(c, a.next)
	}
}

// again says why nobody was signed in.
func (s *server) again(c *gin.Context, why, next string) {
	s.show(c, http.StatusBadRequest, "message.html", message{
		head: s.head(Visitor{}, "Not signed in"), Text: why, Link: link{"Sign in again", s.base + "/login?" + url.Values{"return": {next}}.Encode()},
	})
}

// logout ends the session.
func (s *server) logout(c *gin.Context, _ Visitor) {
	if err := s.endSession(c); err != nil {
		s.refuse(c, err)
		return
	}
	s.setCookie(c, s.sessionCookie(), "", 0)
	s.leadTo(c, "/")
}

// endSession ends the session of the browser, if it has one.
func (s *server) endSession(c *gin.Context) error {
	secret, err := c.Cookie(s.sessionCookie())
	if err != nil || !possibleToken.MatchString(secret) {
		return nil //nolint:nilerr // there is none
	}
	return s.SignIn.Leave(c.Request.Context(), secret)
}

func randomText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails; it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// setUp is what the operator does so that people can sign in.
const setUp = "The operator has not set up signing in: set STAGEGATE_GITHUB_CLIENT_ID and STAGEGATE_GITHUB_CLIENT_SECRET, " +
	"and enter the callback URL on the settings page of the GitHub App. Until then a page opens by the details link of its check run."
