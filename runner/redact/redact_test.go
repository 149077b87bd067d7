package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
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
		"hex":             fmt.Sprintf("%x", secret),
		"large hex":       fmt.Sprintf("%X", secret),
		"json in json":    strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(marshalled)),
		"python's json":   `"p4ss/w+rd \"\u00fcnd\" it's <&> $x\\y?z%1"`,
		".net's json":     `p4ss/w+rd \"\u00FCnd\" it's \u003C\u0026\u003E $x\\y?z%1`,
		"set -x, bash, C": `$'p4ss/w+rd "\303\274nd" it\'s <&> $x\\y?z%1'`,
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
	if got := New("first line\r\nsecond").String(`"first line\nsecond", "first line\r\nsecond"`); got != `"***", "***"` {
		t.Error(got)
	}
}

// uncovered counts, for each line of a text, the characters of certain places that
// are not hidden.
func uncovered(m *Masker, text string, certain func(i int) bool) []int {
	hidden := make([]bool, len(text))
	spans, _ := m.spans(within{text: []byte(text), ended: true}, nil)
	for _, s := range spans {
		for i := s.start; i < s.stop; i++ {
			hidden[i] = true
		}
	}
	counts := []int{0}
	for i := range len(text) {
		switch {
		case text[i] == '\n':
			counts = append(counts, 0)
		case certain(i) && !hidden[i]:
			counts[len(counts)-1]++
		}
	}
	return counts
}

func wrap(text string, width int) string {
	var b strings.Builder
	for i := range len(text) {
		if i > 0 && i%width == 0 {
			b.WriteByte('\n')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// Of a value that was encoded together with others and then wrapped, at most three
// characters stay at the edge of a line: five in hex.
func FuzzWrapped(f *testing.F) {
	f.Add("correct horse battery staple", "user:", "", byte(76), true)
	f.Add(strings.Repeat("0123456789", 30), "", "\n", byte(64), true)
	f.Add(strings.Repeat("secret ", 30), "-", "\n", byte(60), false)
	f.Fuzz(func(t *testing.T, value, before, after string, width byte, text bool) {
		value = strings.TrimSpace(value)
		if len(value) < MinLength || len(value)+len(before)+len(after) > 500 || width < 2*fragment {
			return
		}
		all := before + value + after
		bits, most, encoded := 4, leastHex-1, fmt.Sprintf("%x", all)
		if text {
			bits, most, encoded = 6, leastText-1, base64.StdEncoding.EncodeToString([]byte(all))
		}
		// Where a character is, in the text that is not wrapped, and whether all its bits are the value's.
		certain := func(i int) bool {
			i -= i / (int(width) + 1)
			return i*bits >= len(before)*8 && (i+1)*bits <= (len(before)+len(value))*8
		}
		for n, count := range uncovered(New(value), wrap(encoded, int(width)), certain) {
			if count > most {
				t.Errorf("%d characters stay in line %d of\n%s", count, n, wrap(encoded, int(width)))
			}
		}
	})
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
			if slices.Contains(m.patterns, string(text[start:stop])) || naiveEncoded(m, text, start, stop) {
				all = join(all, span{start, stop})
				break
			}
		}
	}
	return cover(nil, text, all)
}

// naiveEncoded tells whether a part of a text is one of an encoded value, by what
// stands around it.
func naiveEncoded(m *Masker, text []byte, start, stop int) bool {
	part, long := string(text[start:stop]), stop-start == fragment
	before := text[bytes.LastIndexByte(text[:start], '\n')+1 : start]
	after, _, _ := bytes.Cut(text[stop:], []byte("\n"))
	first := strings.Trim(string(before), " \t\r") == ""
	last := strings.Trim(string(after), " \t\r") == "" && len(after) <= maxBlank
	of := func(least int, encoded ...string) bool {
		return slices.ContainsFunc(encoded, func(s string) bool {
			short := len(part) >= least && len(part) < min(fragment, len(s))
			return long && strings.Contains(s, part) ||
				short && (first && strings.HasSuffix(s, part) || last && strings.HasPrefix(s, part))
		})
	}
	return slices.ContainsFunc(m.values, func(v string) bool {
		return of(leastText, base64Of(v)...) || of(leastHex, hexOf(v)...)
	})
}

func FuzzStream(f *testing.F) {
	f.Add("abcd\x00bcde\x00aaaa", []byte("xabcdefaaaaaaabcd bcd"), []byte{3, 1, 9})
	f.Add("abcdefgh\x00cdef", []byte("abcdefgabcdefgh"), []byte{7, 2})
	f.Add("it's\x00a\nbcde", []byte("it'\\''s aXQncw== bcde"), []byte{1})
	f.Add("a longer secret", []byte("YSBsb25n \r\n\tZXIgc2VjcmV0\n61206c6f6e67\n6572207365"), []byte{3, 9, 1, 1, 4})
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

// random is text of base64's characters, the worst there is: all of it could be
// encoded.
func random(r *rand.Rand, length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[r.IntN(64)]
	}
	return string(text)
}

func kilobytes(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	var all []string
	for range n {
		all = append(all, random(r, 1<<10))
	}
	return all
}

// BenchmarkKilobytes is what 20 secrets of 1 KiB cost.
func BenchmarkKilobytes(b *testing.B) {
	m := New(kilobytes(20)...)
	for name, line := range map[string]string{
		"log":    "2026-11-25 compile   github.com/example/project/internal/pkg/file_name.go:1234: something of note here",
		"base64": random(rand.New(rand.NewPCG(3, 4)), 76),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				m.Bytes([]byte(line))
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	secrets := kilobytes(20)
	for b.Loop() {
		New(secrets...)
	}
}
