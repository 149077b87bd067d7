package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// variants are the values that what programs print is made of: the value without
// the space around it, and with the line ends of another system. None is shorter
// than MinLength.
func variants(value string) []string {
	value = strings.TrimSpace(value)
	if len(value) < MinLength {
		return nil
	}
	all := []string{value}
	if plain := strings.ReplaceAll(value, "\r\n", "\n"); plain != value {
		all = append(all, plain)
	}
	return all
}

// forms lists what to look for so that a value is found as programs print it,
// line by line. None is shorter than MinLength. Of what is encoded it has only
// what is too short for encodings.
func forms(value string) []string {
	var all []string
	for i, v := range variants(value) {
		if i == 0 {
			all = append(all, lines(v)...)
		}
		all = append(all, short(v)...)
		all = append(all, percent(v)...)
		all = append(all, quoted(v)...)
	}
	useful := all[:0]
	for _, f := range all {
		if len(f) >= MinLength && !strings.Contains(f, "\n") {
			useful = append(useful, f)
		}
	}
	return useful
}

// lines are those of a value, each as it is, in a shell and in markup.
func lines(value string) []string {
	var all []string
	for line := range strings.SplitSeq(value, "\n") {
		line = strings.TrimSpace(line)
		all = append(all, line, strings.Trim(line, `"`))
		all = append(all, shell(line)...)
		all = append(all, markup(line)...)
	}
	return all
}

// unescaped are the characters, besides letters, digits and -_.~, that
// programs leave as they are in a URL: in a query, a path, a fragment, for a
// password, and in JavaScript and Python.
var unescaped = []string{"", "/", "!'()*", "$&+,;=", "$&+=:@", "!$&'()*+,;=:@", "!$&'()*+,;=:@/?", "!#$&'()*+,/:;=?@"}

// longValue is from where on a value, in bytes, is no password: of what few put
// into a URL the rarer forms are not worth the memory that each takes.
const longValue = 4 << 10

// percent is the value in URLs, and in log commands.
func percent(value string) []string {
	all := []string{
		strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(value),
		strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(value),
	}
	kept := unescaped
	if len(value) > longValue {
		kept = kept[:2]
	}
	for _, keep := range kept {
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

// quoted is the value inside the quotes of JSON and of programming languages,
// also where JSON stands in a text of JSON.
func quoted(value string) []string {
	all := []string{inside(strconv.Quote(value)), inside(strconv.QuoteToASCII(value))}
	for _, escapeHTML := range []bool{false, true} {
		text := marshal(value, escapeHTML)
		all = append(all, text, marshal(text, escapeHTML), strings.ReplaceAll(text, "/", `\/`),
			unicodeEscapes(text, "%04x"), unicodeEscapes(text, "%04X"))
	}
	single := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(value)
	return append(all, single, octal(single))
}

// marshal is the value inside the quotes of JSON.
func marshal(value string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(value) // a text can always be encoded
	return inside(strings.TrimSuffix(b.String(), "\n"))
}

// unicodeEscapes is JSON in ASCII, as Python and others write it.
func unicodeEscapes(text, format string) string {
	if format == "%04X" { // who writes large digits does so everywhere
		for _, c := range "<>&" {
			text = strings.ReplaceAll(text, fmt.Sprintf(`\u%04x`, c), fmt.Sprintf(`\u%04X`, c))
		}
	}
	var b strings.Builder
	for _, r := range text {
		if r < 0x7f {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u`+format, unit)
		}
	}
	return b.String()
}

// octal is a text as bash shows it in $'…' where it knows no UTF-8.
func octal(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f {
			fmt.Fprintf(&b, `\%03o`, c)
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
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
