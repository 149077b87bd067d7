package mirror

import (
	"errors"
	"testing"
)

func TestResolve(t *testing.T) {
	m := &Mirrors{Config: Config{URL: "https://github.com"}}
	for address, want := range map[string]string{
		"../lib.git":                         "octo/lib",
		"../../other/lib":                    "other/lib",
		"./../lib":                           "octo/lib",
		"https://github.com/octo/lib.git":    "octo/lib",
		"https://GitHub.com/octo/lib/":       "octo/lib",
		"https://git@github.com/octo/lib":    "octo/lib",
		"http://github.com/octo/lib":         "octo/lib",
		"git://github.com/octo/lib.git":      "octo/lib",
		"git@github.com:octo/lib.git":        "octo/lib",
		"ssh://git@github.com/octo/lib.git":  "octo/lib",
		"ssh://git@github.com:22/octo/.dots": "octo/.dots",

		"": "", ".": "", "..": "", "lib": "", "./lib": "", "../": "", "../..": "", "../../..": "", "../../../lib": "", "../../lib": "",
		"/etc": "", "file:///etc": "", "file://github.com/octo/lib": "", "ext::sh -c id": "", "ext::sh github.com/octo/lib": "",
		"-oProxyCommand=id": "", "--upload-pack=id": "", "git@github.com:-x": "", "fd::3": "", "transport::https://github.com/octo/lib": "",
		"https://example.com/octo/lib": "", "https://github.com.evil.test/octo/lib": "", "https://github.com@evil.test/octo/lib": "",
		"https://github.com:8443/octo/lib": "", "git@example.com:octo/lib": "", "evil@github.com:octo/lib": "",
		"https://github.com/octo/..": "", "https://github.com/../octo": "", "https://github.com/octo/lib/x": "", "https://github.com/octo": "",
		"https://github.com/octo/lib?x=y": "", "https://github.com/octo/lib#x": "", "https://github.com/octo/%2e%2e": "",
		"https://github.com/octo/a%0ab": "", "https://github.com/oc to/lib": "", "../lib\nx": "", "../.git": "",
		"http://169.254.169.254/latest/meta-data": "",
	} {
		got, err := m.resolve("octo/shop", address)
		if got != want || (want == "") != errors.Is(err, ErrRefused) {
			t.Errorf("%q is %q (%v), want %q", address, got, err, want)
		}
	}
}

func FuzzResolve(f *testing.F) {
	m := &Mirrors{Config: Config{URL: "https://github.com"}}
	f.Add("../lib.git")
	f.Add("git@github.com:octo/lib.git")
	f.Fuzz(func(t *testing.T, address string) {
		name, err := m.resolve("octo/shop", address)
		if err != nil {
			return
		}
		if again, err := m.resolve("octo/shop", m.URL+"/"+name+".git"); again != name {
			t.Errorf("%q is %q, which is no repository (%v)", address, name, err)
		}
	})
}

func FuzzPointer(f *testing.F) {
	f.Add("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if oid, size, ok := parsePointer(text); ok && (len(oid) != 64 || size < 0) {
			t.Errorf("%q gives %q of %d", text, oid, size)
		}
	})
}
