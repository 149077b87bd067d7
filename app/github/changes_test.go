package github_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/github"
)

// TestLocalFilesBetween asks of pushes which files they changed, and whether
// those are all.
func TestLocalFilesBetween(t *testing.T) {
	w := newWorld(t)
	w.write("a", strings.Repeat("text\n", 20))
	first := w.push("main", "One")
	w.git(w.clone, "mv", "a", "b")
	w.write("c", "c")
	second := w.push("main", "Two")
	w.git(w.clone, "checkout", "--quiet", first)
	w.write("d", "d")
	other := w.push("topic", "Three")
	for i := range 300 {
		w.write(fmt.Sprintf("many/%03d", i), "x")
	}
	many := w.push("many", "Many")
	for name, tc := range map[string]struct {
		base, head string
		strictly   bool
		files      string
		all        bool
	}{
		"ahead, renamed":   {first, second, true, "a b c", true},
		"of branches":      {"main", "topic", false, "d", true},
		"thrown away":      {second, other, true, "d", false},
		"since it left":    {second, other, false, "d", true},
		"back":             {second, first, true, "", false},
		"nothing new":      {second, second, false, "", false},
		"base is gone":     {strings.Repeat("1", 40), second, true, "", false},
		"more than listed": {other, many, true, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			files, all, err := w.client.FilesBetween(t.Context(), w.repo, tc.base, tc.head, tc.strictly)
			slices.Sort(files)
			if err != nil || all != tc.all || tc.head != many && strings.Join(files, " ") != tc.files {
				t.Errorf("got %v, %v, %v", files, all, err)
			}
		})
	}
}

// TestLocalPullRequestFiles asks for more than one page.
func TestLocalPullRequestFiles(t *testing.T) {
	w := newWorld(t)
	w.write("a", "a")
	w.push("main", "One")
	for i := range 101 {
		w.write(fmt.Sprintf("many/%03d", i), "x")
	}
	w.push("topic", "Many")
	n, err := w.at.OpenPullRequest("carol", "topic", "main", "Many", "")
	w.must(err)
	files, all, err := w.client.PullRequestFiles(t.Context(), w.repo, n)
	if err != nil || !all || len(files) != 101 || files[100] != "many/100" {
		t.Errorf("%d files, %v, %v", len(files), all, err)
	}
	if _, _, err := w.client.PullRequestFiles(t.Context(), w.repo, n+1); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
