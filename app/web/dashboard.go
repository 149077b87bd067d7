package web

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Dashboard is what one person may see and do. Whatever they may not see is
// ErrNotFound, as what does not exist.
type Dashboard interface {
	Overview(ctx context.Context) (Overview, error)
	// List lists the executions of a repository, or of one pipeline of it, newest
	// first, at most so many, those before an id.
	List(ctx context.Context, repository, pipeline, before string, limit int) ([]pipeline.Execution, error)
	Execution(ctx context.Context, repository, pipeline string, number int) (Shown, error)
	// Do carries out what the person asks for. What cannot be done is a *Refusal.
	Do(ctx context.Context, w Wish) error
}

// Overview is what the front page shows.
type Overview struct {
	Waiting []Waiting            // approvals, those for the person first
	Newest  []pipeline.Execution // of every pipeline
	Unasked int                  // repositories that are left out: GitHub could not be asked about them
}

// Waiting is an approval that waits for an answer.
type Waiting struct {
	Execution     pipeline.Execution
	Stage, Action string
	Mine          bool // the person may give it
}

// head is the top of every page of the dashboard.
type head struct {
	Title, Style, Version string
	Base                  string // before every path
	Login                 string // who is signed in; empty: nobody
	Form                  string // what forms carry
}

func (s *server) head(v Visitor, title string) head {
	return head{Title: title, Style: s.base + stylePath(), Version: s.Version, Base: s.base, Login: v.Login, Form: v.form}
}

// message is a page that says one thing.
type message struct {
	head
	Text string
	Link link
}

// tell answers with a page that says one thing.
func (s *server) tell(c *gin.Context, status int, v Visitor, title, text string) {
	pageHeaders(c)
	s.show(c, status, "message.html", message{head: s.head(v, title), Text: text, Link: link{"To the front page", s.base + "/"}})
}

// show answers with a page.
func (s *server) show(c *gin.Context, status int, name string, data any) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, name, data); err != nil {
		s.refuse(c, err)
		return
	}
	c.Data(status, "text/html; charset=utf-8", out.Bytes())
}

// row is an execution in a list.
type row struct {
	Name     string
	URL      string
	List     link // the pipeline's executions; only where several pipelines stand together
	Status   badge
	Subject  string
	Commit   string
	Ref      string
	Began    moment
	Took     string
	Waits    string // STAGE / ACTION that it waits at for an approval
	Mine     bool   // the person may give it
	Fragment string
}

func (s *server) row(x pipeline.Execution) row {
	v := newView(x, "", s.Now())
	r := row{
		Name: clip(x.Definition.Name, 100) + " #" + strconv.Itoa(x.Number), URL: s.executionURL(x), Status: executionBadge(x),
		List:    link{clip(x.Definition.Name, 100), s.listURL(x.Repository, x.Definition.Name)},
		Subject: clip(firstLine(x.Revision.Message), 200), Commit: short(x.Revision.Commit, 7),
		Began: momentOf(x.CreatedAt), Took: took(x.CreatedAt, x.EndedAt, s.Now()),
	}
	var p page
	v.revision(&p)
	r.Ref = p.Ref.Text
	return r
}

func (s *server) executionURL(x pipeline.Execution) string {
	return under(s.base+"/repositories", x.Repository, x.Definition.Name, strconv.Itoa(x.Number))
}

func (s *server) listURL(repository, pipeline string) string {
	list := under(s.base+"/repositories", repository)
	if pipeline != "" {
		list += "?pipeline=" + template.URLQueryEscaper(pipeline)
	}
	return list
}

// home is the front page.
type home struct {
	head
	SetUp        string // what the operator has to do; empty: people can sign in
	Mine, Others []row
	Repositories []repositoryRows
	Unasked      int
}

type repositoryRows struct {
	Repository link
	Rows       []row
}

func (s *server) home(c *gin.Context) {
	pageHeaders(c)
	v, err := s.visitor(c)
	if err != nil {
		p := home{head: s.head(Visitor{}, "Stagegate")}
		if s.SignIn == nil {
			p.SetUp = setUp
		}
		s.show(c, http.StatusOK, "home.html", p)
		return
	}
	found, err := v.Dashboard.Overview(c.Request.Context())
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	p := home{head: s.head(v, "Stagegate"), Unasked: found.Unasked}
	for _, w := range found.Waiting {
		r := s.row(w.Execution)
		r.Waits = clip(w.Stage+" / "+w.Action, 200)
		if w.Mine {
			r.URL += "#answer." + clip(w.Stage+"."+w.Action, 200)
		}
		if w.Mine {
			p.Mine = append(p.Mine, r)
		} else {
			p.Others = append(p.Others, r)
		}
	}
	for _, x := range found.Newest {
		if n := len(p.Repositories); n == 0 || p.Repositories[n-1].Repository.Text != clip(x.Repository, 200) {
			p.Repositories = append(p.Repositories, repositoryRows{Repository: link{clip(x.Repository, 200), s.listURL(x.Repository, "")}})
		}
		last := &p.Repositories[len(p.Repositories)-1]
		last.Rows = append(last.Rows, s.row(x))
	}
	s.show(c, http.StatusOK, "home.html", p)
}

// listed is how many executions a page of a list has.
const listed = 30

// list is the page of a repository's executions.
type list struct {
	head
	Repository link
	Pipeline   string
	Rows       []row
	Older      string
	Secrets    string // where; empty: for who looks there is no such page
}

func (s *server) list(c *gin.Context, v Visitor) {
	repository, name := c.Param("owner")+"/"+c.Param("name"), c.Query("pipeline")
	before := c.Query("before")
	if _, err := strconv.ParseUint(before, 10, 62); before != "" && err != nil {
		s.missing(c, v)
		return
	}
	found, err := v.Dashboard.List(c.Request.Context(), repository, name, before, listed+1)
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	if len(found) > 0 {
		repository = found[0].Repository // as it is written
	}
	p := list{
		head: s.head(v, clip(repository, 200)), Pipeline: clip(name, 100),
		Repository: link{clip(repository, 200), under(s.GitHubURL, repository)},
	}
	for _, x := range found[:min(len(found), listed)] {
		p.Rows = append(p.Rows, s.row(x))
	}
	if len(found) > listed {
		p.Older = "?before=" + found[listed-1].ID
		if name != "" {
			p.Older += "&pipeline=" + template.URLQueryEscaper(name)
		}
	}
	if v.Secrets.Administers(c.Request.Context(), repository) {
		p.Secrets = s.secretsURL(repository)
	}
	s.show(c, http.StatusOK, "list.html", p)
}

// find finds the execution that the path names.
func (s *server) find(c *gin.Context, v Visitor) (Shown, error) {
	number, err := strconv.Atoi(c.Param("number"))
	if err != nil || number < 1 || strconv.Itoa(number) != c.Param("number") {
		return Shown{}, ErrNotFound
	}
	return v.Dashboard.Execution(c.Request.Context(), c.Param("owner")+"/"+c.Param("name"), c.Param("pipeline"), number)
}

// executionOf is the page of an execution for somebody who is signed in.
func (s *server) executionOf(c *gin.Context, v Visitor) {
	x, err := s.find(c, v)
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	p, err := s.pageOf(c, x.Execution, strconv.Itoa(x.Number))
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	top := s.head(v, "")
	p.Style, p.Bar = top.Style, &top
	p.Repository.URL = s.listURL(x.Repository, "")
	forms{top, s.executionURL(x.Execution), x}.offer(&p)
	s.addLogs(c.Request.Context(), &p)
	s.show(c, http.StatusOK, "page.html", p)
}

func (s *server) logOf(c *gin.Context, v Visitor) {
	x, err := s.find(c, v)
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	s.writeLog(c, x.Execution)
}
