package human_test

import (
	"math"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/human"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 ms", 0: "0 ms", 1999 * time.Microsecond: "1 ms", 999 * time.Millisecond: "999 ms",
		time.Second: "1.0 s", 9949 * time.Millisecond: "9.9 s", 9950 * time.Millisecond: "10 s", 59999 * time.Millisecond: "59 s",
		190 * time.Second: "3 min 10 s", time.Hour: "1 h 0 min", 47*time.Hour + 59*time.Minute: "47 h 59 min",
		76 * time.Hour: "3 days 4 h",
	} {
		if got := human.Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 4, "abcd"},
		{"abcde", 4, "a…"},
		{"abcd", 3, "…"},
		{"abc", 2, ""},
		{"abc", -1, ""},
		{"aéb", 4, "aéb"},
		{"aébc", 4, "a…"},
		{"ééé", 5, "é…"},
		{"ééé", 4, "…"},
		{"日本語", 8, "日…"},
		{"\x80\x80\x80\x80\x80", 4, "…"},
	} {
		if got := human.Cut(c.text, c.n); got != c.want {
			t.Errorf("%q cut to %d is %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 120 << 10: "120 KiB", 1<<20 - 1: "1 MiB",
		4 << 30: "4 GiB", 18350080: "17.5 MiB", 3 << 40: "3 TiB", math.MaxInt64: "8 EiB",
	} {
		if got := human.Size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
