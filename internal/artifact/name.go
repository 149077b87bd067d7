package artifact

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Linux refuses longer ones; an archive that has them was not made from a tree.
const (
	maxName    = 4096
	maxElement = 255
)

// maxDepth is how many folders deep a name may lead. Whoever walks through a
// tree has a file open for each.
const maxDepth = 256

// root is the name of the tree itself.
const root = "."

// cleanName returns the path below the root that a tar name stands for, without
// its first strip elements, or why it stands for none. The root is ".".
func cleanName(name string, strip int, dir bool) (string, error) {
	if err := checkText(name); err != nil {
		return "", err
	}
	if strings.HasPrefix(name, "/") {
		return "", errors.New("absolute path")
	}
	elements := make([]string, 0, strings.Count(name, "/")+1)
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "" || element == root:
			continue
		case element == "..":
			return "", errors.New("path leads out of the artifact")
		case len(element) > maxElement:
			return "", errors.New("name too long")
		}
		elements = append(elements, element)
	}
	if len(elements) == 0 {
		return root, nil
	}
	if len(elements) <= strip {
		if dir {
			return root, nil
		}
		return elements[len(elements)-1], nil
	}
	if len(elements)-strip > maxDepth {
		return "", fmt.Errorf("deeper than %d folders", maxDepth)
	}
	return strings.Join(elements[strip:], "/"), nil
}

// checkLink tells whether a symbolic link may stand at name. Its target may
// climb only with leading "..", over folders that are known to be real, and no
// higher than the root; what follows them may pass other links, but each of
// those was checked alike and nothing climbs after it. A purely lexical check
// would let a/b/l -> ../.. and m -> a/b/l/../x lead out together.
func checkLink(name, target string) error {
	if err := checkText(target); err != nil {
		return err
	}
	if target == "" {
		return errors.New("link to nothing")
	}
	if strings.HasPrefix(target, "/") {
		return errors.New("absolute link")
	}
	depth := strings.Count(name, "/")
	climbing := true
	for element := range strings.SplitSeq(target, "/") {
		switch {
		case element == "" || element == root:
		case element != "..":
			climbing = false
		case !climbing:
			return errors.New(`link with ".." after a name`)
		case depth == 0:
			return errors.New("link leads out of the artifact")
		default:
			depth--
		}
	}
	return nil
}

func checkText(s string) error {
	switch {
	case len(s) > maxName:
		return errors.New("name too long")
	case strings.ContainsRune(s, 0):
		return errors.New("NUL in the name")
	case strings.ContainsRune(s, '\\'):
		return errors.New("backslash in the name")
	}
	return nil
}

func parent(name string) string { return path.Dir(name) }
