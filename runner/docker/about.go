package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// About is what an operator wants to know of an engine.
type About struct {
	Version  string
	API      string // what is spoken with it
	Runtime  string // the usual one
	Runtimes []string
	Folder   string // where it keeps images and containers, on its machine
	Remapped bool   // root in a container is another user outside of it
}

// About asks the engine about itself. One that is too old is an error.
func (e *Engine) About(ctx context.Context) (About, error) {
	if err := e.checkVersion(ctx); err != nil {
		return About{}, err
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return About{}, fmt.Errorf("ask engine about itself: %w", translate(ctx, err))
	}
	return About{
		Version: info.ServerVersion, API: e.api.ClientVersion(), Folder: info.DockerRootDir,
		Runtime: info.DefaultRuntime, Runtimes: slices.Sorted(maps.Keys(info.Runtimes)), Remapped: remapped(info),
	}, nil
}
