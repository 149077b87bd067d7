package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/stagegate/stagegate/internal/pipeline"
)

//go:embed *.html style.css
var assets embed.FS

// templates are read by whoever serves a page; other commands of the binary do not
// wait for them.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(assets, "*.html"))
})

// styleSheet is made for the first page, likewise.
var styleSheet = sync.OnceValue(makeStyle)

var stylePath = sync.OnceValue(func() string { return "/assets/" + hash(styleSheet()) + ".css" })

func makeStyle() []byte {
	css, err := assets.ReadFile("style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return append(css, palette()...)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// style serves what is named by its content and may be kept for ever.
func style(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Data(http.StatusOK, "text/css; charset=utf-8", styleSheet())
}

var possibleToken = regexp.MustCompile(`^[A-Za-z0-9_-]{20,64}$`)

// execution finds what the token in the path opens.
func (s *server) execution(c *gin.Context) (pipeline.Execution, error) {
	token := c.Param("token")
	if !possibleToken.MatchString(token) {
		return pipeline.Execution{}, ErrNotFound
	}
	return s.Executions.ByToken(c.Request.Context(), token)
}

// page answers with the page of an execution. `?still` keeps a running one
// from being loaded anew; `?log=STAGE/ACTION` does too, and opens that log.
func (s *server) page(c *gin.Context) {
	x, err := s.execution(c)
	if err != nil {
		s.refuse(c, err)
		return
	}
	p, err := s.pageOf(c, x, c.Param("token"))
	if err != nil {
		s.refuse(c, err)
		return
	}
	p.Style = ".." + stylePath()
	if s.SignIn != nil {
		p.leadToAnswer(s.executionURL(x))
	}
	s.addLogs(c.Request.Context(), &p)
	c.Header("Content-Security-Policy", pageContent)
	s.show(c, http.StatusOK, "page.html", p)
}

// pageOf makes the page of an execution, which stands under a name, without its logs.
func (s *server) pageOf(c *gin.Context, x pipeline.Execution, name string) (page, error) {
	q := c.Request.URL.Query()
	v := newView(x, s.GitHubURL, s.Now())
	v.token, v.open, v.Version = name, q.Get("log"), s.Version
	v.Still = q.Has("still") || v.open != ""
	if !x.Status.Ended() {
		var err error
		if v.around, err = s.Executions.Around(c.Request.Context(), x); err != nil {
			return page{}, err
		}
	}
	return v.page(), nil
}

// log answers with a whole log as it is stored, or with what there is of it.
func (s *server) log(c *gin.Context) {
	x, err := s.execution(c)
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.writeLog(c, x)
}

func (s *server) writeLog(c *gin.Context, x pipeline.Execution) {
	id, ok := jobOf(x, c.Param("stage"), c.Param("action"), c.Param("attempt"))
	if !ok {
		s.notFound(c)
		return
	}
	log, err := s.Executions.Log(c.Request.Context(), id)
	if err != nil {
		s.refuse(c, err)
		return
	}
	defer log.Close()
	c.Header("Content-Type", "text/plain; charset=utf-8")
	c.Status(http.StatusOK)
	if c.Request.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(c.Writer, log); err != nil && c.Request.Context().Err() == nil {
		s.Log.Error("log cut short", "job", id.String(), "error", withoutToken(c, err.Error()))
		panic(http.ErrAbortHandler) // so that half a log does not pass for a whole one
	}
}

// jobOf names a job of the execution; ok is false when it cannot have one so
// named.
func jobOf(x pipeline.Execution, stage, action, attempt string) (id pipeline.JobID, ok bool) {
	n, err := strconv.Atoi(attempt)
	if err != nil || strconv.Itoa(n) != attempt {
		return id, false
	}
	id = pipeline.JobID{Execution: x.ID, Stage: stage, Action: action, Attempt: n}
	i, j, ok := x.Find(id)
	return id, ok && n >= 1 && n <= x.Stages[i].Actions[j].Attempt
}

// addLogs fills in the logs the page shows, what went wrong first, until the
// page is large enough. A log that cannot be read does not cost the page.
func (s *server) addLogs(ctx context.Context, p *page) {
	left := pageLimit
	for _, l := range p.logs() {
		if left < liveLimit {
			l.Note = "The page has enough logs already."
			continue
		}
		left -= s.addLog(ctx, l, min(left, l.limit))
	}
}
