package web

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/stagegate/stagegate/internal/limit"
)

// mostClients is how many are told apart.
const mostClients = 10_000

// limits say how often one may ask. Deliveries and calls are signed, and not limited.
type limits struct {
	signIns *limit.Limiter // by client
	pages   *limit.Limiter // that open by a token or for everybody, by client
	misses  *limit.Limiter // what is not found, by client
	people  *limit.Limiter // pages of somebody who is signed in, by login
}

func newLimits(now func() time.Time) limits {
	return limits{
		signIns: limit.New(2*time.Second, 60, mostClients, now),
		pages:   limit.New(50*time.Millisecond, 300, mostClients, now),
		misses:  limit.New(500*time.Millisecond, 100, mostClients, now),
		people:  limit.New(200*time.Millisecond, 100, mostClients, now),
	}
}

// limited lets a handler answer those who do not ask too often.
func (s *server) limited(l *limit.Limiter, handle gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !s.tooMany(c, l, s.Clients.Of(c.Request)) {
			handle(c)
		}
	}
}

// tooMany counts one of somebody, and answers them if it is one too many.
func (s *server) tooMany(c *gin.Context, l *limit.Limiter, who string) bool {
	wait := l.Take(who)
	if wait == 0 {
		return false
	}
	seconds := int(math.Ceil(wait.Seconds()))
	c.Header("Retry-After", fmt.Sprint(seconds))
	c.Abort()
	c.String(http.StatusTooManyRequests, "Too many requests. Try again in %d s.\n", seconds)
	return true
}

// notFound is one and the same answer for a wrong token, a wrong path and a wrong method,
// until there are too many of them.
func (s *server) notFound(c *gin.Context) {
	if !s.tooMany(c, s.limits.misses, s.Clients.Of(c.Request)) {
		c.String(http.StatusNotFound, "Not found.\nA page opens only by the details link of its check run.\n")
	}
}
