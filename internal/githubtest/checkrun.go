package githubtest

import (
	"fmt"
	"slices"
	"time"
)

// CheckRun is a check run as GitHub keeps it.
type CheckRun struct {
	ID         int64
	SuiteID    int64
	Repository string // owner/name
	HeadSHA    string
	Name       string
	Status     string // queued, in_progress or completed
	Conclusion string // empty until it is completed
	ExternalID string
	DetailsURL string

	Title, Summary, Text string

	Annotations []Annotation
	Actions     []Action // buttons; people see them once it is completed

	StartedAt   time.Time // as the App says
	CompletedAt time.Time // as the App says; zero until it is completed
	AcceptedAt  time.Time // when GitHub took it, by GitHub's clock

	// History is what people could see, in order: how it was made, and how each
	// update left it.
	History []CheckRunState
}

// CheckRunState is what people could see of a check run from a moment on.
type CheckRunState struct {
	At         time.Time // by GitHub's clock
	Status     string
	Conclusion string
	Title      string
	Summary    string
}

// Annotation is a remark on lines of a file.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column"` // 0 is none
	EndColumn   int    `json:"end_column"`   // 0 is none
	Level       string `json:"annotation_level"`
	Title       string `json:"title"`
	Message     string `json:"message"`
	RawDetails  string `json:"raw_details"`
}

// Action is a button of a check run.
type Action struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// CheckRuns are the check runs on a commit, in the order in which they were made.
func (r *Repository) CheckRuns(sha string) []CheckRun {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var list []CheckRun
	for _, run := range r.runs {
		if run.HeadSHA == sha {
			list = append(list, *run.copy())
		}
	}
	return list
}

func (c *CheckRun) copy() *CheckRun {
	d := *c
	d.Annotations, d.Actions, d.History = slices.Clone(c.Annotations), slices.Clone(c.Actions), slices.Clone(c.History)
	return &d
}

// checkRun finds a check run. g.mu is held.
func (r *Repository) checkRun(id int64) *CheckRun {
	for _, run := range r.runs {
		if run.ID == id {
			return run
		}
	}
	return nil
}

// RerequestCheckRun is a click on "Re-run" of a check run. GitHub resets its
// suite, never the run itself.
func (r *Repository) RerequestCheckRun(login string, id int64) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	who, run := r.g.user(login), r.checkRun(id)
	switch {
	case run == nil:
		return fmt.Errorf("rerequest check run %d: there is none", id)
	case !r.may(who, "write"):
		return fmt.Errorf("rerequest check run %d: %s may not write to %s", id, login, r.FullName())
	case run.Status != "completed":
		return fmt.Errorf("rerequest check run %d: it is not completed", id)
	}
	r.suite(run.SuiteID).rerequested = true
	r.g.send(r, "check_run", "rerequested", object{"check_run": r.checkRunObject(run), "sender": r.g.userObject(who)})
	return nil
}

// ClickAction is a click on a button of a check run, of which there are none
// until it is completed.
func (r *Repository) ClickAction(login string, id int64, identifier string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	who, run := r.g.user(login), r.checkRun(id)
	switch {
	case run == nil:
		return fmt.Errorf("click %s of check run %d: there is none", identifier, id)
	case run.Status != "completed":
		return fmt.Errorf("click %s of check run %q: it is %s, and buttons appear when it is completed", identifier, run.Name, run.Status)
	case !slices.ContainsFunc(run.Actions, func(a Action) bool { return a.Identifier == identifier }):
		return fmt.Errorf("click %s of check run %q: it has no such button", identifier, run.Name)
	case !r.may(who, "write"):
		return fmt.Errorf("click %s of check run %q: %s may not write to %s", identifier, run.Name, login, r.FullName())
	}
	r.g.send(r, "check_run", "requested_action", object{
		"check_run": r.checkRunObject(run), "requested_action": object{"identifier": identifier}, "sender": r.g.userObject(who),
	})
	return nil
}

// note keeps what people can see of a run now, and shows it. g.mu is held.
func (r *Repository) note(run *CheckRun) {
	run.History = append(run.History, CheckRunState{
		At: r.g.now(), Status: run.Status, Conclusion: run.Conclusion, Title: run.Title, Summary: run.Summary,
	})
	r.g.show(Change{Repository: r.FullName(), CheckRun: run.copy()})
}

// checkRunObject is a check run, in the API and in deliveries. g.mu is held.
func (r *Repository) checkRunObject(run *CheckRun) object {
	api := fmt.Sprintf("%s/check-runs/%d", r.apiURL(), run.ID)
	html := fmt.Sprintf("%s/runs/%d", r.htmlURL(), run.ID)
	details := run.DetailsURL
	if details == "" {
		details = r.g.appObject()["external_url"].(string)
	}
	return object{
		"id": run.ID, "node_id": nodeID("CheckRun", run.ID), "name": run.Name, "head_sha": run.HeadSHA,
		"url": api, "html_url": html, "details_url": details, "external_id": run.ExternalID,
		"status": run.Status, "conclusion": nullable(run.Conclusion),
		"started_at": stamp(run.StartedAt), "completed_at": stamp(run.CompletedAt),
		"check_suite": r.suiteObject(r.suite(run.SuiteID)), "app": r.g.appObject(), "pull_requests": r.pullsAt(run.HeadSHA),
		"output": object{
			"title": nullable(run.Title), "summary": nullable(run.Summary), "text": nullable(run.Text),
			"annotations_count": len(run.Annotations), "annotations_url": api + "/annotations",
		},
	}
}

func (r *Repository) annotationObject(sha string) func(Annotation) object {
	return func(a Annotation) object {
		o := object{
			"path": a.Path, "blob_href": r.htmlURL() + "/blob/" + sha + "/" + escapePath(a.Path),
			"start_line": a.StartLine, "end_line": a.EndLine, "start_column": nil, "end_column": nil,
			"annotation_level": a.Level, "title": nullable(a.Title), "message": a.Message, "raw_details": nullable(a.RawDetails),
		}
		if a.StartColumn > 0 {
			o["start_column"] = a.StartColumn
		}
		if a.EndColumn > 0 {
			o["end_column"] = a.EndColumn
		}
		return o
	}
}

// newestOfName keeps of each name the newest run. The runs are oldest first.
func newestOfName(runs []*CheckRun) []*CheckRun {
	var list []*CheckRun
	for i, run := range runs {
		if !slices.ContainsFunc(runs[i+1:], func(later *CheckRun) bool { return later.Name == run.Name }) {
			list = append(list, run)
		}
	}
	return list
}
