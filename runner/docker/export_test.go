package docker

import (
	"context"
	"strings"
)

// LoseNetwork makes the engine remember a network that is no more, as when
// somebody prunes the one it made.
func (e *Engine) LoseNetwork(ctx context.Context) error {
	if _, err := e.network(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bridge = strings.Repeat("0", 64)
	return nil
}

// Guess makes the engine's processors be thought to be so many until it has told.
func (e *Engine) Guess(processors int) { e.processors = processors }

// Pause is a program for a machine, as uname has it.
func Pause(machine string) []byte { return program(pauses[machine].machine, pauses[machine].code) }

// NetworkID makes the network where need be, as the first container does.
func (e *Engine) NetworkID(ctx context.Context) (string, error) {
	return e.network(ctx)
}

// OnNetwork puts the engine's containers on a network of another name.
func (e *Engine) OnNetwork(name string) { e.names = []string{name} }
