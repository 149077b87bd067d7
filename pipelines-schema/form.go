package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

const (
	mostFields    = 20  // of a form
	mostOptions   = 100 // of a choice
	longestOption = 100 // characters
)

// form reads what who approves fills in.
func (p *parser) form(n node) []pipeline.Field {
	switch {
	case n.kind != mapping:
		p.report(n.at, "write the name of each field and, under it, its type", "form must be a mapping, not %s", n.kind)
		return nil
	case len(n.pairs) > mostFields:
		p.report(n.at, "", "a form has at most %d fields", mostFields)
		return nil
	}
	names := unique{parser: p, what: "field", seen: map[string]node{}}
	var fields []pipeline.Field
	for _, pair := range n.pairs {
		if !namePattern.MatchString(pair.key.text) {
			p.report(pair.key.at, nameRule, "%s is not a name for a field", quote(pair.key.text))
		} else {
			names.claim(pair.key)
		}
		fields = append(fields, p.field(pair.key.text, pair.value))
	}
	return fields
}

// field reads one field of a form; null is a text that may be left out.
func (p *parser) field(name string, n node) pipeline.Field {
	f := pipeline.Field{Name: name}
	if n.null {
		return f
	}
	ok := p.each(n, inField, func(key, value node) {
		switch key.text {
		case "type":
			f.Type = pipeline.FieldType(p.oneOf(value, "type", fieldTypes...))
		case "description":
			f.Description, _ = p.text(value, key.text)
		case "required":
			f.Required = p.boolean(value, key.text)
		case "default":
			f.Default, _ = p.text(value, key.text)
		case "options":
			f.Options = p.options(value)
		case "max-length":
			f.MaxLength = p.maxLength(value)
		case "pattern":
			f.Pattern = p.regularExpression(value)
		}
	})
	if !ok {
		p.report(n.at, "write { type: text, required: true }, for example", "a field of a form must be a mapping, not %s", n.kind)
		return f
	}
	p.checkField(f, n)
	if f.Type == pipeline.Text {
		f.Type = ""
	}
	return f
}

var fieldTypes = []string{string(pipeline.Text), string(pipeline.Number), string(pipeline.Boolean), string(pipeline.Choice)}

// checkField reports what of a field does not go together.
func (p *parser) checkField(f pipeline.Field, n node) {
	if f.Type != "" && !slices.Contains(fieldTypes, string(f.Type)) {
		return
	}
	options, has := n.get("options")
	switch {
	case has && f.Type != pipeline.Choice && !replaced(n, inField, "type"):
		p.report(options.at, "write type: choice", "only a choice has options")
	case !has && f.Type == pipeline.Choice && !replaced(n, inField, "options"):
		p.report(n.at, "write options: [blue, green]", "a choice needs options")
	}
	for _, key := range []string{"max-length", "pattern"} {
		if value, ok := n.get(key); ok && f.Type != "" && f.Type != pipeline.Text {
			p.report(value.at, "leave it out", "only a text has %s", key)
		}
	}
	given, ok := n.get("default")
	switch err := f.Check(f.Default); {
	case !ok || f.Default == "":
	case f.Required:
		p.report(given.at, "leave one of the two out", "a field that must be filled in has no default")
	case err != nil && (f.Type != pipeline.Choice || len(f.Options) > 0):
		p.report(given.at, "", "the default is no value of its field: %s", err)
	}
}

func (p *parser) options(n node) []string {
	items := p.distinct(p.some(n, "options", "write those that there are"), "options", exact)
	if len(items) > mostOptions {
		p.report(n.at, "", "a choice has at most %d options", mostOptions)
		return nil
	}
	var all []string
	for _, item := range items {
		if (pipeline.Field{MaxLength: longestOption}).Check(item.text) != nil {
			p.report(item.at, "", "an option is one line of at most %d characters", longestOption)
		}
		all = append(all, item.text)
	}
	return all
}

func (p *parser) maxLength(n node) int {
	text, ok := p.word(n, "max-length")
	number, err := strconv.Atoi(text)
	if ok && (!whole.MatchString(text) || err != nil || number > pipeline.MostText) {
		p.report(n.at, "", "max-length must be from 1 to %d, not %s", pipeline.MostText, quote(text))
	}
	if number == pipeline.MostText {
		return 0
	}
	return number
}

func (p *parser) regularExpression(n node) string {
	text, ok := p.word(n, "pattern")
	if !ok {
		return ""
	}
	if len(text) > longestPattern {
		p.report(n.at, "", "pattern is longer than %d characters", longestPattern)
	} else if _, err := regexp.Compile(text); err != nil {
		p.report(n.at, "it is in the syntax of RE2, such as v[0-9]+", "pattern is not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return text
}
