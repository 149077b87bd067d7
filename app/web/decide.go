package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Refusal is what Dashboard answers when something cannot be done: one sentence for
// whoever asked.
type Refusal struct {
	Status  int // of HTTP
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Wish is what a person asks for on the page of an execution, with what that page
// showed them.
type Wish struct {
	Verb          string // approve, reject, stop, retry, override, freeze or unfreeze
	Execution     string // id
	Stage, Action string
	Attempt       int    // of the action, or where none is meant of the stage
	Commit        string // of the execution
	Definition    string // its hash
	Says          string
	Until         string            // of a freeze
	Values        map[string]string // of an approval's form
	All, Abandon  bool
}

// Shown is an execution with what the person may do about it, as it was within the last
// minute. What they do is asked anew.
type Shown struct {
	pipeline.Execution
	MayWrite bool
	Mine     []string // the approvals that they may decide, as STAGE/ACTION
}

// ask is a form of the page, with what was shown.
type ask struct {
	URL           string // without the verb
	Form          string
	Execution     string
	Stage, Action string
	Attempt       int
	Commit        string
	Definition    string
}

// forms makes the forms of one page.
type forms struct {
	head
	url   string
	shown Shown
}

func (f forms) of(stage, action string, attempt int) *ask {
	x := f.shown.Execution
	return &ask{
		URL: f.url, Form: f.Form, Execution: x.ID, Stage: stage, Action: action, Attempt: attempt,
		Commit: x.Revision.Commit, Definition: x.Definition.Hash,
	}
}

// offer adds to a page what the person can do there. A page with a form that they may be
// filling in is not loaded anew.
func (f forms) offer(p *page) {
	x := f.shown.Execution
	for i, st := range x.Stages {
		for j, act := range st.Actions {
			g := p.Stages[i].Actions[j].Gate
			if g == nil || !slices.Contains(f.shown.Mine, st.Name+"/"+act.Name) {
				continue
			}
			top := slices.IndexFunc(p.Gates, func(o gate) bool { return o.URL == g.URL })
			p.Gates[top].Ask = f.of(st.Name, act.Name, act.Attempt)
			g.Above, p.Refresh = "#answer."+strings.TrimPrefix(g.URL, "#"), 0
		}
		if f.shown.MayWrite {
			f.offerStage(&p.Stages[i], st)
		}
	}
	if f.shown.MayWrite && !x.Status.Ended() && x.Status != pipeline.Cancelling {
		p.Stop = f.of("", "", 0)
	}
}

// offerStage adds what somebody with write access can do about a stage.
func (f forms) offerStage(out *stage, st pipeline.StageState) {
	switch st.Status {
	case pipeline.Failed, pipeline.TimedOut, pipeline.Stopped:
		out.Retry = f.of(st.Name, "", st.Attempt)
	default:
	}
	if out.Override != "" {
		out.OverrideAsk = f.of(st.Name, "", st.Attempt)
	}
	if f.shown.Status.Ended() || st.Status.Ended() {
		return
	}
	if out.Shut {
		out.Unfreeze = f.of(st.Name, "", st.Attempt)
	} else {
		out.Freeze = f.of(st.Name, "", st.Attempt)
	}
}

// verbs are what a form can ask for.
var verbs = []string{"approve", "reject", "stop", "retry", "override", "freeze", "unfreeze"}

// mostSaid is what a person may say, in characters.
const mostSaid = 1000

// wish reads what a form asks for. The execution is the one of its address.
func wish(r *http.Request, x pipeline.Execution, verb string) (Wish, error) {
	f := r.PostForm
	w := Wish{
		Verb: verb, Execution: f.Get("execution"), Stage: f.Get("stage"), Action: f.Get("action"), Commit: f.Get("commit"),
		Definition: f.Get("definition"), Says: strings.TrimSpace(f.Get("says")), Until: strings.TrimSpace(f.Get("until")),
		All: f.Get("all") == "yes", Abandon: f.Get("abandon") == "yes", Values: valuesOf(f),
	}
	attempt, err := strconv.Atoi(cmp.Or(f.Get("attempt"), "0"))
	w.Attempt = attempt
	switch {
	case !slices.Contains(verbs, verb):
		return w, ErrNotFound
	case err != nil || w.Execution != x.ID:
		return w, &Refusal{http.StatusConflict, "The form is of another execution. Load the page anew and look again."}
	case len([]rune(w.Says)) > mostSaid:
		return w, &Refusal{http.StatusUnprocessableEntity, "That is too long: say it in " + strconv.Itoa(mostSaid) + " characters."}
	}
	return w, nil
}

// fieldPrefix begins the names of the fields of an approval's own form.
const fieldPrefix = "value."

// valuesOf are the values of an approval's form. Of a box that can be ticked there are
// two, the last of which counts.
func valuesOf(f url.Values) map[string]string {
	values := map[string]string{}
	for name, given := range f {
		if field, ok := strings.CutPrefix(name, fieldPrefix); ok && given[len(given)-1] != "" {
			values[field] = given[len(given)-1]
		}
	}
	return values
}

// do carries out what a person asks for, and shows them what has become of it.
func (s *server) do(c *gin.Context, v Visitor) {
	shown, err := s.find(c, v)
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	w, err := wish(c.Request, shown.Execution, c.Param("verb"))
	if err == nil {
		err = v.Dashboard.Do(c.Request.Context(), w)
	}
	var no *Refusal
	if errors.As(err, &no) {
		s.show(c, no.Status, "message.html", message{
			head: s.head(v, "Nothing was done"), Text: sentence(clip(no.Message, 2000)), Link: link{"Back to the execution", s.executionURL(shown.Execution)},
		})
		return
	}
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	fragment := ""
	if w.Stage != "" {
		fragment = "#" + url.PathEscape(strings.TrimSuffix(w.Stage+"."+w.Action, "."))
	}
	c.Redirect(http.StatusSeeOther, s.executionURL(shown.Execution)+fragment)
}
