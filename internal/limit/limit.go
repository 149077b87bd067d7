// Package limit says how often somebody may do a thing, in bounded memory, and by
// which address a client is known.
package limit

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter counts for many at once. A nil one lets everything pass.
type Limiter struct {
	every time.Duration
	burst int
	most  int
	now   func() time.Time

	mu            sync.Mutex
	recent, older map[string]*rate.Limiter // who was seen last, and before them
}

// New makes a Limiter that lets each pass once in a time, after so many at once, and
// remembers 2*most of them: who has long not come is forgotten, and begins anew.
func New(every time.Duration, burst, most int, now func() time.Time) *Limiter {
	return &Limiter{every: every, burst: burst, most: most, now: now, recent: map[string]*rate.Limiter{}}
}

// Take counts one and returns zero, or how long to wait until the next may pass.
func (l *Limiter) Take(who string) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	taken := l.of(who).ReserveN(now, 1)
	wait := taken.DelayFrom(now)
	if wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

// of finds or makes what is counted of somebody. l.mu is held.
func (l *Limiter) of(who string) *rate.Limiter {
	if one := l.recent[who]; one != nil {
		return one
	}
	one := l.older[who]
	if one == nil {
		one = rate.NewLimiter(rate.Every(l.every), l.burst)
	}
	if len(l.recent) >= l.most {
		l.recent, l.older = map[string]*rate.Limiter{}, l.recent
	}
	l.recent[who] = one
	return one
}

// Clients knows clients by their address.
type Clients struct {
	// Proxies are trusted: what they say of the one who asked them, in
	// X-Forwarded-For, is believed.
	Proxies []netip.Prefix
}

// Of is the address of whoever sent a request, of IPv6 the network of it, since that
// is what one client has.
func (c Clients) Of(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(said) - 1; i >= 0 && c.trusts(address); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(said[i]))
		if err != nil {
			break
		}
		address = before
	}
	return network(address.Unmap())
}

func (c Clients) trusts(address netip.Addr) bool {
	for _, p := range c.Proxies {
		if p.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

func network(a netip.Addr) string {
	if a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
