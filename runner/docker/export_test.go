package docker

import (
	"context"
	"strings"
)

// LoseNetwork makes the engine remember a network that is no more, as when
// somebody prunes the one it made.
func (e *Engine) LoseNetwork(ctx context.Context) error {
	if _, err := e.prepare(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setup.network = strings.Repeat("0", 64)
	return nil
}

// Pause is a program for a machine, as uname has it.
func Pause(machine string) []byte { return program(pauses[machine].machine, pauses[machine].code) }

// NetworkID makes the network where need be, as the first container does.
func (e *Engine) NetworkID(ctx context.Context) (string, error) {
	s, err := e.prepare(ctx)
	return s.network, err
}
