package show

import "github.com/stagegate/stagegate/internal/logcommand"

// speech puts the commands that scripts print in words, by stage/action.
type speech map[string]*logcommand.Reader

// tones are the colours of commands; what has none there is how a command is
// written, not what it says.
var tones = map[logcommand.Kind]colour{
	logcommand.Error: red, logcommand.Warning: yellow, logcommand.Notice: blue, logcommand.Group: bold,
}

// read returns what a line says and how: itself, unless it is a command, and
// nothing where it only ends a group.
func (s speech) read(stage, action string, line []byte) ([]byte, colour) {
	if !logcommand.Possible(line) {
		return line, plain
	}
	name := stage + "/" + action
	if s[name] == nil {
		s[name] = &logcommand.Reader{}
	}
	c, ok := s[name].Read(line)
	switch {
	case !ok:
		return line, plain
	case c.Kind == logcommand.EndGroup:
		return nil, plain
	case tones[c.Kind] == plain:
		return line, grey
	}
	text, _ := c.Readable()
	return []byte(text), tones[c.Kind]
}
