package github

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const runsPath = "/repos/acme/shop/check-runs"

func newCheckScript(t *testing.T) *script {
	s := newScript(t)
	date := "Date: Mon, 02 Jan 2006 15:04:05 GMT"
	s.on("POST "+runsPath, 201, `{"id":42}`, date)
	s.on("PATCH "+runsPath+"/42", 200, `{"id":42}`, date)
	return s
}

var answered = time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)

func TestCreateCheckRunSendsWhatIsThere(t *testing.T) {
	s := newCheckScript(t)
	cr := CheckRun{
		Name: "release / build", SHA: testSHA, DetailsURL: "https://ci.example/1", ExternalID: "1/build/1/1",
		Status: "in_progress", StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600)),
		Title: "Building", Text: "log",
		Annotations: []Annotation{
			{Path: "a.go", StartLine: 3, EndLine: 3, StartColumn: 2, EndColumn: 9, Level: "failure", Title: "t", Message: "m"},
			{Path: "a.go", StartLine: 3, EndLine: 4, StartColumn: 2, EndColumn: 9, Level: "warning", Message: "m"},
			{StartColumn: 5, Title: "only a title"},
		},
	}
	ref, err := s.client(t).CreateCheckRun(t.Context(), testRepo, cr)
	if err != nil || ref != (CheckRunRef{ID: 42, AcceptedAt: answered, Annotations: 3}) {
		t.Fatalf("got %+v, %v", ref, err)
	}
	want := map[string]any{
		"name": "release / build", "head_sha": testSHA, "details_url": "https://ci.example/1", "external_id": "1/build/1/1",
		"status": "in_progress", "started_at": "2026-01-02T02:04:05Z",
		"output": map[string]any{
			"title": "Building", "summary": "Building", "text": "log",
			"annotations": []any{
				map[string]any{"path": "a.go", "start_line": 3., "end_line": 3., "start_column": 2., "end_column": 9., "annotation_level": "failure", "title": "t", "message": "m"},
				map[string]any{"path": "a.go", "start_line": 3., "end_line": 4., "annotation_level": "warning", "message": "m"},
				map[string]any{"path": ".github", "start_line": 1., "end_line": 1., "start_column": 5., "end_column": 5., "annotation_level": "notice", "title": "only a title", "message": "only a title"},
			},
		},
	}
	if diff := cmp.Diff(want, decodeBody(t, s.calls()[0])); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateCheckRunRemovesWhatIsNotThere(t *testing.T) {
	s := newCheckScript(t)
	c := s.client(t)
	cr := CheckRun{
		Name: "x", Status: "completed", Conclusion: "action_required", Title: "Waiting",
		Actions: []Button{{Label: "Approve this very much so", Description: strings.Repeat("é", 40), Identifier: "approve"}},
	}
	if at, err := c.UpdateCheckRun(t.Context(), testRepo, 42, cr); err != nil || !at.Equal(answered) {
		t.Fatalf("got %s, %v", at, err)
	}
	cr.Actions, cr.Title = nil, ""
	if _, err := c.UpdateCheckRun(t.Context(), testRepo, 42, cr); err != nil {
		t.Fatal(err)
	}
	first, second := decodeBody(t, s.calls()[0]), decodeBody(t, s.calls()[1])
	want := []any{map[string]any{"label": "Approve this very…", "description": strings.Repeat("é", 18) + "…", "identifier": "approve"}}
	if diff := cmp.Diff(want, first["actions"]); diff != "" {
		t.Error(diff)
	}
	if text, sent := first["output"].(map[string]any)["text"]; text != "" || !sent {
		t.Errorf("an empty text was sent as %v, %v", text, sent)
	}
	if diff := cmp.Diff([]any{}, second["actions"]); diff != "" {
		t.Error(diff)
	}
	for _, field := range []string{"head_sha", "output", "started_at"} {
		if v, sent := second[field]; sent {
			t.Errorf("sent %s %v", field, v)
		}
	}
}

func manyAnnotations(n int) (list []Annotation) {
	for i := range n {
		list = append(list, Annotation{Path: "a", StartLine: i + 1, Message: "m"})
	}
	return list
}

// sentLines lists the start lines of all annotations, in the order sent.
func sentLines(t *testing.T, calls []call) (lines []int, perRequest []int) {
	for _, c := range calls {
		list, _ := decodeBody(t, c)["output"].(map[string]any)["annotations"].([]any)
		for _, a := range list {
			lines = append(lines, int(a.(map[string]any)["start_line"].(float64)))
		}
		perRequest = append(perRequest, len(list))
	}
	return lines, perRequest
}

func TestManyAnnotationsFollow(t *testing.T) {
	s := newCheckScript(t)
	cr := CheckRun{
		Name: "x", SHA: testSHA, Status: "completed", Conclusion: "failure", Title: "T", Summary: "S", Text: "X",
		Annotations: manyAnnotations(120), Actions: []Button{{"Again", "Run it again", "again"}},
	}
	ref, err := s.client(t).CreateCheckRun(t.Context(), testRepo, cr)
	if err != nil || ref.Annotations != 120 {
		t.Fatalf("got %+v, %v", ref, err)
	}
	lines, perRequest := sentLines(t, s.calls())
	if diff := cmp.Diff([]int{50, 50, 20}, perRequest); diff != "" {
		t.Error(diff)
	}
	for i, line := range lines {
		if line != i+1 {
			t.Fatalf("annotation %d is on line %d", i, line)
		}
	}
	for i, c := range s.calls() {
		body := decodeBody(t, c)
		output := body["output"].(map[string]any)
		if output["title"] != "T" || output["summary"] != "S" || output["text"] != "X" || len(body["actions"].([]any)) != 1 {
			t.Errorf("request %d would drop something: %v", i, body)
		}
		if _, sent := body["status"]; sent != (i == 0) {
			t.Errorf("request %d: status sent: %v", i, sent)
		}
	}
}

func TestAnnotationsGoOnWhereTheyStopped(t *testing.T) {
	s := newScript(t)
	s.on("POST "+runsPath, 201, `{"id":42}`)
	answers := []int{200, 502, 200, 200}
	s.mux.HandleFunc("PATCH "+runsPath+"/42", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, answers[0], `{}`)
		answers = answers[1:]
	})
	c := s.client(t)
	cr := CheckRun{Name: "x", SHA: testSHA, Annotations: manyAnnotations(140)}
	ref, err := c.CreateCheckRun(t.Context(), testRepo, cr)
	if !errors.Is(err, ErrUnavailable) || ref.ID != 42 || ref.Annotations != 100 {
		t.Fatalf("got %+v, %v", ref, err)
	}
	cr.Annotations = cr.Annotations[ref.Annotations:]
	if _, err := c.UpdateCheckRun(t.Context(), testRepo, ref.ID, cr); err != nil {
		t.Fatal(err)
	}
}

func TestCheckRunThatGitHubWouldRefuse(t *testing.T) {
	s := newScript(t)
	c := s.client(t)
	button := Button{"a", "b", "c"}
	for name, cr := range map[string]CheckRun{
		"completed without conclusion": {Status: "completed"},
		"conclusion without completed": {Status: "queued", Conclusion: "success"},
		"four buttons":                 {Actions: []Button{button, button, button, button}},
		"long identifier":              {Actions: []Button{{"a", "b", "an identifier too long"}}},
	} {
		cr.Name, cr.SHA = "x", testSHA
		if _, err := c.CreateCheckRun(t.Context(), testRepo, cr); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := c.UpdateCheckRun(t.Context(), testRepo, 1, cr); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(s.seen) > 0 {
		t.Errorf("sent %v", s.seen)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	s := newCheckScript(t)
	cr := CheckRun{
		Name: "x", SHA: testSHA, Title: "T", Summary: strings.Repeat("ü", 60000), Text: "```\n" + strings.Repeat("log\n", 30000),
		Annotations: []Annotation{{Title: strings.Repeat("ü", 200), Message: strings.Repeat("ü", 60000)}},
	}
	if _, err := s.client(t).CreateCheckRun(t.Context(), testRepo, cr); err != nil {
		t.Fatal(err)
	}
	output := decodeBody(t, s.calls()[0])["output"].(map[string]any)
	for _, field := range []string{"summary", "text"} {
		text := output[field].(string)
		if len(text) > maxMarkdown || len(text) < maxMarkdown*7/8-100 || !strings.HasSuffix(text, cutNotice) || openFence(text) != "" {
			t.Errorf("%s: %d bytes, ends in %q", field, len(text), text[len(text)-80:])
		}
	}
	annotation := output["annotations"].([]any)[0].(map[string]any)
	if n := len(annotation["message"].(string)); n > 64<<10 {
		t.Errorf("message of %d bytes", n)
	}
	if n := len(annotation["title"].(string)); n > 255 {
		t.Errorf("title of %d bytes", n)
	}
}

func TestFindCheckRun(t *testing.T) {
	s := newScript(t)
	page := func(runs ...string) string {
		return fmt.Sprintf(`{"total_count":9,"check_runs":[%s]}`, strings.Join(runs, ","))
	}
	next := "/repos/acme/shop/commits/" + testSHA + "/check-runs?page=2"
	s.mux.HandleFunc("GET /repos/acme/shop/commits/"+testSHA+"/check-runs", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("check_name") != "a / b" || q.Get("app_id") != "5" || q.Get("filter") != "all" || q.Get("per_page") != "100" {
			t.Errorf("asked %s", r.URL)
		}
		if q.Get("page") == "2" {
			reply(w, 200, page(`{"id":7,"external_id":"e","status":"completed","conclusion":"failure","output":{"annotations_count":50}}`, `{"id":6,"external_id":"e"}`))
			return
		}
		reply(w, 200, page(`{"id":9,"external_id":"f"}`, `{"id":8,"external_id":null}`), `Link: <`+s.URL+next+`>; rel="next"`)
	})
	c := s.client(t)
	got, found, err := c.FindCheckRun(t.Context(), testRepo, testSHA, "e", "a / b")
	if want := (CheckRunRef{ID: 7, Annotations: 50, Status: "completed", Conclusion: "failure"}); err != nil || !found || got != want {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
	if got, found, err := c.FindCheckRun(t.Context(), testRepo, testSHA, "g", "a / b"); err != nil || found || got != (CheckRunRef{}) {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
}
