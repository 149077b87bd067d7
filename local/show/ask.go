package show

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// Input is where a person types answers, a line each.
type Input struct {
	flush func() // drops what was typed before anything was asked

	turn    chan struct{} // one question at a time
	lines   *bufio.Reader
	pending chan typed // a read that is under way; it may outlive its question
}

// typed is a line, or why there is none.
type typed struct {
	text string
	err  error
}

// NewInput reads from a terminal. flush drops what was typed too early; nil
// does nothing.
func NewInput(from io.Reader, flush func()) *Input {
	if flush == nil {
		flush = func() {}
	}
	return &Input{flush: flush, turn: make(chan struct{}, 1), lines: bufio.NewReader(from)}
}

// errNoAnswer is the end of what a person could type.
var errNoAnswer = errors.New("the terminal gave no answer")

// line waits for a line. Nobody can stop a read of a
// terminal, so one whose question went away is left to the next question, which
// drops what it brings.
func (i *Input) line(ctx context.Context) (string, error) {
	select {
	case <-i.pending: // typed between the questions
		i.pending = nil
	default:
	}
	if i.pending == nil {
		read := make(chan typed, 1)
		i.pending = read
		go func() {
			text, err := i.lines.ReadString('\n')
			read <- typed{text, err}
		}()
	}
	select {
	case got := <-i.pending:
		i.pending = nil
		if errors.Is(got.err, io.EOF) {
			got.err = errNoAnswer
		}
		return strings.TrimRight(got.text, "\r\n"), got.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// take asks when no other question is open.
func (i *Input) take(ctx context.Context, ask func() (local.Answer, error)) (local.Answer, error) {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
		return ask()
	case <-ctx.Done():
		return local.Answer{}, ctx.Err()
	}
}

// ask shows a question and waits for its answer. say
// writes to the terminal and leaves the cursor where it stops.
func (i *Input) ask(ctx context.Context, q local.Question, say func(text string)) (local.Answer, error) {
	i.flush()
	say(describe(q))
	for {
		say("Approve? y or n, and a comment if you like [n]: ")
		text, err := i.line(ctx)
		if err != nil {
			say("\n")
			return local.Answer{}, err
		}
		if answer, ok := parseAnswer(text); ok && answer.Approved {
			answer.Values, err = i.fill(ctx, q.Form, say)
			return answer, err
		} else if ok {
			return answer, nil
		}
		say("Write y or n first.\n")
	}
}

// fill asks for each field of a form, until its value is right.
func (i *Input) fill(ctx context.Context, form []pipeline.Field, say func(text string)) ([]pipeline.Value, error) {
	var values []pipeline.Value
	for _, f := range form {
		for {
			say(clean(fieldPrompt(f)))
			text, err := i.line(ctx)
			if err != nil {
				say("\n")
				return nil, err
			}
			given := []pipeline.Value{{Name: f.Name, Value: strings.TrimSpace(text)}}
			if given[0].Value == "" {
				given = nil
			}
			if _, err = (pipeline.Approval{Form: []pipeline.Field{f}}).Fill(given, nil); err == nil {
				values = append(values, given...)
				break
			}
			say(clean(err.Error()) + "\n")
		}
	}
	return values, nil
}

func fieldPrompt(f pipeline.Field) string {
	text := f.Name
	if f.Description != "" {
		text += ", " + f.Description
	}
	switch {
	case f.Type == pipeline.Choice:
		text += " (" + strings.Join(f.Options, ", ") + ")"
	case f.Type != "":
		text += " (" + string(f.Type) + ")"
	}
	if f.Default != "" {
		text += " [" + f.Default + "]"
	}
	return text + ": "
}

// parseAnswer reads y or n and what follows. Nothing is no.
func parseAnswer(text string) (answer local.Answer, ok bool) {
	word, comment, _ := strings.Cut(strings.TrimSpace(text), " ")
	answer.Comment = clean(strings.TrimSpace(comment))
	switch strings.ToLower(strings.TrimRight(word, ",.:;")) {
	case "y", "yes":
		answer.Approved = true
		return answer, true
	case "n", "no", "":
		return answer, true
	}
	return answer, false
}

// describe says what an approval is about: all that an answer is bound to.
func describe(q local.Question) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s/%s of %s asks for approval\n", q.Stage, q.Action, q.Pipeline)
	if q.Revision != "" {
		fmt.Fprintf(&b, "  revision  %s\n", clean(q.Revision))
	}
	if q.Commit != "" {
		fmt.Fprintf(&b, "  commit    %s\n", q.Commit)
	}
	for _, a := range q.Artifacts {
		fmt.Fprintf(&b, "  artifact  %s, %s, sha256:%s\n", a.Name, human.Size(a.Size), a.Digest)
	}
	if q.Instructions != "" {
		b.WriteString("\n")
		for line := range strings.Lines(q.Instructions) {
			fmt.Fprintf(&b, "  %s\n", clean(strings.TrimRight(line, "\r\n")))
		}
		b.WriteString("\n")
	}
	return b.String()
}
