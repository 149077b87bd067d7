// Package human writes quantities as people say them, and cuts what is too long
// for them. It imports only the
// standard library.
package human

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// Duration writes a span of time, no more precisely than it matters: 850 ms,
// 1.5 s, 59 s, 3 min 10 s, 2 h 5 min, 3 days 4 h. A negative one is none.
func Duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 9950*time.Millisecond: // from there on tenths would round to 10.0
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", min(math.Round(d.Seconds()), 59))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// Size writes a number of bytes: 512 B, 4 GiB, 17.5 MiB.
func Size(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/(1<<10), 0
	for f >= 1023.95 && i < len(units)-1 { // from there on tenths would round to 1024.0
		f, i = f/(1<<10), i+1
	}
	if f = math.Round(f*10) / 10; f == math.Trunc(f) {
		return fmt.Sprintf("%.0f %ciB", f, units[i])
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

// Cut returns a text of at most n bytes: all of it, or its beginning, in whole
// characters, with an ellipsis. Where there is no room for one it is empty.
func Cut(text string, n int) string {
	const mark = "…"
	if len(text) <= n {
		return text
	}
	if n -= len(mark); n < 0 {
		return ""
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + mark
}
