package schema

import (
	"cmp"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// MaxBytes is how long a pipeline file may be: nobody needs to read more than
// one byte past it, since Parse refuses what is longer.
const MaxBytes = 1 << 20

// pipelineBegins is the hint for a file that is no pipeline at all.
const pipelineBegins = "a pipeline begins with on: and stages:"

// What a pipeline file may be at most besides. Past these it is refused before
// it costs anything.
const (
	maxDepth   = 50
	maxNodes   = 50_000 // keys and values
	maxAliased = 10_000 // of those, the ones that aliases repeat
)

// load reads the file's one document. It returns false, having said why, when
// there is none that can be checked.
func (p *parser) load(data []byte) (node, bool) {
	if len(data) > MaxBytes {
		p.reportAt(0, "move scripts into files of the repository", "the file is larger than 1 MB")
		return node{}, false
	}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	p.src = newSource(text)
	if at, what := unreadable(text); what != "" {
		p.reportAt(at, "save the file as UTF-8", "%s", what)
		return node{}, false
	}
	tree, err := compose(text)
	if err != nil {
		p.syntax(err, tree.tooDeep)
		return node{}, false
	}
	if tree.next != nil {
		p.report(place{tree.next.Line, tree.next.Column}, "put each pipeline in a file of its own", "the file holds more than one YAML document")
		return node{}, false
	}
	return p.root(tree.first)
}

// root turns the document into nodes and refuses what is not a mapping.
func (p *parser) root(document *yaml.Node) (node, bool) {
	if document == nil || len(document.Content) == 0 {
		p.reportAt(0, cmp.Or(p.begins, pipelineBegins), "the file is empty")
		return node{}, false
	}
	g := grower{parser: p, open: map[*yaml.Node]bool{}}
	root := g.grow(document.Content[0], 0)
	switch {
	case g.stopped:
		return node{}, false
	case root.kind == mapping:
		return root, true
	case len(root.faults) > 0:
		p.reportFaults(root, map[place]bool{})
	case root.null:
		p.reportAt(0, cmp.Or(p.begins, pipelineBegins), "the file is empty")
	default:
		p.report(root.at, cmp.Or(p.begins, pipelineBegins), "%s is a mapping, not %s", p.called(), root.kind)
	}
	return node{}, false
}

// documents are the first of a file, and the second if there is one.
type documents struct {
	first, next *yaml.Node
	tooDeep     bool
}

// compose runs the YAML library.
func compose(text string) (documents, error) {
	var docs documents
	limit := loaderlimits.DepthFunc(func(depth int, _ *loaderlimits.DepthContext) error {
		if depth > maxDepth {
			docs.tooDeep = true
			return errors.New("nested too deep")
		}
		return nil
	})
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithPlugin(loaderlimits.New(limit)))
	if err != nil {
		return docs, err
	}
	for _, doc := range []**yaml.Node{&docs.first, &docs.next} {
		var n yaml.Node
		err := loader.Load(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, err
		}
		*doc = &n
	}
	return docs, nil
}

// called is what people are told the file is.
func (p *parser) called() string {
	if p.begins != "" {
		return "the file"
	}
	return "a pipeline file"
}
