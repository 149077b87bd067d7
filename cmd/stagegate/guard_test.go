package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/runner/docker"
)

// TestGuardTellsOnce: who cannot be guarded is told of once, not each minute.
func TestGuardTellsOnce(t *testing.T) {
	engine, err := docker.At("unix:///nonexistent/docker.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	var said strings.Builder
	g := newGuard(engine, config.Reach{}, slog.New(slog.NewTextHandler(&said, nil)))
	g.look(t.Context())
	g.look(t.Context())
	if strings.Count(said.String(), "stagegate doctor says what to do") != 1 {
		t.Error(said.String())
	}
}
