package artifact

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"
)

// removeDepth is how many folders deep Remove goes before it moves what is
// deeper up to the top: it has one file open for each, and the process has
// other uses for them.
const removeDepth = 64

// Remove removes a folder with all that is in it, however deep, and whatever
// its modes where the process is root. Links are not followed. A folder that is
// not there is no error. Nothing may write to it meanwhile.
func Remove(dir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	r := remover{top: root}
	if err := r.empty(root, "", 0); err != nil {
		return err
	}
	return os.Remove(dir)
}

type remover struct {
	top   *os.Root
	moved int
}

// empty removes everything in a folder, whose path below the top is place.
// Whatever is moved to the top is met there: the top is read until it is empty.
func (r *remover) empty(folder *os.Root, place string, depth int) error {
	for {
		names, err := some(folder)
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if err := r.remove(folder, name, path.Join(place, name), depth); err != nil {
				return err
			}
		}
	}
}

func (r *remover) remove(folder *os.Root, name, place string, depth int) error {
	err := folder.Remove(name)
	if err == nil || !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	if depth == removeDepth {
		return r.moveUp(place)
	}
	below, err := folder.OpenRoot(name)
	if err != nil {
		return err
	}
	err = r.empty(below, place, depth+1)
	_ = below.Close()
	if err != nil {
		return err
	}
	return folder.Remove(name)
}

// moveUp gives a folder a name at the top that nothing has.
func (r *remover) moveUp(place string) error {
	for {
		r.moved++
		name := "moved-" + strconv.Itoa(r.moved)
		_, err := r.top.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return r.top.Rename(place, name)
		}
		if err != nil {
			return err
		}
	}
}

// some reads names of a folder anew: what was read before is gone by now.
func some(folder *os.Root) ([]string, error) {
	f, err := folder.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(4096)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return names, err
}
