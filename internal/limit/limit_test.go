package limit_test

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/limit"
)

func TestLimiter(t *testing.T) {
	now := time.Unix(1000, 0)
	l := limit.New(time.Second, 2, 100, func() time.Time { return now })
	for i, want := range []time.Duration{0, 0, time.Second, time.Second} {
		if got := l.Take("a"); got != want {
			t.Errorf("%d: %v, want %v", i, got, want)
		}
	}
	if l.Take("b") != 0 {
		t.Error("one waits for another")
	}
	if now = now.Add(time.Second); l.Take("a") != 0 || l.Take("a") == 0 {
		t.Error("a second later it is not one more")
	}
	var none *limit.Limiter
	if none.Take("a") != 0 {
		t.Error("no limiter limits")
	}
}

// TestLimiterForgets asks that those who come all the time are remembered however many
// others come once.
func TestLimiterForgets(t *testing.T) {
	l := limit.New(time.Hour, 1, 10, func() time.Time { return time.Unix(1000, 0) })
	l.Take("a")
	for i := range 1000 {
		l.Take(fmt.Sprint(i))
		if l.Take("a") == 0 {
			t.Fatalf("forgotten after %d others", i)
		}
	}
	if l.Take("0") != 0 {
		t.Error("who came once is remembered for ever")
	}
}

func TestClients(t *testing.T) {
	c := limit.Clients{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	for _, tc := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"6.6.6.6, 203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"6.6.6.6", "203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:5", []string{"garbage"}, "10.0.0.1"},
		{"10.0.0.1:5", nil, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"[2001:db8:1:2:3::4]:5", nil, "2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::]:5", nil, "2001:db8:1:2::/64"},
		{"odd", nil, "odd"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = tc.remote
		for _, f := range tc.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := c.Of(r); got != tc.want {
			t.Errorf("%s %v: %s, want %s", tc.remote, tc.forwarded, got, tc.want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.RemoteAddr = "10.0.0.1:5"
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if got := (limit.Clients{}).Of(r); got != "10.0.0.1" {
		t.Errorf("without trusted proxies: %s", got)
	}
}
