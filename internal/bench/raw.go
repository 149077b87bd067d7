package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// The raw loop: for every action create, attach, start, wait, remove, on the
// default bridge with the default log driver, and nothing else. It keeps no
// log; of what it reads it only counts the lines. What W5 hands on stands in a
// folder that both containers mount.

// runRaw does a workload in a folder that is there for it alone.
func runRaw(ctx context.Context, name, image, dir string) error {
	w, err := find(name)
	if err != nil {
		return err
	}
	e, err := connect()
	if err != nil {
		return err
	}
	l := loop{engine: e, image: image}
	if w.shared {
		if l.shared, err = os.MkdirTemp(dir, "raw-*"); err != nil {
			return err
		}
		defer os.RemoveAll(l.shared)
	}
	for _, stage := range w.stages {
		if err := l.together(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

type loop struct {
	engine
	image  string
	shared string // folder; empty where nothing is handed on
}

func (l loop) together(ctx context.Context, actions []action) error {
	errs := make([]error, len(actions))
	var all sync.WaitGroup
	for i, a := range actions {
		all.Go(func() { errs[i] = l.one(ctx, a) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (l loop) one(ctx context.Context, a action) error {
	c := container{Image: l.image, Cmd: []string{"sh", "-ec", a.script}}
	if l.shared != "" {
		c.WorkingDir, c.HostConfig.Binds = "/work", []string{l.shared + ":/work"}
	}
	id, err := l.create(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(l.follow(ctx, id, a), l.remove(ctx, id))
}

func (l loop) follow(ctx context.Context, id string, a action) error {
	output, err := l.attach(ctx, id)
	if err != nil {
		return err
	}
	defer output.Close()
	end, err := l.wait(ctx, id)
	if err != nil {
		return err
	}
	defer end.Close()
	if err := l.start(ctx, id); err != nil {
		return err
	}
	lines, err := count(output)
	if err != nil {
		return err
	}
	var result struct{ StatusCode int }
	switch err := json.NewDecoder(end).Decode(&result); {
	case err != nil:
		return err
	case result.StatusCode != 0:
		return fmt.Errorf("action %s: exit code %d", a.name, result.StatusCode)
	case lines != a.lines:
		return fmt.Errorf("action %s: %d lines of output, not %d", a.name, lines, a.lines)
	}
	return nil
}

// count reads frames to their end and counts the lines in them.
func count(r io.Reader) (lines int, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var header [8]byte
	var piece [32 << 10]byte
	for {
		if _, err := io.ReadFull(in, header[:]); errors.Is(err, io.EOF) {
			return lines, nil
		} else if err != nil {
			return lines, err
		}
		for rest := int(binary.BigEndian.Uint32(header[4:])); rest > 0; {
			n, err := in.Read(piece[:min(rest, len(piece))])
			if err != nil {
				return lines, err
			}
			rest -= n
			lines += newlines(piece[:n])
		}
	}
}
