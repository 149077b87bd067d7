package show

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/local"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// Format is a way to write what is wrong with pipeline files.
type Format string

// The formats, for people and for machines.
const (
	Text   Format = "text"   // a line for each: file:line:col: message (hint)
	JSON   Format = "json"   // an array of objects
	SARIF  Format = "sarif"  // for code scanning
	GitHub Format = "github" // annotations of a GitHub Actions job
)

// Formats are all there are, in the order people are told of them.
var Formats = []Format{Text, JSON, SARIF, GitHub}

// Diagnostics writes what was found. The version is that of Stagegate.
func Diagnostics(w io.Writer, f Format, found local.Findings, version string) error {
	out := bufio.NewWriter(w)
	var err error
	switch f {
	case JSON:
		err = encode(out, objects(found.Mistakes))
	case SARIF:
		err = encode(out, sarif(found, version))
	case GitHub:
		for _, d := range found.Mistakes {
			fmt.Fprintln(out, annotation(d))
		}
	default:
		for _, d := range found.Mistakes {
			fmt.Fprintln(out, visible(d.String()))
		}
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the diagnostics: %w", err)
	}
	return nil
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// object is a mistake in JSON.
type object struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func objects(mistakes []schema.Diagnostic) []object {
	all := make([]object, len(mistakes))
	for i, d := range mistakes {
		all[i] = object(d)
	}
	return all
}

// visible writes out what a terminal would not show as it is: a repository
// chooses the names of its files, and what its files say.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strconv.IsGraphic(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// annotation is a mistake as a workflow command of GitHub Actions.
func annotation(d schema.Diagnostic) string {
	text := d.Message
	if d.Hint != "" {
		text += " (" + d.Hint + ")"
	}
	return fmt.Sprintf("::error file=%s,line=%d,col=%d,title=%s::%s",
		commandProperty.Replace(d.File), d.Line, d.Column, "Pipeline file", commandData.Replace(text))
}
