package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestMasksWhatProgramsPrint(t *testing.T) {
	const secret = `p4ss/w+rd "ünd" it's <&> $x\y?z%1`
	m := New(secret)
	marshalled, err := json.Marshal(map[string]string{"key": secret})
	if err != nil {
		t.Fatal(err)
	}
	std, urlSafe := base64.StdEncoding, base64.URLEncoding
	for name, text := range map[string]string{
		"as it is":        secret,
		"base64":          std.EncodeToString([]byte(secret)),
		"base64 of echo":  std.EncodeToString([]byte(secret + "\n")),
		"basic auth":      std.EncodeToString([]byte("me:" + secret)),
		"basic auth, 2":   std.EncodeToString([]byte("you:" + secret + "!")),
		"base64url":       urlSafe.EncodeToString([]byte("a" + secret)),
		"query":           url.QueryEscape(secret),
		"path":            url.PathEscape(secret),
		"user":            url.UserPassword("u", secret).String(),
		"lower case hex":  strings.ReplaceAll(escape(secret, "", "0123456789abcdef"), "%20", "+"),
		"json":            string(marshalled),
		"go":              fmt.Sprintf("%q", secret),
		"go, ascii":       fmt.Sprintf("%+q", secret),
		"html":            html.EscapeString(secret),
		"set -x":          "+ curl '" + strings.ReplaceAll(secret, "'", `'\''`) + "'",
		"set -x, busybox": "+ curl '" + strings.ReplaceAll(secret, "'", `'"'"'`) + "'",
		"log command":     strings.ReplaceAll(secret, "%", "%25"),
	} {
		got := m.String("before " + text + " after")
		if !strings.Contains(got, Mask) || strings.Contains(got, "4ss") || len(got) > len("before  after")+60 {
			t.Errorf("%s: %q is left as %q", name, text, got)
		}
	}
}

// What is left of base64 beside the mask are characters that the secret shares
// with its neighbours.
func TestBase64LeavesOnlySharedCharacters(t *testing.T) {
	m := New("correct horse")
	for _, before := range []string{"", "a", "ab", "abc"} {
		for _, after := range []string{"", "x", "xy"} {
			got := m.String(base64.StdEncoding.EncodeToString([]byte(before + "correct horse" + after)))
			rest := strings.TrimRight(strings.Replace(got, Mask, "", 1), "=")
			if shared := (len(before)*8+5)/6 + (len(after)*8+5)/6 + 2; !strings.Contains(got, Mask) || len(rest) > shared {
				t.Errorf("%q, %q: %q", before, after, got)
			}
		}
	}
}

func TestLines(t *testing.T) {
	key := "-----BEGIN KEY-----\r\nMIIEowIBAAKC\nx\n  q83vEjRWeJCrze8=\n-----END KEY-----\n"
	m := New(key)
	got := m.String("a\n" + key + "b x")
	if want := "a\n***\r\n***\nx\n  ***\n***\nb x"; got != want {
		t.Errorf("%q", got)
	}
	long := strings.Repeat("0123456789", 30)
	m = New(long)
	enc := base64.StdEncoding.EncodeToString([]byte(long + "\n"))
	for _, width := range []int{64, 76} {
		for i := 0; i < len(enc); i += width {
			line := enc[i:min(i+width, len(enc))]
			if got := m.String(line); len(strings.Replace(got, Mask, "", 1)) > 4 {
				t.Errorf("%q is left as %q", line, got)
			}
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct{ values, text, want string }{
		{"abcd bcde", "xabcdey", "x***y"},
		{"bcde abcdefgh", "xabcdefghy", "x***y"},
		{"bcde abcdefgh", "xabcdefgy", "xa***fgy"},
		{"abab", "xabababy", "x***y"},
		{"abcd efgh", "abcdefgh", "******"},
		{"abcd efgh cdef", "abcdefgh", "***"},
		{"abcdefgh cdef", "abcdefg", "ab***g"},
		{"aaaa", "aaa aaaaaaaaa aaa", "aaa *** aaa"},
		{"abc", "abc", "abc"}, // too short
		{"", "abc", "abc"},
	} {
		m := New(strings.Fields(c.values)...)
		if got := m.String(c.text); got != c.want {
			t.Errorf("%s in %s: %s", c.values, c.text, got)
		}
		if got := m.Finds(c.text); got != (c.text != c.want) {
			t.Errorf("%s in %s: found %v", c.values, c.text, got)
		}
	}
}

func TestWhatIsTooShort(t *testing.T) {
	if New("", "abc", "  abc\n") != nil {
		t.Error("something is masked")
	}
	if Maskable(" abc\n") || !Maskable("abcd") {
		t.Error("wrong about what is too short")
	}
	if m := New("abcd").With("efgh"); m.String("abcd efgh") != "*** ***" {
		t.Error(m.String("abcd efgh"))
	}
}

// A text without secrets costs no copy.
func TestLeavesOtherTextAlone(t *testing.T) {
	text := []byte("nothing to hide here")
	for _, m := range []*Masker{nil, New("secret")} {
		if got := m.Bytes(text); &got[0] != &text[0] {
			t.Error("copied")
		}
	}
}

// naive hides the patterns by looking for each of them at each place.
func naive(m *Masker, text []byte) []byte {
	if m == nil {
		return text
	}
	var all []span
	for stop := range len(text) + 1 {
		for start := range stop {
			if slices.Contains(m.patterns, string(text[start:stop])) {
				all = join(all, span{start, stop})
				break
			}
		}
	}
	return cover(nil, text, all)
}

func FuzzStream(f *testing.F) {
	f.Add("abcd\x00bcde\x00aaaa", []byte("xabcdefaaaaaaabcd bcd"), []byte{3, 1, 9})
	f.Add("abcdefgh\x00cdef", []byte("abcdefgabcdefgh"), []byte{7, 2})
	f.Add("it's\x00a\nbcde", []byte("it'\\''s aXQncw== bcde"), []byte{1})
	f.Fuzz(func(t *testing.T, values string, text, cuts []byte) {
		if len(text) > 200 || len(values) > 60 {
			return
		}
		m := New(strings.Split(values, "\x00")...)
		want := naive(m, text)
		if got := m.Bytes(text); !bytes.Equal(got, want) {
			t.Fatalf("%q in %q: %q, want %q", values, text, got, want)
		}
		var s Stream
		var got []byte
		for i, rest := 0, text; len(rest) > 0; i++ {
			n := len(rest)
			if i < len(cuts) {
				n = min(n, int(cuts[i]))
			}
			got = s.Next(got, m, rest[:n])
			if len(s.held) > m.Longest() {
				t.Fatalf("%d bytes held back", len(s.held))
			}
			rest = rest[n:]
		}
		if got = s.End(got, m); !bytes.Equal(got, want) {
			t.Fatalf("%q in %q, cut at %v: %q, want %q", values, text, cuts, got, want)
		}
	})
}

// No value survives in any form that it is masked in, wherever it is put.
func FuzzForms(f *testing.F) {
	f.Add("hunter2 & co", "before ", " after", byte(2))
	f.Add("line one\nline two", "", "=", byte(7))
	f.Fuzz(func(t *testing.T, value, before, after string, form byte) {
		if strings.Contains(value, "*") || len(value)+len(before)+len(after) > 300 {
			return
		}
		all := forms(value)
		if len(all) == 0 {
			return
		}
		m, chosen := New(value), all[int(form)%len(all)]
		got := m.String(before + chosen + after)
		for _, p := range all {
			if strings.Contains(got, p) {
				t.Errorf("%q survives in %q", p, got)
			}
		}
	})
}

func BenchmarkBytes(b *testing.B) {
	line := []byte("2026-11-25 compile   github.com/example/project/internal/pkg/file_name.go:1234: something of note here\n")
	for _, secrets := range [][]string{{"ghp_16C7e42F292c6912E7710c838347Ae178B4a"}, {"ghp_16C7e42F292c6912E7710c838347Ae178B4a", "correct horse battery staple", "p4ss/w+rd=="}} {
		m := New(secrets...)
		b.Run(fmt.Sprint(len(secrets)), func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				m.Bytes(line)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	secret := strings.Repeat("0123456789abcdef", 256)
	for b.Loop() {
		New(secret)
	}
}
