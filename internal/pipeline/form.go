package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Field is one thing that who approves fills in. It becomes an output of the approval.
type Field struct {
	Name        string
	Type        FieldType `json:",omitempty"` // empty: text
	Description string    `json:",omitempty"`
	Required    bool      `json:",omitempty"`
	Default     string    `json:",omitempty"` // what it is where it is left out
	Options     []string  `json:",omitempty"` // of a choice
	MaxLength   int       `json:",omitempty"` // of a text, in characters; zero: MostText
	Pattern     string    `json:",omitempty"` // of a text: what all of it must match, in RE2
}

// FieldType is what a field holds.
type FieldType string

// The types of a field. A text is one line.
const (
	Text    FieldType = "text"
	Number  FieldType = "number"
	Boolean FieldType = "boolean"
	Choice  FieldType = "choice"
)

// MostText is how many characters a text may have.
const MostText = 1000

// number is what is a number everywhere: no exponents, no words.
var number = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,15})?$`)

// Check says what is wrong with a value, in words for whoever gave it, or nothing.
func (f Field) Check(value string) error {
	most := MostText
	if f.MaxLength > 0 {
		most = f.MaxLength
	}
	odd := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	switch f.Type {
	case Number:
		if !number.MatchString(value) {
			return fmt.Errorf("%s is a number, such as 3 or 0.5", f.Name)
		}
		return nil
	case Boolean:
		if value != "true" && value != "false" {
			return fmt.Errorf("%s is true or false", f.Name)
		}
		return nil
	case Choice:
		if !slices.Contains(f.Options, value) {
			return fmt.Errorf("%s is one of %s", f.Name, strings.Join(f.Options, ", "))
		}
		return nil
	case Text:
	}
	switch {
	case len(value) > most*utf8.UTFMax || utf8.RuneCountInString(value) > most:
		return fmt.Errorf("%s has at most %d characters", f.Name, most)
	case strings.ContainsFunc(value, odd):
		return fmt.Errorf("%s is one line of text, without control characters", f.Name)
	}
	return f.matches(value)
}

func (f Field) matches(value string) error {
	if f.Pattern == "" {
		return nil
	}
	pattern, err := regexp.Compile("^(?:" + f.Pattern + ")$")
	if err != nil || !pattern.MatchString(value) {
		return fmt.Errorf("%s must match %s", f.Name, f.Pattern)
	}
	return nil
}

// Fill makes the values of all fields of the form of what somebody gave and what
// others, who have approved before, gave: they all approve the same. Names are the
// same in any case. An error is in words for whoever gave them.
func (a Approval) Fill(given, before []Value) ([]Value, error) {
	for k, v := range given {
		same := func(o Value) bool { return strings.EqualFold(o.Name, v.Name) }
		switch {
		case !slices.ContainsFunc(a.Form, func(f Field) bool { return same(Value{Name: f.Name}) }):
			return nil, a.noField(v.Name)
		case slices.ContainsFunc(given[:k], same):
			return nil, fmt.Errorf("%s is given twice", v.Name)
		}
	}
	var all []Value
	for _, f := range a.Form {
		value, err := f.fill(given, before)
		if err != nil {
			return nil, err
		}
		all = append(all, Value{f.Name, value})
	}
	return all, nil
}

func (a Approval) noField(name string) error {
	if len(a.Form) == 0 {
		return fmt.Errorf("there is no form to fill in, so nothing is called %s", cut(name))
	}
	return fmt.Errorf("the form has no field %s; it has %s", cut(name), strings.Join(a.Fields(), ", "))
}

// Fields are the names of the form's.
func (a Approval) Fields() []string {
	var names []string
	for _, f := range a.Form {
		names = append(names, f.Name)
	}
	return names
}

// HasField tells whether an output of the approval is called so.
func (a Approval) HasField(name string) bool { return slices.Contains(a.Fields(), name) }

func cut(name string) string {
	clean := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	return string([]rune(clean)[:min(50, utf8.RuneCountInString(clean))])
}

// fill is the value of one field.
func (f Field) fill(given, before []Value) (string, error) {
	same := func(v Value) bool { return strings.EqualFold(v.Name, f.Name) }
	g, b := slices.IndexFunc(given, same), slices.IndexFunc(before, same)
	switch {
	case g >= 0 && b >= 0 && given[g].Value != before[b].Value:
		return "", fmt.Errorf("%s is %q for those who approved before; approve with the same, or reject", f.Name, before[b].Value)
	case g >= 0 && (given[g].Value != "" || f.Required):
		if given[g].Value == "" {
			return "", fmt.Errorf("%s must be filled in", f.Name)
		}
		return given[g].Value, f.Check(given[g].Value)
	case b >= 0:
		return before[b].Value, nil
	case g < 0 && f.Default != "":
		return f.Default, nil
	case f.Required:
		return "", fmt.Errorf("%s must be filled in", f.Name)
	}
	return "", nil
}
