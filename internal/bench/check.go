package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// check holds a run to what it must have left: every line of every action in
// its log and in what was shown, and the file that was handed on.
func (w workload) check(tree, output string) error {
	for i, stage := range w.stages {
		for _, a := range stage {
			if a.lines == 0 {
				continue
			}
			log := filepath.Join(tree, ".stagegate", "logs", stageName(i), a.name+".log")
			stored, err := printed(log, len("2006-01-02T15:04:05.000Z "), "o ")
			if err != nil {
				return err
			}
			shown, err := printed(output, len(stageName(i)+"/"+a.name+" "), "| ")
			if err != nil {
				return err
			}
			for where, lines := range map[string][][]byte{"the log": stored, "the output": shown} {
				if err := w.checkLines(tree, a, lines); err != nil {
					return fmt.Errorf("%s of %s: %w", where, a.name, err)
				}
			}
		}
	}
	return nil
}

// printed returns the lines of a file that have a mark at a place, without it
// and what is before it.
func printed(name string, at int, mark string) ([][]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		line := in.Bytes()
		if len(line) > at && bytes.HasPrefix(line[at:], []byte(mark)) {
			lines = append(lines, bytes.Clone(line[at+len(mark):]))
		}
	}
	return lines, nil
}

func (w workload) checkLines(tree string, a action, lines [][]byte) error {
	if len(lines) != a.lines {
		return fmt.Errorf("%d lines, not %d", len(lines), a.lines)
	}
	if w.shared {
		return checkFile(filepath.Join(tree, ".stagegate", "artifacts", "handed", fileName), lines[0])
	}
	for i, line := range lines {
		if want := lineText(i + 1); string(line) != want {
			return fmt.Errorf("line %d is %q, not %q", i+1, line, want)
		}
	}
	return nil
}

// checkFile compares the file a person finds after the run with what the
// second action said of it.
func checkFile(name string, said []byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	digest, _, _ := bytes.Cut(said, []byte(" "))
	if got := hex.EncodeToString(sum.Sum(nil)); n != fileSize || got != string(digest) {
		return fmt.Errorf("the artifact has %d bytes with SHA-256 %s, the action read %s", n, got, digest)
	}
	return nil
}

func newlines(b []byte) int { return bytes.Count(b, []byte("\n")) }
