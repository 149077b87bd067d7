package runner

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// identityFile holds a runner's id in its data folder.
const identityFile = "runner-id"

var identity = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// LoadID returns the id kept in the data folder, which is made, with the
// folder, the first time. Containers and leases are found again by it, so two
// processes must never share a data folder.
func LoadID(dir string) (string, error) {
	file := filepath.Join(dir, identityFile)
	for {
		b, err := os.ReadFile(file)
		switch {
		case err == nil:
			id := strings.TrimSpace(string(b))
			if !identity.MatchString(id) {
				return "", fmt.Errorf("read runner id: %s does not hold one", file)
			}
			return id, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("read runner id: %w", err)
		}
		if err := makeID(dir, file); err != nil {
			return "", fmt.Errorf("make runner id: %w", err)
		}
	}
}

// makeID puts a complete file there or leaves the one that is: a link fails
// where a rename would replace.
func makeID(dir, file string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, identityFile+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(rand.Text() + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
