package logcommand

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	for line, want := range map[string]Command{
		"::error::it broke": {Kind: Error, Text: "it broke"},
		"  \t::warning file=src/a.go,line=3,endLine=4,col=5,endColumn=6,title=A%3A b%2C c::x%0Ay %25": {
			Kind: Warning, Text: "x\ny %", File: "src/a.go", Title: "A: b, c", Line: 3, EndLine: 4, Column: 5, EndColumn: 6,
		},
		"::notice file=a.go, line=0,col=x,endLine=-1,other=1,novalue::a::b": {Kind: Notice, Text: "a::b", File: "a.go"},
		"::ERROR FILE=a::shout":             {Kind: Error, Text: "shout", File: "a"},
		"::error line=99999999999999999::x": {Kind: Error, Text: "x"},
		"::error::":                         {Kind: Error},
		"::group::A title ":                 {Kind: Group, Text: "A title"},
		"::endgroup::":                      {Kind: EndGroup},
		"::debug::d":                        {Kind: Debug, Text: "d"},
		"::add-mask::s%0Ad":                 {Kind: AddMask, Text: "s\nd"},
		"::error ::%250A %3A":               {Kind: Error, Text: "%0A %3A"},
		"::stop-commands::tok":              {Kind: Stop, Text: "tok"},
		"::unknown::x":                      {},
		"::set-output name=a::b":            {},
		"::error":                           {},
		"::error:x":                         {},
		"::":                                {},
		"::::":                              {},
		":: ::x":                            {},
		"::::x":                             {},
		"x ::error::no":                     {},
		"\u00a0::error::no":                 {},
		"::stop-commands::":                 {},
		"::stop-commands::error":            {},
		"::stop-commands::a b":              {},
		"":                                  {},
	} {
		var r Reader
		got, ok := r.Read([]byte(line))
		if want.Kind == None {
			if ok {
				t.Errorf("%q: %+v", line, got)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%q: %s", line, diff)
		}
	}
}

func TestStop(t *testing.T) {
	var r Reader
	var got []Kind
	for line := range strings.Lines("::error::a\n::stop-commands::t0k\n::error::b\n::stop-commands::x\n::x::\n::T0K::\n::t0k::\n::error::c\n::t0k::\n") {
		c, _ := r.Read([]byte(line))
		got = append(got, c.Kind)
	}
	if diff := cmp.Diff([]Kind{Error, Stop, None, None, None, None, Resume, Error, None}, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadable(t *testing.T) {
	for line, want := range map[string]string{
		"::error::it broke":                           "error: it broke",
		"::warning file=a.go,line=3,col=4,title=T::m": "warning: a.go:3:4: T: m",
		"::notice file=a.go,col=4::m%0Amore":          "notice: a.go: m more",
		"::notice line=4::m":                          "notice: m",
		"::group::Build":                              "Build",
		"::endgroup::":                                "",
		"::add-mask::***":                             "",
		"::debug::x":                                  "",
	} {
		var r Reader
		c, _ := r.Read([]byte(line))
		if got, ok := c.Readable(); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", line, got, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("::error file=a,line=1::x%0A", "::stop-commands::t\n::t::")
	f.Fuzz(func(t *testing.T, a, b string) {
		var r Reader
		for line := range strings.Lines(a + "\n" + b) {
			c, ok := r.Read([]byte(line))
			if ok != (c.Kind != None) || len(r.token) > maxToken {
				t.Fatalf("%q: %+v, %v, token %q", line, c, ok, r.token)
			}
			if len(c.Text)+len(c.File)+len(c.Title) > len(line) || min(c.Line, c.EndLine, c.Column, c.EndColumn) < 0 {
				t.Fatalf("%q: %+v", line, c)
			}
			text, _ := c.Readable()
			if strings.ContainsAny(text, "\r\n") || utf8.ValidString(line) && !utf8.ValidString(text) {
				t.Fatalf("%q: %q", line, text)
			}
		}
	})
}
