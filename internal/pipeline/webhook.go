package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// Webhook is a signed request to the pipeline's own address.
type Webhook struct {
	Filter string `json:",omitempty"` // an expression about payload; empty: every request starts it
}

// ErrNotJSON is the error of a filter that is to look into something else.
var ErrNotJSON = errors.New("the body is not JSON")

// Admits tells whether the filter lets a request with this body through. Of the
// body it sees the single values, by their names with dots between: numbers and
// truths are their text, and what is missing or no single value is empty.
func (w Webhook) Admits(body []byte) (bool, error) {
	if w.Filter == "" {
		return true, nil
	}
	condition, err := expression.ParseCondition(w.Filter)
	if err != nil {
		return false, fmt.Errorf("read the filter: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var payload any
	if err := decoder.Decode(&payload); err != nil {
		return false, ErrNotJSON
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return false, ErrNotJSON
	}
	admits, err := condition.Evaluate(expression.Scope{Lookup: func(name expression.Name) (string, error) {
		if name[0] != "payload" {
			return "", fmt.Errorf("nothing is called %s", name)
		}
		return single(payload, name[1:]), nil
	}})
	if err != nil {
		return false, fmt.Errorf("evaluate the filter: %w", err)
	}
	return admits, nil
}

// single is the text of a value of JSON that is below some names.
func single(value any, names []string) string {
	for _, name := range names {
		object, _ := value.(map[string]any) // nil has nothing below it
		value = object[name]
	}
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	}
	return ""
}

// called is what a request to the pipeline's address means, its filter aside.
func (t Triggers) called() Match {
	switch {
	case t.Unreadable():
		return Match{Starts: true, Why: unreadable}
	case t.Webhook == nil:
		return Match{Why: "on has no webhook"}
	case t.Webhook.Filter != "":
		return Match{Starts: true, Why: "webhook, if " + t.Webhook.Filter}
	}
	return Match{Starts: true, Why: "webhook is for every signed request"}
}
