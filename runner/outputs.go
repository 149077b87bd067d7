package runner

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// maxOutputs is how much a job may write to $STAGEGATE_OUTPUT.
const maxOutputs = 120 << 10

var outputKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// parseOutputs reads lines of key=value, and GitHub Actions' form for values
// of several lines:
//
//	key<<DELIMITER
//	…
//	DELIMITER
//
// A key that comes again replaces the value and keeps its place. Empty lines
// are skipped; any other line is an error that names it, for the author.
func parseOutputs(text string) ([]pipeline.Value, error) {
	var values []pipeline.Value
	at := map[string]int{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\r")
		if line == "" {
			continue
		}
		key, value, delimiter := cutOutput(line)
		if !outputKey.MatchString(key) {
			return nil, fmt.Errorf("line %d is not key=value", i+1)
		}
		if delimiter != "" {
			end := closing(lines, i+1, delimiter)
			if end < 0 {
				return nil, fmt.Errorf("line %d: %s is never closed", i+1, delimiter)
			}
			value = strings.ReplaceAll(strings.Join(lines[i+1:end], "\n"), "\r\n", "\n")
			value = strings.TrimSuffix(value, "\r")
			i = end
		}
		if n, seen := at[key]; seen {
			values[n].Value = value
			continue
		}
		at[key] = len(values)
		values = append(values, pipeline.Value{Name: key, Value: value})
	}
	return values, nil
}

// cutOutput splits a line at = or <<, whichever comes first.
func cutOutput(line string) (key, value, delimiter string) {
	eq, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
	if heredoc >= 0 && (eq < 0 || heredoc < eq) {
		if d := strings.TrimSpace(line[heredoc+2:]); d != "" {
			return line[:heredoc], "", d
		}
		return "", "", ""
	}
	if eq < 0 {
		return "", "", ""
	}
	return line[:eq], line[eq+1:], ""
}

func closing(lines []string, from int, delimiter string) int {
	for i := from; i < len(lines); i++ {
		if strings.TrimSuffix(lines[i], "\r") == delimiter {
			return i
		}
	}
	return -1
}
