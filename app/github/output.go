package github

import (
	"fmt"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/stagegate/stagegate/internal/human"
)

// GitHub's limits: its description of checks/create and checks/update.
const (
	annotationsPerRequest = 50
	maxActions            = 3
	maxLabel              = 20
	maxDescription        = 40
	maxIdentifier         = 20
	maxAnnotation         = 64<<10 - 1
	maxTitle              = 255 // of an annotation; of an output GitHub does not say
)

// checkRun is the body of both requests. go-github's own drops an empty list
// of actions and an empty text, which must be sent to remove the old ones.
type checkRun struct {
	Name        string              `json:"name,omitempty"`
	HeadSHA     string              `json:"head_sha,omitempty"`
	DetailsURL  string              `json:"details_url,omitempty"`
	ExternalID  string              `json:"external_id,omitempty"`
	Status      string              `json:"status,omitempty"`
	Conclusion  string              `json:"conclusion,omitempty"`
	StartedAt   time.Time           `json:"started_at,omitzero"`
	CompletedAt time.Time           `json:"completed_at,omitzero"`
	Output      *output             `json:"output,omitempty"`
	Actions     []gh.CheckRunAction `json:"actions,omitzero"`
}

type output struct {
	Title       string                   `json:"title"`
	Summary     string                   `json:"summary"`
	Text        string                   `json:"text"`
	Annotations []*gh.CheckRunAnnotation `json:"annotations,omitempty"`
}

// checkRunBody makes the first request's body and returns the annotations that
// do not fit into it.
func checkRunBody(cr CheckRun) (body checkRun, rest []Annotation, err error) {
	if (cr.Status == "completed") != (cr.Conclusion != "") {
		return checkRun{}, nil, fmt.Errorf("%w: status %q with conclusion %q", ErrRefused, cr.Status, cr.Conclusion)
	}
	body = checkRun{
		Name: cr.Name, DetailsURL: cr.DetailsURL, ExternalID: cr.ExternalID,
		Status: cr.Status, Conclusion: cr.Conclusion,
		StartedAt: wholeSeconds(cr.StartedAt), CompletedAt: wholeSeconds(cr.CompletedAt),
	}
	if body.Actions, err = actions(cr.Actions); err != nil {
		return checkRun{}, nil, err
	}
	if cr.Title+cr.Summary+cr.Text == "" && len(cr.Annotations) == 0 {
		return body, nil, nil
	}
	body.Output = &output{
		Title:   cutLabel(firstOf(cr.Title, cr.Name), maxTitle),
		Summary: cutMarkdown(firstOf(cr.Summary, cr.Title, cr.Name), maxMarkdown),
		Text:    cutMarkdown(cr.Text, maxMarkdown),
	}
	n := min(len(cr.Annotations), annotationsPerRequest)
	body.Output.Annotations = annotations(cr.Annotations[:n])
	return body, cr.Annotations[n:], nil
}

func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func actions(buttons []Button) ([]gh.CheckRunAction, error) {
	if len(buttons) > maxActions {
		return nil, fmt.Errorf("%w: %d buttons, at most %d", ErrRefused, len(buttons), maxActions)
	}
	var out []gh.CheckRunAction
	for _, b := range buttons {
		if len(b.Identifier) > maxIdentifier {
			return nil, fmt.Errorf("%w: button identifier %q is over %d bytes", ErrRefused, b.Identifier, maxIdentifier)
		}
		out = append(out, gh.CheckRunAction{
			Label:       cutLabel(b.Label, maxLabel),
			Description: cutLabel(b.Description, maxDescription),
			Identifier:  b.Identifier,
		})
	}
	return out, nil
}

// cutLabel makes a short text one that GitHub takes, of at most n bytes.
func cutLabel(s string, n int) string {
	return human.Cut(strings.ToValidUTF8(s, "\uFFFD"), n)
}

func annotations(list []Annotation) []*gh.CheckRunAnnotation {
	var out []*gh.CheckRunAnnotation
	for _, a := range list {
		out = append(out, annotation(a))
	}
	return out
}

func annotation(a Annotation) *gh.CheckRunAnnotation {
	start := max(a.StartLine, 1)
	end := max(a.EndLine, start)
	out := &gh.CheckRunAnnotation{
		// GitHub Actions too puts remarks without a file here.
		Path:            gh.String(firstOf(a.Path, ".github")),
		StartLine:       gh.Int(start),
		EndLine:         gh.Int(end),
		AnnotationLevel: gh.String(firstOf(a.Level, "notice")),
		Message:         gh.String(cutLabel(firstOf(a.Message, a.Title, "-"), maxAnnotation)),
	}
	if a.Title != "" {
		out.Title = gh.String(cutLabel(a.Title, maxTitle))
	}
	if start == end && a.StartColumn > 0 {
		out.StartColumn = gh.Int(a.StartColumn)
		out.EndColumn = gh.Int(max(a.EndColumn, a.StartColumn))
	}
	return out
}
