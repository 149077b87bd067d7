package runner

import (
	"fmt"
	"path"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/logcommand"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner/redact"
)

// What a job may say to Stagegate by printing it. All of it is hostile, and
// held in memory until the job has ended.
const (
	maxAnnotations    = 50        // of one level
	maxAnnotationText = 128 << 10 // of all
	maxMessage        = 4 << 10
	maxTitle          = 255
	maxFile           = 1 << 10
	maxMasks          = 64
	maxMaskText       = 32 << 10 // of all values added
)

// remarks is what a script says to Stagegate in its output: what to show of it,
// and what to hide.
type remarks struct {
	reader      logcommand.Reader
	masker      *redact.Masker
	masks       int
	masked      int // bytes
	annotations []pipeline.Annotation
	counts      map[pipeline.Level]int
	text        int // bytes of annotations
	dropped     int // annotations
}

func newRemarks(masker *redact.Masker) remarks {
	return remarks{masker: masker, counts: map[pipeline.Level]int{}}
}

// hide masks a value from now on. It returns what to say when it cannot.
func (r *remarks) hide(value string) string {
	switch {
	case !redact.Maskable(value):
		return fmt.Sprintf("add-mask: a value shorter than %d bytes is not masked", redact.MinLength)
	case r.masks >= maxMasks || r.masked+len(value) > maxMaskText:
		return fmt.Sprintf("add-mask: not masked, because a job may add %d values of %s in all", maxMasks, human.Size(maxMaskText))
	}
	r.masks, r.masked = r.masks+1, r.masked+len(value)
	r.masker = r.masker.With(value)
	return ""
}

// annotate keeps the annotation that a command is, if it is one.
func (r *remarks) annotate(c logcommand.Command) {
	level := pipeline.Level(c.Level())
	if level == "" {
		return
	}
	a := pipeline.Annotation{
		Level: level, File: r.show(c.File, maxFile), Title: r.show(c.Title, maxTitle), Message: r.show(c.Text, maxMessage),
		Line: c.Line, EndLine: c.EndLine, Column: c.Column, EndColumn: c.EndColumn,
	}
	length := len(a.File) + len(a.Title) + len(a.Message)
	if r.counts[level] >= maxAnnotations || r.text+length > maxAnnotationText {
		r.dropped++
		return
	}
	r.counts[level]++
	r.text += length
	r.annotations = append(r.annotations, a)
}

// show returns what may be shown of a text, cut to so many bytes.
func (r *remarks) show(text string, most int) string {
	return human.Cut(string(harmless([]byte(r.masker.String(text)))), most)
}

// leftOut says how many annotations were not kept.
func (r *remarks) leftOut() string {
	if r.dropped == 0 {
		return ""
	}
	return fmt.Sprintf("annotations left out: %d; at most %d of a level are kept, and %s in all", r.dropped, maxAnnotations, human.Size(maxAnnotationText))
}

// place makes the files of annotations relative to the repository, as GitHub
// wants them. A file that is not in it is named by the message.
func (t *task) place(annotations []pipeline.Annotation) []pipeline.Annotation {
	source := inputDir(pipeline.SourceArtifact) + "/"
	for i, a := range annotations {
		if a.File == "" {
			continue
		}
		file := a.File
		if !path.IsAbs(file) {
			file = path.Join(workDir(t.job), file)
		}
		rel, inside := strings.CutPrefix(path.Clean(file), source)
		if !inside {
			a.Message = human.Cut(a.File+": "+a.Message, maxMessage)
			rel, a.Line, a.EndLine, a.Column, a.EndColumn = "", 0, 0, 0, 0
		}
		a.File = rel
		annotations[i] = a
	}
	return annotations
}
