package local

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/stagegate/stagegate/runner"
)

// homeName is the folder of the working tree that holds what runs leave. Git
// ignores it and no source holds it.
const homeName = ".stagegate"

// home is that folder, held by one run at a time. A repository may hold
// anything under its names, so what is written goes through root, which no link
// leads out of.
type home struct {
	path string
	root *os.Root
	lock *os.File
}

// openHome makes the folder and takes its lock.
func openHome(tree string) (*home, error) {
	h := &home{path: filepath.Join(tree, homeName)}
	if err := h.make(); err != nil {
		return nil, fmt.Errorf("make the folder of the run: %w", err)
	}
	if err := h.take(); err != nil {
		return nil, errors.Join(err, h.root.Close())
	}
	if err := h.empty(); err != nil {
		return nil, errors.Join(fmt.Errorf("empty the folder of the run: %w", err), h.close())
	}
	return h, nil
}

func (h *home) make() error {
	if err := os.Mkdir(h.path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // of what a person made, for that person
		return err
	}
	if err := folder(os.Lstat(h.path)); err != nil {
		return err
	}
	root, err := os.OpenRoot(h.path)
	if err != nil {
		return err
	}
	h.root = root
	if err := h.ignore(); err != nil {
		return errors.Join(err, root.Close())
	}
	return nil
}

// folder refuses what is no folder, a link to one included.
func folder(info fs.FileInfo, err error) error {
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no folder", info.Name())
	}
	return err
}

// ignore keeps Git from seeing the folder.
func (h *home) ignore() error {
	if _, err := h.root.Lstat(".gitignore"); err == nil {
		return nil
	}
	return h.root.WriteFile(".gitignore", []byte("*\n"), 0o644)
}

// empty prepares the folders that the runner is given by their paths.
func (h *home) empty() error {
	if err := folder(h.root.Lstat("work")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(h.removeAll("tmp"), h.root.Mkdir("tmp", 0o700))
}

// take locks the folder for this process. The lock ends with the process,
// however that ends, so none is ever left behind.
func (h *home) take() error {
	f, err := h.root.OpenFile("lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the working tree: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		defer f.Close()
		return Busy{Process: readProcess(f), Root: filepath.Dir(h.path)}
	case err != nil:
		return errors.Join(fmt.Errorf("lock the working tree: %w", err), f.Close())
	}
	// Only for whoever finds it taken; the lock does not hang on it.
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	h.lock = f
	return nil
}

func readProcess(f *os.File) int {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	id, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return id
}

// Busy is the error of a run beside another one of the same working tree.
type Busy struct {
	Process int // of the other run; zero if unknown
	Root    string
}

func (b Busy) Error() string {
	by := ""
	if b.Process != 0 {
		by = fmt.Sprintf(" (process %d)", b.Process)
	}
	return fmt.Sprintf("another run of %s is under way%s: wait for it or end it", b.Root, by)
}

func (h *home) join(parts ...string) string {
	return filepath.Join(append([]string{h.path}, parts...)...)
}

// id names this tree's runner. The path is part of it, because a copy of the
// tree must not take the containers of the original for its own.
func (h *home) id() (string, error) {
	id, err := runner.LoadID(h.path)
	if err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(h.path)
	if err != nil {
		return "", fmt.Errorf("find the folder of the run: %w", err)
	}
	sum := sha256.Sum256([]byte(path))
	return fmt.Sprintf("%.40s-%x", id, sum[:6]), nil
}

// close removes what is of no use after a run and gives the lock back.
func (h *home) close() error {
	return errors.Join(h.removeAll("tmp"), h.lock.Close(), h.root.Close())
}

// removeAll removes a folder with all below it, and what nobody may change too,
// as long as it is ours.
func (h *home) removeAll(name string) error {
	if h.root.RemoveAll(name) == nil {
		return nil
	}
	_ = fs.WalkDir(h.root.FS(), name, func(name string, e fs.DirEntry, _ error) error {
		if e != nil && e.IsDir() {
			_ = h.root.Chmod(name, 0o700)
		}
		return nil
	})
	return h.root.RemoveAll(name)
}
