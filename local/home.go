package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// homeName is the folder of the working tree that holds what runs leave. Git
// ignores it and no source holds it.
const homeName = ".stagegate"

// home is that folder, held by one run at a time.
type home struct {
	path string
	lock *os.File
}

// openHome makes the folder and takes its lock.
func openHome(root string) (*home, error) {
	h := &home{path: filepath.Join(root, homeName)}
	if err := os.MkdirAll(h.path, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the run: %w", err)
	}
	if err := h.ignore(); err != nil {
		return nil, fmt.Errorf("make the folder of the run: %w", err)
	}
	if err := h.take(); err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(h.join("tmp")), os.MkdirAll(h.join("tmp"), 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("empty the folder of the run: %w", err), h.close())
	}
	return h, nil
}

// ignore keeps Git from seeing the folder.
func (h *home) ignore() error {
	file := h.join(".gitignore")
	if _, err := os.Lstat(file); err == nil {
		return nil
	}
	return os.WriteFile(file, []byte("*\n"), 0o644) //nolint:gosec // everybody may read that all is ignored
}

// take locks the folder for this process. The lock ends with the process,
// however that ends, so none is ever left behind.
func (h *home) take() error {
	f, err := os.OpenFile(h.join("lock"), os.O_RDWR|os.O_CREATE, 0o600)
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

// close removes what is of no use after a run and gives the lock back.
func (h *home) close() error {
	return errors.Join(os.RemoveAll(h.join("tmp")), h.lock.Close())
}
