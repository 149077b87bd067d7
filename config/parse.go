package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The parsers return what is wrong with a value and how to mend it; an empty
// text is a value that is right.

// shown quotes what the operator wrote, shortened: enough to recognize it, too
// little for a key that was pasted into the wrong variable.
func shown(value string) string {
	value, _, _ = strings.Cut(value, "\n")
	if r := []rune(value); len(r) > 40 {
		value = string(r[:40]) + "…"
	}
	return strconv.Quote(value)
}

func checkListen(v string) string {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return shown(v) + " is not host:port: write for example 127.0.0.1:8080, or 0.0.0.0:8080 for every interface"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Sprintf("%s has no port between 0 and 65535: write for example 127.0.0.1:8080", shown(v))
	}
	return ""
}

// localURL is the URL of a listen address as seen from this machine.
func localURL(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "" // reported by checkListen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// parseWebURL does not repeat the value when it is wrong: a URL may hold a password.
func parseWebURL(v string) (string, string) {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", "is not an absolute URL: write it with http:// or https:// and a host, such as https://ci.example.com"
	case u.User != nil:
		return "", "holds a user or a password, which would be shown to everybody: leave them out"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", "has a query or a fragment: end it after the path"
	}
	return strings.TrimRight(v, "/"), ""
}

func parseGitHubURL(v string) (string, string) {
	base, wrong := parseWebURL(v)
	if wrong == "" && (base == "https://github.com" || base == "https://www.github.com") {
		return "", "is GitHub's website: its API is https://api.github.com, which is also the default"
	}
	return base, wrong
}

func parseDatabaseURL(v string) (string, string) {
	scheme, path, _ := strings.Cut(v, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		return "", "names a Postgres database, which comes in a later version: write sqlite:PATH, or unset it for the default"
	case scheme != "sqlite":
		return "", "is not a database URL that Stagegate knows: write sqlite:PATH, such as sqlite:/var/lib/stagegate/stagegate.db"
	case path == "" || path == ":memory:":
		return "", "names no file, and the database must be one: write sqlite:PATH"
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "", "has a host where a path must be: write sqlite:PATH, without slashes before the path"
	case strings.ContainsAny(path, "?#"):
		return "", "has options or a fragment behind the path, and takes none: write sqlite:PATH"
	}
	abs, err := filepath.Abs(strings.TrimPrefix(path, "//"))
	if err != nil {
		return "", fmt.Sprintf("%v: write an absolute path behind sqlite:", err)
	}
	return "sqlite:" + abs, ""
}

func checkBlobURL(v string) string {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Scheme == "":
		return "is not a URL: write file:///PATH, such as file:///var/lib/stagegate/blobs"
	case u.Scheme == "file" && (u.Host != "" || u.User != nil || !filepath.IsAbs(filepath.FromSlash(u.Path))):
		return "has no absolute path: write three slashes, such as file:///var/lib/stagegate/blobs"
	case u.Scheme == "mem" && v != "mem://":
		return "keeps blobs in memory and takes nothing else: write mem://"
	case u.Scheme != "file" && u.Scheme != "mem":
		return fmt.Sprintf("has the scheme %s, and stores other than folders come in a later version: write file:///PATH", shown(u.Scheme))
	}
	return ""
}

// keySchemes are those of the keys that secrets can be encrypted under.
var keySchemes = []string{"file", "awskms", "gcpkms", "azurekeyvault", "hashivault"}

// checkKeyURL does not repeat the value: somebody may have put the key itself there.
func checkKeyURL(v string) string {
	u, err := url.Parse(v)
	const file = "write three slashes, such as file:///etc/stagegate/secrets-key"
	switch {
	case err != nil || u.Scheme == "":
		return "is not a URL: write file:///PATH of a file with the key, or awskms://, gcpkms://, azurekeyvault:// or hashivault:// and the key's name"
	case u.Scheme == "base64key":
		return "holds the key itself, which other programs could read there: put it into a file and write file:///PATH"
	case !slices.Contains(keySchemes, u.Scheme):
		return "has a scheme that is unknown: use one of " + strings.Join(keySchemes, ", ")
	case u.User != nil:
		return "holds a login: the variables of the KMS's own tools give one"
	case u.Scheme == "file" && (u.Host != "" || !filepath.IsAbs(filepath.FromSlash(u.Path))):
		return "has no absolute path: " + file
	}
	return ""
}

func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// parseAppID does not repeat the value: secrets stand beside it on GitHub's page.
func parseAppID(v string) (int64, string) {
	id, err := strconv.ParseInt(v, 10, 64)
	if err != nil || id < 1 {
		return 0, "is not a number: copy \"App ID\" from the settings page of your GitHub App (not the client ID)"
	}
	return id, ""
}

// parseClientID does not repeat the value: secrets stand beside it on GitHub's page.
func parseClientID(v string) (string, string) {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}
	if len(v) > 100 || strings.ContainsFunc(v, odd) {
		return "", "is no client ID: copy \"Client ID\" from the settings page of your GitHub App"
	}
	return v, ""
}

func checkNetworks(v string) string {
	_, wrong := networks(v)
	return wrong
}

// networks reads addresses and networks, with commas between them.
func networks(v string) ([]netip.Prefix, string) {
	if v == "" {
		return nil, ""
	}
	var all []netip.Prefix
	for text := range strings.SplitSeq(v, ",") {
		text = strings.TrimSpace(text)
		p, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); single == nil {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, shown(text) + " is neither an address nor a network: write for example 10.0.0.5, 10.0.0.0/8 or fd00::/8"
		}
		all = append(all, p.Masked())
	}
	return all, ""
}

// parsePrivateKey says nothing of the value but what kind of thing it is.
func parsePrivateKey(v string) (Secret, string) {
	const remedy = "generate a private key on the settings page of your GitHub App and use that .pem file as it is"
	if !strings.Contains(v, "\n") {
		v = strings.ReplaceAll(v, `\n`, "\n") // how .env files write it
	}
	block, _ := pem.Decode([]byte(v))
	if block == nil && !strings.Contains(v, "BEGIN") && (filepath.IsAbs(v) || strings.HasSuffix(v, ".pem")) {
		return Secret{}, "holds a path and not a key: set STAGEGATE_GITHUB_PRIVATE_KEY_FILE to the path instead"
	}
	if block == nil {
		return Secret{}, "is not a PEM block: " + remedy
	}
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		_, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		var key any
		if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if _, isRSA := key.(*rsa.PrivateKey); !isRSA {
				return Secret{}, "is not an RSA key, and GitHub accepts no other: " + remedy
			}
		}
	default:
		return Secret{}, "is a PEM block of another kind than PRIVATE KEY: " + remedy
	}
	if err != nil {
		return Secret{}, "is encrypted or damaged: " + remedy
	}
	return NewSecret(v), ""
}

var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

func parseSize(v string, least int64) (int64, string) {
	digits := strings.TrimLeft(v, "0123456789")
	number, unit := v[:len(v)-len(digits)], strings.ToLower(strings.TrimSpace(digits))
	factor, known := sizeUnits[unit]
	n, err := strconv.ParseInt(number, 10, 64)
	if !known || err != nil || n > math.MaxInt64/factor {
		return 0, shown(v) + " is not a size: write a whole number of bytes, or one with a unit, such as 512MB, 64MiB or 4GiB"
	}
	if n*factor < least {
		return 0, fmt.Sprintf("%s is too small: write %s or more", shown(v), sizeText(least))
	}
	return n * factor, ""
}

func sizeText(n int64) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return fmt.Sprintf("%dKiB", n>>10)
}

func parseCPUs(v string) (float64, string) {
	// ParseFloat alone would take inf, hexadecimal and exponents as well.
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || strings.Trim(v, "0123456789.") != "" {
		return 0, shown(v) + " is not a number of CPUs: write a decimal number, such as 2 or 0.5"
	}
	if n < leastCPUs || n > 1e6 {
		return 0, fmt.Sprintf("%s is out of range: write a decimal number from %v up", shown(v), leastCPUs)
	}
	return n, ""
}

// leastToken is how many characters of base64 nobody can guess.
const leastToken = 20

// parseToken takes what stands in an Authorization header as it is. The value is
// never repeated.
func parseToken(v string) (Secret, string) {
	const mend = "make one with openssl rand -hex 32, or unset it and Stagegate makes one"
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/=", r)
	}
	switch {
	case strings.ContainsFunc(v, odd):
		return Secret{}, "holds a character that a token cannot have: " + mend
	case len(v) < leastToken:
		return Secret{}, fmt.Sprintf("has fewer than %d characters, so that it could be guessed: %s", leastToken, mend)
	}
	return NewSecret(v), ""
}

const reachAll = "all"

func parseReach(v string) (Reach, string) {
	_, _, wrong := readReach(v)
	return Reach{v}, wrong
}

func readReach(v string) (all bool, to []Address, wrong string) {
	if v == reachAll || v == "" {
		return v == reachAll, nil, ""
	}
	for item := range strings.SplitSeq(v, ",") {
		a, ok := parseAddress(strings.TrimSpace(item))
		if !ok {
			return false, nil, shown(item) + " is not an address: write such as 172.17.0.1, 172.17.0.1:5000 or 10.0.0.0/8, commas between them, or all"
		}
		to = append(to, a)
	}
	return false, to, ""
}

func parseAddress(v string) (Address, bool) {
	if p, err := netip.ParsePrefix(v); err == nil {
		return Address{Prefix: p.Masked()}, true
	}
	if p, err := netip.ParseAddrPort(v); err == nil && p.Port() != 0 {
		return Address{netip.PrefixFrom(p.Addr(), p.Addr().BitLen()), p.Port()}, true
	}
	a, err := netip.ParseAddr(v)
	return Address{Prefix: netip.PrefixFrom(a, a.BitLen())}, err == nil && a.Zone() == ""
}
