package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"
)

const (
	noContent   = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	pageContent = noContent + "; style-src 'self'"
	formContent = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'self'"
)

// pageHeaders are those of the pages of people who sign in. No secret stands in their
// addresses, and a browser that is to keep all of the address from everybody would say
// of a form that it came from nowhere.
func pageHeaders(c *gin.Context) {
	c.Header("Content-Security-Policy", formContent)
	c.Header("Referrer-Policy", "same-origin")
}

// guard sets the headers every answer has. Nothing is kept by a cache, framed,
// indexed, or told to the next site: the token stands in the address.
func (s *server) guard(c *gin.Context) {
	h := c.Writer.Header()
	if s.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("Content-Security-Policy", noContent)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// recovered turns a panic into one log line and a 500 that tells nothing.
func (s *server) recovered(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) // net/http cuts the connection, as was asked for
		}
		s.Log.Error("request panicked", "method", c.Request.Method, "route", c.FullPath(), "panic", withoutToken(c, fmt.Sprint(p)), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // so that half an answer does not pass for a whole one
		}
		internalError(c)
	}()
	c.Next()
}

// refuse answers for an error of Executions. The log names the route, never
// the path: a token must not be in a log.
func (s *server) refuse(c *gin.Context, err error) {
	switch {
	case errors.Is(err, ErrNotFound):
		s.notFound(c)
	case errors.Is(err, context.Canceled):
		c.Abort() // nobody waits for the answer
	default:
		s.Log.Error("request failed", "method", c.Request.Method, "route", c.FullPath(), "error", withoutToken(c, err.Error()))
		internalError(c)
	}
}

// missing says to somebody who is signed in that there is no such page.
func (s *server) missing(c *gin.Context, v Visitor) {
	s.tell(c, http.StatusNotFound, v, "Not found", "There is no such page, or GitHub does not let you read that repository.")
}

// refuseTo answers somebody who is signed in for an error of their Dashboard.
func (s *server) refuseTo(c *gin.Context, v Visitor, err error) {
	switch {
	case errors.Is(err, ErrNotFound):
		s.missing(c, v)
	case errors.Is(err, ErrUnavailable):
		s.tell(c, http.StatusServiceUnavailable, v, "GitHub could not be asked", "What you may see is asked of GitHub, which does not answer. Try again in a moment.")
	default:
		s.refuse(c, err)
	}
}

func internalError(c *gin.Context) {
	c.Abort()
	c.String(http.StatusInternalServerError, "Internal error.\n")
}

func withoutToken(c *gin.Context, text string) string {
	token := c.Param("token")
	if token == "" {
		return text
	}
	return strings.ReplaceAll(text, token, "TOKEN")
}
