package githubtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// checkRunRequest is the body that makes or updates a check run. What is nil
// was not said.
type checkRunRequest struct {
	Name        *string   `json:"name"`
	HeadSHA     string    `json:"head_sha"`
	DetailsURL  *string   `json:"details_url"`
	ExternalID  *string   `json:"external_id"`
	Status      string    `json:"status"`
	Conclusion  string    `json:"conclusion"`
	StartedAt   time.Time `json:"started_at"`
	CompletedAt time.Time `json:"completed_at"`
	Output      *output   `json:"output"`
	Actions     *[]Action `json:"actions"`
}

type output struct {
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Text        string       `json:"text"`
	Annotations []Annotation `json:"annotations"`
}

func createCheckRun(c *call) answer {
	var q checkRunRequest
	c.decode(&q)
	sha, err := c.repo.resolve(q.HeadSHA)
	if err != nil || sha != q.HeadSHA {
		c.violate("head_sha %s is no commit of %s", q.HeadSHA, c.repo.FullName())
		return unprocessable("No commit found for SHA: %s", q.HeadSHA)
	}
	if err := q.check(nil); err != nil {
		c.violate("%v", err)
		return unprocessable("Invalid request.\n\n%v", err)
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	now := c.g.now()
	run := &CheckRun{
		ID: c.g.id(), SuiteID: c.repo.suiteAt(sha, "").id, Repository: c.repo.FullName(), HeadSHA: sha,
		Name: *q.Name, Status: "queued", StartedAt: now.Truncate(time.Second), AcceptedAt: now,
	}
	q.apply(run, now)
	c.repo.runs = append(c.repo.runs, run)
	c.repo.note(run)
	c.repo.sendCheckRun("created", run)
	if run.Status == "completed" {
		c.repo.completed(run)
	}
	return created(c.repo.checkRunObject(run))
}

func updateCheckRun(c *call) answer {
	var q checkRunRequest
	c.decode(&q)
	run, wrong, refused := c.update(q)
	if refused.status != 0 {
		c.violate("%s", wrong)
		return refused
	}
	if wrong != "" {
		c.violate("%s", wrong)
	}
	if run == nil {
		return notFound()
	}
	return ok(run)
}

// update carries an update out. What is wrong is a violation even if GitHub
// answers as if nothing were.
func (c *call) update(q checkRunRequest) (updated object, wrong string, refused answer) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	run := c.repo.checkRun(c.number("check_run_id"))
	if run == nil {
		return nil, "", answer{}
	}
	if err := q.check(run); err != nil {
		return nil, err.Error(), unprocessable("Invalid request.\n\n%v", err)
	}
	before := run.Status
	if before == "completed" {
		wrong = q.keepFinal(run)
	}
	q.apply(run, c.g.now())
	c.repo.note(run)
	if before != "completed" && run.Status == "completed" {
		c.repo.completed(run)
	}
	return c.repo.checkRunObject(run), wrong, answer{}
}

// keepFinal takes from a request what a completed run does not change any more,
// and says so.
func (q *checkRunRequest) keepFinal(run *CheckRun) (wrong string) {
	if q.Conclusion != "" && q.Conclusion != run.Conclusion || q.Status != "" && q.Status != "completed" {
		wrong = fmt.Sprintf("check run %q is completed as %s and does not become %s %s any more; make a new one of the same name",
			run.Name, run.Conclusion, q.Status, q.Conclusion)
	}
	q.Status, q.Conclusion, q.CompletedAt = "", "", time.Time{}
	return wrong
}

// check holds a request to GitHub's rules beyond the description. The run is
// nil if it is to be made.
func (q *checkRunRequest) check(run *CheckRun) error {
	switch {
	case q.Name != nil && *q.Name == "":
		return fmt.Errorf("name cannot be blank")
	case !slices.Contains([]string{"", "queued", "in_progress", "completed"}, q.Status):
		return fmt.Errorf("status %s is GitHub Actions' own", q.Status)
	case q.Conclusion == "stale":
		return fmt.Errorf("only GitHub makes a check run stale")
	case q.Status == "completed" && q.Conclusion == "" && (run == nil || run.Status != "completed"):
		return fmt.Errorf("a completed check run needs a conclusion")
	}
	if q.DetailsURL != nil {
		u, err := url.Parse(*q.DetailsURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("details_url %q must use http or https", *q.DetailsURL)
		}
	}
	if q.Output == nil {
		return nil
	}
	if q.Output.Title == "" && (run == nil || run.Title == "") {
		return fmt.Errorf("output needs a title beside its summary")
	}
	for i, a := range q.Output.Annotations {
		if err := a.check(); err != nil {
			return fmt.Errorf("annotation %d: %w", i+1, err)
		}
	}
	return nil
}

func (a Annotation) check() error {
	switch {
	case a.Path == "":
		return fmt.Errorf("it needs a path")
	case a.StartLine < 1 || a.EndLine < a.StartLine:
		return fmt.Errorf("lines %d to %d are none", a.StartLine, a.EndLine)
	case a.StartLine != a.EndLine && (a.StartColumn != 0 || a.EndColumn != 0):
		return fmt.Errorf("it has columns and more than one line")
	case len(a.Message) > 64<<10 || len(a.RawDetails) > 64<<10:
		return fmt.Errorf("its message or raw details are over 64 KB")
	case len([]rune(a.Title)) > 255:
		return fmt.Errorf("its title is over 255 characters")
	}
	return nil
}

// apply changes a run as a request says.
func (q *checkRunRequest) apply(run *CheckRun, now time.Time) {
	set(&run.Name, q.Name)
	set(&run.DetailsURL, q.DetailsURL)
	set(&run.ExternalID, q.ExternalID)
	set(&run.Actions, q.Actions)
	if q.Status != "" {
		run.Status = q.Status
	}
	if !q.StartedAt.IsZero() {
		run.StartedAt = q.StartedAt.UTC()
	}
	if q.Conclusion != "" {
		run.Status, run.Conclusion, run.CompletedAt = "completed", q.Conclusion, now.Truncate(time.Second)
		if !q.CompletedAt.IsZero() {
			run.CompletedAt = q.CompletedAt.UTC()
		}
	}
	if q.Output == nil {
		return
	}
	if q.Output.Title != "" {
		run.Title = q.Output.Title
	}
	run.Summary, run.Text = q.Output.Summary, q.Output.Text
	run.Annotations = append(run.Annotations, q.Output.Annotations...)
}

// set changes what was said, and leaves what was not.
func set[T any](to, said *T) {
	if said != nil {
		*to = *said
	}
}

// sendCheckRun tells the App of its own check run, as GitHub does. g.mu is held.
func (r *Repository) sendCheckRun(action string, run *CheckRun) {
	r.g.send(r, "check_run", action, object{"check_run": r.checkRunObject(run), "sender": r.g.userObject(r.g.bot)})
}

// completed tells that a run is completed, and its suite if it was the last. g.mu is held.
func (r *Repository) completed(run *CheckRun) {
	r.sendCheckRun("completed", run)
	s := r.suite(run.SuiteID)
	s.rerequested = false
	if status, _ := r.suiteState(s); status == "completed" {
		r.sendSuite("completed", s, r.g.bot)
	}
}

func getCheckRun(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	run := c.repo.checkRun(c.number("check_run_id"))
	if run == nil {
		return notFound()
	}
	return ok(c.repo.checkRunObject(run))
}

func listAnnotations(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	run := c.repo.checkRun(c.number("check_run_id"))
	if run == nil {
		return notFound()
	}
	return listed(c, run.Annotations, c.repo.annotationObject(run.HeadSHA))
}

func listCheckRunsOfRef(c *call) answer {
	sha, refused := c.commit("ref")
	if refused.status != 0 {
		return refused
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.listRuns(func(run *CheckRun) bool { return run.HeadSHA == sha })
}

func listCheckRunsOfSuite(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	s := c.repo.suite(c.number("check_suite_id"))
	if s == nil {
		return notFound()
	}
	return c.listRuns(func(run *CheckRun) bool { return run.SuiteID == s.id })
}

// listRuns lists check runs as the query asks, the newest first. Without a
// filter only the newest of each name is listed. g.mu is held.
func (c *call) listRuns(of func(*CheckRun) bool) answer {
	var list []*CheckRun
	for _, run := range c.repo.runs {
		if of(run) {
			list = append(list, run)
		}
	}
	if c.query("filter") != "all" {
		list = newestOfName(list)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(run *CheckRun) bool {
		return c.query("check_name") != "" && run.Name != c.query("check_name") ||
			c.query("status") != "" && run.Status != c.query("status") ||
			c.query("app_id") != "" && int64(c.queryNumber("app_id", 0)) != c.g.appID
	})
	slices.Reverse(list)
	a := listed(c, list, c.repo.checkRunObject)
	a.body = object{"total_count": len(list), "check_runs": a.body}
	return a
}

// commit resolves a path parameter to a commit's SHA.
func (c *call) commit(name string) (string, answer) {
	sha, err := c.repo.resolve(c.params[name])
	switch {
	case err == nil:
		return sha, answer{}
	case c.repo.empty():
		return "", refuse(http.StatusConflict, "Git Repository is empty.")
	}
	return "", unprocessable("No commit found for SHA: %s", c.params[name])
}
