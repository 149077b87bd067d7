package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// maxSecretFile is how long a file of secrets may be, in bytes: more than a
// container's environment can hold.
const maxSecretFile = 1 << 20

// secrets are what a pipeline may be given, by name, and what is to be said
// about the file they come from. No value of it stands in a message.
type secrets struct {
	values map[string]string
	file   string // whole path; empty without one
	shown  string // as it was named
	notes  []string
}

// readSecrets reads the file of secrets; an empty name is none.
func readSecrets(dir, name string) (secrets, error) {
	s := secrets{values: map[string]string{}, shown: name}
	if name == "" {
		return s, nil
	}
	s.file = name
	if !filepath.IsAbs(name) {
		s.file = filepath.Join(dir, name)
	}
	f, err := os.Open(s.file)
	if err != nil {
		return s, usage("the file of secrets cannot be read: %v", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		s.notes = append(s.notes, fmt.Sprintf("others on this machine may read %s: chmod 600 %s", name, name))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return s, usage("the file of secrets cannot be read: %v", err)
	case len(text) > maxSecretFile:
		return s, usage("%s is larger than 1 MiB: it is no file of secrets", name)
	}
	values, mistakes := parseSecrets(string(text))
	if len(mistakes) > 0 {
		return s, usage("%s: %s", name, strings.Join(mistakes, "\n"+name+": "))
	}
	for _, v := range values {
		s.values[v.Name] = v.Value
	}
	return s, nil
}

// has refuses a pipeline that names secrets that are not there, all at once.
func (s secrets) has(d pipeline.Definition) error {
	var missing []string
	for _, stage := range d.Stages {
		for _, a := range stage.Actions {
			for _, name := range pipeline.SecretNames(a.Secrets) {
				if _, ok := s.values[name]; !ok && !slices.Contains(missing, name) {
					missing = append(missing, name)
				}
			}
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case s.file == "":
		return usage("the pipeline needs secrets (%s): name a file that has them with --secret-file", strings.Join(missing, ", "))
	}
	return usage("%s lacks secrets that the pipeline needs: %s", s.shown, strings.Join(missing, ", "))
}

// hidden refuses a file of secrets that is itself part of the source, where every
// action could read it.
func (s secrets) hidden(w worktree, names []string) error {
	if s.file == "" {
		return nil
	}
	file, err := filepath.EvalSymlinks(s.file)
	if err != nil {
		return nil //nolint:nilerr // it is gone, or never was a file: /dev/fd/3
	}
	root, err := filepath.EvalSymlinks(w.root)
	if err != nil {
		return fmt.Errorf("find the working tree: %w", err)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil || !slices.Contains(names, filepath.ToSlash(rel)) {
		return nil //nolint:nilerr // it has no path below the tree
	}
	if w.git {
		return usage("%s is part of the source, which every action can read: add it to .gitignore (and git rm --cached it), or move it to %s/", s.shown, homeName)
	}
	return usage("%s is part of the source, which every action can read: move it to %s/", s.shown, homeName)
}

// parseSecrets reads lines of NAME=value. An empty line and one that begins with
// # are skipped, and export may stand before the name. A value is what follows
// to the end of the line, without spaces around it; in single quotes it is kept
// as it is, in double quotes \n, \t, \" and \\ stand for what they do in a shell,
// and both may go over lines. NAME<<END begins a value that ends before the line
// END, as in $STAGEGATE_OUTPUT. The mistakes name lines, never values.
func parseSecrets(text string) (values []pipeline.Value, mistakes []string) {
	p := secretParser{rest: strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")}
	seen := map[string]bool{}
	for p.rest != "" {
		at := p.line + 1
		v, err := p.next()
		switch {
		case err == nil && v.Name == "":
			continue
		case err == nil && seen[v.Name]:
			err = fmt.Errorf("%s is there twice", v.Name)
		case err == nil && (!utf8.ValidString(v.Value) || strings.ContainsRune(v.Value, 0)):
			err = fmt.Errorf("%s is not UTF-8 text", v.Name)
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Sprintf("line %d: %v", at, err))
			continue
		}
		seen[v.Name] = true
		values = append(values, v)
	}
	return values, mistakes
}

// secretParser walks through a file of secrets.
type secretParser struct {
	rest string
	line int // lines taken
}

// next takes one value, or a line without one, which gives no name.
func (p *secretParser) next() (pipeline.Value, error) {
	line := strings.TrimLeft(p.take(), " \t\r")
	if line == "" || line[0] == '#' {
		return pipeline.Value{}, nil
	}
	if after, ok := strings.CutPrefix(line, "export "); ok {
		line = strings.TrimLeft(after, " \t")
	}
	end := 0
	for end < len(line) && nameByte(line[end], end) {
		end++
	}
	v := pipeline.Value{Name: line[:end]}
	value := strings.TrimLeft(line[end:], " \t")
	var err error
	switch {
	case end == 0:
		err = errors.New("write NAME=value; a name is letters, digits and _")
	case strings.HasPrefix(value, "<<"):
		v.Value, err = p.heredoc(strings.TrimSpace(value[2:]))
	case !strings.HasPrefix(value, "="):
		err = errors.New("write NAME=value; a name is letters, digits and _")
	default:
		v.Value, err = p.value(strings.TrimLeft(value[1:], " \t"))
	}
	return v, err
}

// take cuts the first line off.
func (p *secretParser) take() string {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest, p.line = rest, p.line+1
	return line
}

func nameByte(c byte, at int) bool {
	return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' || at > 0 && '0' <= c && c <= '9'
}

func (p *secretParser) heredoc(end string) (string, error) {
	if end == "" {
		return "", errors.New("<< needs a word that ends the value")
	}
	var lines []string
	for p.rest != "" {
		line := p.take()
		if line == end {
			return strings.Join(lines, "\n"), nil
		}
		lines = append(lines, line)
	}
	return "", errors.New("the line that ends the value is missing: " + end)
}

// value reads what stands after the =.
func (p *secretParser) value(text string) (string, error) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return strings.TrimSpace(text), nil
	}
	quote, text := text[0], text[1:]
	var b []byte
	for {
		i := 0
		for ; i < len(text) && text[i] != quote; i++ {
			if quote == '"' && text[i] == '\\' && i+1 < len(text) {
				i++
				b = unescape(b, text[i])
				continue
			}
			b = append(b, text[i])
		}
		switch {
		case i < len(text):
			if after := strings.TrimSpace(text[i+1:]); after != "" && after[0] != '#' {
				return "", errors.New("more follows the closing quote")
			}
			return string(b), nil
		case p.rest == "":
			return "", errors.New("the closing quote is missing")
		}
		b = append(b, '\n')
		text = p.take()
	}
}

// unescape appends what a character stands for behind a backslash.
func unescape(b []byte, c byte) []byte {
	switch c {
	case 'n':
		return append(b, '\n')
	case 't':
		return append(b, '\t')
	case '"', '\\', '$', '`':
		return append(b, c)
	}
	return append(b, '\\', c)
}
