package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Tokens are the access tokens of one person, for the command line and for programs.
type Tokens interface {
	// Tokens lists them, newest first.
	Tokens(ctx context.Context) ([]Token, error)
	// Make makes one with some scopes beside read, which is good for so many days, and
	// returns its text. What cannot be is a *Refusal.
	Make(ctx context.Context, name string, scopes []string, days int) (text string, err error)
	// Revoke ends one; ErrNotFound if the person has none of that id.
	Revoke(ctx context.Context, id int64) error
}

// Token is what is known of a token; its text is not.
type Token struct {
	ID                                   int64
	Name                                 string
	Scopes                               []string
	MadeAt, ExpiresAt, UsedAt, RevokedAt time.Time
}

// tokensPage is the page of a person's tokens.
type tokensPage struct {
	head
	Made    string // the text of one that was made just now
	Command string // how the command line gets it
	Wrong   string // why none was made
	Tokens  []tokenRow
}

type tokenRow struct {
	Name, Scopes        string
	Made, Expires, Used moment
	Status              badge
	Revoke              string // where; empty: it is good no more
}

func (s *server) tokens(c *gin.Context, v Visitor) {
	s.showTokens(c, http.StatusOK, v, tokensPage{})
}

func (s *server) showTokens(c *gin.Context, status int, v Visitor, p tokensPage) {
	all, err := v.Tokens.Tokens(c.Request.Context())
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	p.head = s.head(v, "Access tokens")
	now := s.Now()
	for _, t := range all {
		r := tokenRow{
			Name: clip(t.Name, 100), Scopes: clip(strings.Join(t.Scopes, ", "), 100), Made: momentOf(t.MadeAt), Expires: momentOf(t.ExpiresAt),
			Used: momentOf(t.UsedAt), Status: badge{"good", "✓", "good"}, Revoke: s.base + "/tokens/" + strconv.FormatInt(t.ID, 10) + "/revoke",
		}
		switch {
		case !t.RevokedAt.IsZero():
			r.Status, r.Revoke = badge{"revoked", "■", "idle"}, ""
		case !now.Before(t.ExpiresAt):
			r.Status, r.Revoke = badge{"expired", "!", "idle"}, ""
		}
		p.Tokens = append(p.Tokens, r)
	}
	slices.SortStableFunc(p.Tokens, func(a, b tokenRow) int { return ended(a) - ended(b) })
	s.show(c, status, "tokens.html", p)
}

func ended(r tokenRow) int {
	if r.Revoke == "" {
		return 1
	}
	return 0
}

// makeToken makes a token and shows it, this once.
func (s *server) makeToken(c *gin.Context, v Visitor) {
	form := c.Request.PostForm
	days, err := strconv.Atoi(form.Get("days"))
	if err != nil {
		days = 0 // which is refused
	}
	text, err := v.Tokens.Make(c.Request.Context(), form.Get("name"), form["scope"], days)
	var no *Refusal
	switch {
	case errors.As(err, &no):
		s.showTokens(c, no.Status, v, tokensPage{Wrong: sentence(clip(no.Message, 300))})
	case err != nil:
		s.refuseTo(c, v, err)
	default:
		s.showTokens(c, http.StatusOK, v, tokensPage{Made: text, Command: "stagegate login --server " + s.PublicURL})
	}
}

func (s *server) revokeToken(c *gin.Context, v Visitor) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err == nil {
		err = v.Tokens.Revoke(c.Request.Context(), id)
	} else {
		err = ErrNotFound
	}
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	s.leadTo(c, "/tokens")
}
