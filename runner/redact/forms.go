package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// forms lists what to look for so that a value is found as programs print it,
// line by line. None is shorter than MinLength.
func forms(value string) []string {
	value = strings.TrimSpace(value)
	if len(value) < MinLength {
		return nil
	}
	var all []string
	for line := range strings.SplitSeq(value, "\n") {
		line = strings.TrimSpace(line)
		all = append(all, line, strings.Trim(line, `"`))
		all = append(all, shell(line)...)
		all = append(all, markup(line)...)
	}
	all = append(all, encoded(value)...)
	all = append(all, percent(value)...)
	all = append(all, quoted(value)...)
	useful := all[:0]
	for _, f := range all {
		if len(f) >= MinLength && !strings.Contains(f, "\n") {
			useful = append(useful, f)
		}
	}
	return useful
}

// encoded is base64 in both alphabets. Three bytes become four characters, so
// a value looks different behind none, one or two others; the characters that
// it shares with its neighbours are left out, but for the last one of a text
// that ends with it. Text that begins with the value is also found when it is
// wrapped.
func encoded(value string) []string {
	var all []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before, shared := range []int{0, 2, 3} {
			text := append(make([]byte, before), value...)
			last := enc.EncodeToString(text)[shared:]
			inner := last
			if len(text)%3 != 0 {
				inner = last[:len(last)-1]
			}
			all = append(all, last, inner)
			if before == 0 {
				all = append(all, wrapped(last)...)
				all = append(all, wrapped(inner)...)
			}
		}
	}
	return all
}

// wrapped is a text in lines as base64 and openssl break them.
func wrapped(text string) []string {
	var all []string
	for _, width := range []int{76, 64} {
		for rest := text; len(text) > width && rest != ""; {
			n := min(width, len(rest))
			all = append(all, rest[:n])
			rest = rest[n:]
		}
	}
	return all
}

// unescaped are the characters, besides letters, digits and -_.~, that
// programs leave as they are in a URL: in a query, a path, a fragment, for a
// password, and in JavaScript and Python.
var unescaped = []string{"", "/", "!'()*", "$&+,;=", "$&+=:@", "!$&'()*+,;=:@", "!$&'()*+,;=:@/?", "!#$&'()*+,/:;=?@"}

// percent is the value in URLs, and in log commands.
func percent(value string) []string {
	all := []string{
		strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(value),
		strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(value),
	}
	for _, keep := range unescaped {
		upper := escape(value, keep, "0123456789ABCDEF")
		lower := escape(value, keep, "0123456789abcdef")
		all = append(all, upper, lower, strings.ReplaceAll(upper, "%20", "+"), strings.ReplaceAll(lower, "%20", "+"))
	}
	return all
}

func escape(value, keep, digits string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~"+keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + digits[c>>4:c>>4+1] + digits[c&15:c&15+1])
	}
	return b.String()
}

// quoted is the value inside the quotes of JSON and of programming languages.
func quoted(value string) []string {
	all := []string{inside(strconv.Quote(value)), inside(strconv.QuoteToASCII(value))}
	for _, escapeHTML := range []bool{false, true} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		if err := e.Encode(value); err == nil {
			all = append(all, inside(strings.TrimSuffix(b.String(), "\n")))
		}
	}
	ansi := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	return append(all, ansi.Replace(value), strings.ReplaceAll(all[0], "/", `\/`))
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

// shell is a line as a shell quotes it: in single and double quotes, and with
// backslashes.
func shell(line string) []string {
	double := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")
	var b strings.Builder
	for i := range len(line) {
		if strings.IndexByte(" \t\\'\"`$&|;<>()[]{}*?!#~^,", line[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(line[i])
	}
	return []string{
		strings.ReplaceAll(line, "'", `'\''`), strings.ReplaceAll(line, "'", `'"'"'`), double.Replace(line), b.String(),
	}
}

// markup is a line in HTML and in XML.
func markup(line string) []string {
	html := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
	xml := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	return []string{html.Replace(line), xml.Replace(line), text.Replace(line)}
}
