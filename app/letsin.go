package app

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// mostArtifacts is how many artifacts people are shown of an approval.
const mostArtifacts = 20

// letsIn is what people are shown of what an approval would let in: commits, files,
// artifacts and tests.
func letsIn(x pipeline.Execution, act pipeline.ActionState) string {
	var lines []string
	if r := act.Request; r != nil {
		lines = append(lines, differs(x, *r))
		lines = append(lines, titles(*r)...)
	}
	made := x.Artifacts()
	for k, art := range made {
		if k == mostArtifacts {
			lines = append(lines, fmt.Sprintf("- and %s more", count(len(made)-k, "artifact")))
			break
		}
		lines = append(lines, fmt.Sprintf("- artifact %s, `sha256:%s`", plain(art.Name), art.Digest))
	}
	if text := explain.Tests(x); text != "" {
		lines = append(lines, "- tests: "+text)
	}
	return strings.Join(lines, "\n")
}

// differs says how much is new, with a link to it.
func differs(x pipeline.Execution, r pipeline.Request) string {
	what := plain(explain.Difference(x, r))
	if r.Link != "" {
		what = "[" + what + "](" + r.Link + ")"
	}
	if len(r.Sample) > 0 {
		var files []string
		for _, f := range r.Sample {
			files = append(files, plain(f))
		}
		what += ": " + strings.Join(files, ", ")
		if more := r.Files - len(r.Sample); more > 0 {
			what += fmt.Sprintf(" and %d more", more)
		}
	}
	return "- " + what
}

func titles(r pipeline.Request) []string {
	var lines []string
	for _, title := range r.Titles {
		lines = append(lines, "  - "+plain(title))
	}
	if more := r.Commits - len(r.Titles); more > 0 && len(r.Titles) > 0 {
		lines = append(lines, fmt.Sprintf("  - and %s more", count(more, "commit")))
	}
	return lines
}
