package schema

import (
	"path"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// What a text may hold at most, in bytes.
const (
	longestLine  = 1000      // shell, image
	longestValue = 100 << 10 // of env; Linux ends at 128 KiB, with the name
)

// action reads one action; nil when it is none at all. That it misses the keys
// of known is said already.
func (p *parser) action(n node, known []string) *action {
	if n.kind != mapping {
		p.report(n.at, "write - name: …, image: … and run: …", "an action must be a mapping, not %s", n.kind)
		return nil
	}
	if p.nameAsKey(n, inAction) {
		return nil
	}
	a := &action{at: n.at}
	a.FailFast = true
	_, approval := n.get("approval")
	if m, ok := n.get("matrix"); ok && !approval {
		a.matrix = p.matrix(m)
	} else if replaced(n, inAction, "matrix") {
		a.matrix = &matrix{unnamed: true, unknown: true}
	}
	p.scope.unknownArtifacts = p.scope.unknownArtifacts || n.torn || replaced(n, inAction, "artifacts")
	whole := n
	if approval {
		n = p.withoutContainer(n)
	}
	p.each(n, inAction, func(key, value node) {
		switch key.text {
		case "name":
			a.Name, _ = p.name(value, "an action")
		case "needs":
			a.needs = p.needs(value)
		case "approval":
			a.Approval = p.approval(&a.formulas, value)
		case "if":
			a.If = p.condition(&a.formulas, value)
		default:
			p.container(a, key, value)
		}
	})
	if approval {
		p.require(whole, inAction, "name")
		return a
	}
	if replaced(n, inAction, "approval") {
		known = []string{"image", "run"}
	}
	p.require(n, inAction, slices.DeleteFunc([]string{"name", "image", "run"}, func(key string) bool {
		return slices.Contains(known, key) || key == "image" && p.scope.imageElsewhere
	})...)
	p.claimSecrets(a)
	if failFast, ok := n.get("fail-fast"); ok && a.matrix == nil {
		p.report(failFast.at, "leave it out", "fail-fast is about the runs of a matrix, and this action has none")
	}
	a.defaultInputs(n)
	return a
}

// defaultInputs gives a container run the source where its mapping names none.
func (a *action) defaultInputs(n node) {
	if _, ok := n.get("inputs"); !ok {
		a.unpacks = [][]string{{pipeline.SourceArtifact}}
	}
}

func (p *parser) needs(n node) []node {
	if n.null {
		return nil
	}
	named := func(item node) bool { return item.kind == mapping }
	if i := slices.IndexFunc(n.items, named); i >= 0 {
		p.report(n.items[i].at, "write the names of actions: needs: [compile]", "an entry of needs must be a text, not %s", mapping)
		n.items = slices.DeleteFunc(slices.Clone(n.items), named)
	}
	return p.distinct(p.words(n, "needs"), "needs", exact)
}

// withoutContainer reports the keys of a container run beside an approval, and
// leaves them out.
func (p *parser) withoutContainer(n node) node {
	n.pairs = slices.DeleteFunc(slices.Clone(n.pairs), func(pair pair) bool {
		key := pair.key.text
		if slices.Contains([]string{"name", "needs", "approval", "if"}, key) || !slices.Contains(keysOf(inAction), key) {
			return false
		}
		hint := "put what is to run in an action of its own that needs this one"
		if key == "timeout-minutes" {
			hint = "write expires under approval"
		}
		p.report(pair.key.at, hint, "an approval runs nothing: it cannot have %s", key)
		return true
	})
	return n
}

// container reads a key that only a container run has.
func (p *parser) container(a *action, key, value node) {
	switch key.text {
	case "image":
		a.Image = p.image(&a.formulas, value)
	case "run":
		a.Run = p.run(value)
	case "shell":
		a.Shell, _ = p.word(value, "shell")
		if strings.ContainsAny(a.Shell, "\r\n") || len(a.Shell) > longestLine {
			p.report(value.at, "", "shell must be one line of at most %d characters", longestLine)
		}
	case "env":
		a.Env = p.env(&a.formulas, value, environment)
	case "inputs":
		a.inputs = p.inputs(a, value)
	case "artifacts":
		p.artifacts(a, value)
	case "timeout-minutes":
		a.Timeout = p.minutes(value)
	case "secrets":
		a.secrets = p.secrets(value)
	case "isolation":
		a.Isolation = p.isolation(value)
	case "services":
		p.services(&a.formulas, value)
	case "reports":
		p.reports(value)
	case "with":
		p.with(&a.formulas, value)
	case "retry":
		a.Retry = p.retry(value)
	case "continue-on-error":
		a.ContinueOnError = p.boolean(value, key.text)
	case "fail-fast":
		a.FailFast = p.boolean(value, key.text)
	}
}

// inputs reads names of artifacts. With a matrix they may hold its values, as
// the names that an action gives may.
func (p *parser) inputs(a *action, n node) []node {
	if p.nothing(n, "inputs", "leave it out for [source]") {
		return nil
	}
	return p.distinct(p.entries(n, "inputs", func(item node) bool {
		if _, formula := expression.Find(item.text); formula && a.matrix != nil {
			return !item.torn
		}
		_, ok := p.word(item, "an entry of inputs")
		return ok
	}), "inputs", exact)
}

func (p *parser) image(to *formulas, n node) string {
	if name, ok := n.get("name"); ok {
		p.report(n.at, "write image: "+show(name.text), "image must be a text, not %s", n.kind)
		return ""
	}
	image, ok := p.template(to, n, "image")
	if !ok {
		return ""
	}
	if n.null || strings.TrimSpace(image) == "" {
		p.report(n.at, "write one such as golang:1.26", "image is empty")
		return ""
	}
	if message, hint := wrongImage(image); message != "" {
		p.report(n.at, hint, "%s %s", quote(image), message)
	}
	return image
}

// wrongImage says what is wrong with the name of an image, or nothing. What
// expressions stand for is not known yet.
func wrongImage(image string) (message, hint string) {
	if _, ok := expression.Find(image); ok {
		return "", ""
	}
	if strings.ContainsAny(image, "$<") {
		return "is not the name of an image", "write ${{ variables.NAME }} for what the pipeline declares: the script's variables are not known here"
	}
	if strings.ContainsAny(image, " \t\r\n(){}>`'\"") || len(image) > longestLine || !imagePattern.MatchString(image) {
		return "is not the name of an image", "write one such as golang:1.26"
	}
	repository, _, _ := strings.Cut(image, "@")
	host, rest, ok := strings.Cut(repository, "/")
	if !ok || !strings.ContainsAny(host, ".:") {
		rest = repository
	}
	rest, _, _ = strings.Cut(rest, ":")
	if lower := strings.ToLower(rest); lower != rest {
		return "is not the name of an image: only its tag has capitals", "write " + show(strings.Replace(image, rest, lower, 1))
	}
	return "", ""
}

// run reads a script. An expression in it would let a branch's or a commit's
// text become part of the script, so there is none.
func (p *parser) run(n node) string {
	if n.kind != scalar {
		p.report(n.at, "write the lines of the script under run: |", "run must be a text, not %s", n.kind)
		return ""
	}
	if n.null || strings.TrimSpace(n.text) == "" {
		p.report(n.at, "write the lines of the script under run: |", "run is empty")
		return ""
	}
	for at := 0; !p.full(); {
		i, ok := expression.Find(n.text[at:])
		if !ok {
			break
		}
		at += i
		text := n.text[at:]
		if end := strings.Index(text, "}}"); end >= 0 {
			text = text[:end+2]
		}
		p.reportIn(n, at, environmentForm(text), "run cannot hold an expression: values reach a script through the environment")
		at += len("${{")
	}
	return n.text
}

// environmentForm shows how an expression that stands in a script is written.
func environmentForm(text string) string {
	name, shown := "VALUE", "${{ source.commit }}"
	if t, err := expression.Parse(text); err == nil && len(t.Names()) == 1 {
		full := t.Names()[0].Name
		if full[0] == "secrets" && len(full) == 2 {
			return "write secrets: [" + show(full[1]) + `] and, in the script, "$` + show(full[1]) + `"`
		}
		if full[0] == "github" {
			full = githubName(full)
		}
		switch {
		case strings.TrimSpace(text[len("${{"):len(text)-len("}}")]) != t.Names()[0].Name.String():
			shown = show(text)
		case full != nil:
			name, shown = environmentName(full[len(full)-1]), "${{ "+show(full.String())+" }}"
		}
	}
	return `write env: { ` + name + `: "` + shown + `" } and, in the script, "$` + name + `"`
}

func environmentName(segment string) string {
	name := strings.ToUpper(strings.ReplaceAll(segment, "-", "_"))
	if reserved(name) || slices.Contains([]string{"PATH", "HOME", "PWD", "IFS"}, name) || len(name) > longestShown {
		return "VALUE"
	}
	return name
}

// reserved tells whether a variable of the environment is one that a container
// is given anyway.
func reserved(name string) bool {
	return name == "CI" || strings.HasPrefix(name, "STAGEGATE_")
}

func (p *parser) env(to *formulas, n node, as form) []pipeline.Value {
	if n.null {
		return nil
	}
	if n.kind != mapping {
		p.report(n.at, "write NAME: value", "env must be a mapping, not %s", n.kind)
		return nil
	}
	var env []pipeline.Value
	for _, pair := range n.pairs {
		name := pair.key.text
		switch {
		case !variablePattern.MatchString(name):
			p.report(pair.key.at, variableRule, "%s is not a name for a variable of the environment", quote(name))
		case reserved(name):
			p.report(pair.key.at, reservedRule, "env cannot set %s", show(name))
		}
		value, _ := p.formulaText(to, formula{pair.value, as}, "env."+show(name))
		if len(value) > longestValue {
			p.report(pair.value.at, "write it into a file of the repository", "env.%s is longer than a process can be given: at most %d bytes", show(name), longestValue)
		}
		env = append(env, pipeline.Value{Name: name, Value: value})
	}
	return env
}

func (p *parser) artifacts(a *action, n node) {
	if n.null {
		return
	}
	paths, gitLab := n.get("paths")
	if gitLab = gitLab && paths.kind == list; n.kind != mapping || gitLab {
		hint := "write NAME: path"
		if items := append(n.items, paths.items...); len(items) > 0 && items[0].kind == scalar {
			hint = "write a name for it: { NAME: " + show(items[0].text) + " }"
		}
		shape := n.kind
		if gitLab {
			shape = list
		}
		p.report(n.at, hint, "artifacts must be a mapping of names to paths, not %s", shape)
		p.scope.unknownArtifacts = true
		return
	}
	for _, pair := range n.pairs {
		if _, formula := expression.Find(pair.key.text); !formula || a.matrix == nil {
			p.name(pair.key, "an artifact")
		}
		a.produces = append(a.produces, pair)
		file, _ := p.word(pair.value, "the path of artifact "+show(pair.key.text))
		p.artifactPath(pair.value, file)
		a.Artifacts = append(a.Artifacts, pipeline.Output{Name: pair.key.text, Path: file})
	}
}

var drive = newPattern(`^[A-Za-z]:[\\/]`)

// artifactPath reports a path that does not stay in the working directory.
func (p *parser) artifactPath(n node, file string) {
	switch {
	case path.IsAbs(file) || strings.HasPrefix(file, `\`) || strings.HasPrefix(file, "~/") || drive.MatchString(file):
		p.report(n.at, "write it relative to the working directory, such as out/", "the path %s is not relative", quote(file))
	case slices.Contains(strings.Split(strings.ReplaceAll(file, `\`, "/"), "/"), ".."):
		p.report(n.at, "write a path below the working directory, such as out/", "the path %s holds ..", quote(file))
	case strings.Contains(file, "*"):
		p.report(n.at, "name a folder: all that is in it becomes the artifact", "the path %s is a pattern", quote(file))
	case strings.ContainsAny(file, "\r\n"):
		p.report(n.at, "", "a path must be one line")
	}
}
