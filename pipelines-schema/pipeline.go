package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// pipeline reads the whole file into d.
func (p *parser) pipeline(root node, d *pipeline.Definition) {
	var stages node
	root = p.foreignJobs(root)
	p.scope.imageElsewhere = hasImage(root)
	p.each(root, inPipeline, func(key, value node) {
		switch key.text {
		case "name":
			if name, ok := p.name(value, "a pipeline"); ok {
				d.Name = name
			}
		case "on":
			p.triggers(value, &d.On)
		case "mode":
			p.mode(value, d)
		case "source":
			d.Source = p.wanted(value)
		case "variables":
			d.Variables = p.variables(value)
		case "stages":
			stages = value
		case "cancel-in-progress":
			cancels := p.boolean(value, key.text)
			d.CancelInProgress = &cancels
		}
	})
	p.checkUpstreams(d.Name)
	if _, ok := root.get("name"); !ok && !namePattern.MatchString(d.Name) {
		p.report(root.at, "write a name: of "+nameRule, "the file's name %s is not a name for a pipeline", quote(d.Name))
	}
	if _, ok := root.get("on"); !ok && !root.torn && !replaced(root, inPipeline, "on") {
		p.report(root.at, "write on: push, for example", "on is missing: nothing would start this pipeline")
	}
	if _, ok := root.get("stages"); !ok {
		if !root.torn && !replaced(root, inPipeline, "stages") {
			p.report(root.at, "write stages: with at least one stage", "stages is missing")
		}
		return
	}
	p.scope.unknownVariables = p.scope.unknownVariables || root.torn || replaced(root, inPipeline, "variables")
	p.scope.variables, p.scope.declared = d.Variables, map[string]bool{}
	for _, v := range d.Variables {
		p.scope.declared[v.Name] = true
	}
	p.stages(stages)
}

// mode reads what becomes of executions that wait at a stage.
func (p *parser) mode(n node, d *pipeline.Definition) {
	modes := []string{"superseded", "queued", "parallel"}
	text, ok := p.word(n, "mode")
	switch {
	case !ok || text == "superseded":
	case slices.Contains(modes, text):
		d.Mode = pipeline.Mode(text)
		p.scope.parallel = d.Mode == pipeline.Parallel
	default:
		p.report(n.at, DidYouMean(text, modes), "mode must be one of %s, not %s", enumerate(modes), quote(text))
	}
}

// wanted reads what the source artifact holds. Whatever goes beyond the tree
// makes it a clone, of one commit if nothing else is said.
func (p *parser) wanted(n node) pipeline.Source {
	if n.null {
		return pipeline.Source{}
	}
	s := pipeline.Source{Depth: 1}
	ok := p.each(n, inSource, func(key, value node) {
		switch key.text {
		case "clone":
			s.Clone, s.Depth = true, p.depth(value)
		case "submodules":
			p.oneOf(value, key.text, "true", "false", "recursive")
			s.Submodules = map[string]pipeline.Submodules{"true": pipeline.OwnSubmodules, "recursive": pipeline.AllSubmodules}[value.text]
		case "lfs":
			s.LFS = p.boolean(value, key.text)
		}
	})
	if !ok {
		p.report(n.at, "write source: { clone: full }", "source must be a mapping, not %s", n.kind)
	}
	s.Clone = s.Clone || s.LFS || s.Submodules != pipeline.NoSubmodules
	if !s.Clone {
		return pipeline.Source{}
	}
	return s
}

// depth reads how many commits a clone has; zero is all.
func (p *parser) depth(n node) int {
	text, ok := p.word(n, "clone")
	if !ok || text == "full" {
		return 0
	}
	depth, err := strconv.Atoi(text)
	if err != nil || depth < 1 || !whole.MatchString(text) {
		p.report(n.at, "write full, or how many commits", "clone must be full or a number, not %s", quote(text))
	}
	return depth
}

func (p *parser) variables(n node) []pipeline.Variable {
	if n.null {
		return nil
	}
	if n.kind != mapping {
		p.report(n.at, "write NAME: value", "variables must be a mapping, not %s", n.kind)
		p.scope.unknownVariables = true
		return nil
	}
	p.scope.unknownVariables = n.torn
	var variables []pipeline.Variable
	for _, pair := range n.pairs {
		name := pair.key.text
		if !variablePattern.MatchString(name) {
			p.report(pair.key.at, "a letter or _ first, then letters, digits or _", "%s is not a name for a variable", quote(name))
		}
		variables = append(variables, p.variable(name, pair))
	}
	return variables
}

func (p *parser) variable(name string, pair pair) pipeline.Variable {
	v := pipeline.Variable{Name: name}
	what := "variable " + show(name)
	value, written := pair.value, true
	if value.kind == mapping {
		p.each(value, inVariable, func(key, value node) {
			if key.text == "description" {
				v.Description, _ = p.text(value, "the description of "+what)
			}
		})
		value, written = value.get("default")
	}
	if !written && (pair.value.torn || replaced(pair.value, inVariable, "default")) {
		return v
	}
	if !written || value.null {
		p.report(pair.key.at, `write the text it stands for, or "" for none`, "%s has no value", what)
		return v
	}
	v.Default, _ = p.text(value, what)
	return v
}

// salvage reads the name and the triggers of a file that is not YAML, from the
// part before the mistake: what stands in front of the last key at the margin.
func (p *parser) salvage(d *pipeline.Definition) {
	text := p.src.text
	if len(p.found) == 0 {
		return
	}
	end := p.src.lines[p.found[0].Line-1]
	for end > 0 && strings.IndexByte(" \t\r\n#-", text[min(end, len(text)-1)]) >= 0 {
		end = strings.LastIndexByte(text[:end-1], '\n') + 1
	}
	if end == 0 {
		return
	}
	part := &parser{file: p.file, src: newSource(text[:end]), refused: map[place]bool{}}
	tree, err := compose(text[:end])
	if err != nil || tree.next != nil {
		return
	}
	root, _ := part.root(tree.first)
	if n, ok := root.get("name"); ok {
		if name, ok := part.name(n, "a pipeline"); ok {
			d.Name = name
		}
	}
	if on, ok := root.get("on"); ok {
		part.triggers(on, &d.On)
	}
}
