package artifact_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stagegate/stagegate/internal/artifact"
)

// TestRemove is a tree that os.RemoveAll gives up on where a process may have
// fewer files open than it is deep.
func TestRemove(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "work")
	guard := filepath.Join(above, "guard")
	write(t, guard, "untouched", 0o600)
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Symlink(above, filepath.Join(dir, "link")))
	must(t, os.Mkdir(filepath.Join(dir, "moved-1"), 0o000))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0))
	for i := range 300 {
		write(t, filepath.Join(dir, "many", strconv.Itoa(i)), "", 0)
	}
	deepen(t, dir, 3)

	must(t, artifact.Remove(dir))
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("it is still there, %v", err)
	}
	if text, err := os.ReadFile(guard); err != nil || string(text) != "untouched" {
		t.Errorf("the guard is %q, %v", text, err)
	}
	if err := artifact.Remove(dir); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	if err := artifact.Remove(guard); err == nil {
		t.Error("removed a file")
	}
}

// deepen makes a folder of so many hundred levels, deeper than a path can name.
func deepen(t *testing.T, dir string, hundreds int) {
	t.Helper()
	deep, next := filepath.Join(dir, "deep"), filepath.Join(dir, "next")
	hundred := strings.Repeat("/d", 100)
	write(t, filepath.Join(deep, "file"), "", 0)
	for range hundreds {
		must(t, os.MkdirAll(next+hundred, 0o755))
		must(t, os.Rename(deep, next+hundred+"/d"))
		must(t, os.Rename(next, deep))
	}
}

func TestRemoveHoldsFewFilesOpen(t *testing.T) {
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 256, Max: was.Max}))
	defer func() { must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)) }()
	dir := filepath.Join(t.TempDir(), "work")
	must(t, os.Mkdir(dir, 0o755))
	deepen(t, dir, 5)
	if err := os.RemoveAll(dir); err == nil {
		t.Fatal("os.RemoveAll needs no help")
	}
	must(t, artifact.Remove(dir))
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Error(err)
	}
}
