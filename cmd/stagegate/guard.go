package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/runner/docker"
)

// guard keeps actions away from this machine's services and a cloud's metadata.
// What sets rules of its own may take ours away, so they are looked at now and then.
type guard struct {
	engine *docker.Engine
	rules  docker.Guard
	log    *slog.Logger
	said   string // why it could not, when it last looked
}

const (
	guardPause    = time.Minute
	guardPatience = 10 * time.Second // with an engine that does not answer
)

func newGuard(engine *docker.Engine, reach config.Reach, log *slog.Logger) *guard {
	return &guard{engine: engine, rules: guardOf(reach), log: log}
}

func guardOf(reach config.Reach) docker.Guard {
	all, addresses := reach.Addresses()
	g := docker.Guard{Open: all}
	for _, to := range addresses {
		g.Reach = append(g.Reach, docker.Reach{To: to.Prefix, Port: to.Port})
	}
	return g
}

func (g *guard) look(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, guardPatience)
	defer stop()
	why := ""
	if err := g.engine.Guard(ctx, g.rules); err != nil {
		why = err.Error()
	}
	switch {
	case why == g.said:
	case why == "":
		g.log.Info("actions are kept from this machine's services again")
	default:
		g.log.Warn("actions may reach this machine's services and a cloud's metadata; stagegate doctor says what to do", "why", why)
	}
	g.said = why
}

// run looks until ctx ends.
func (g *guard) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(guardPause):
			g.look(ctx)
		}
	}
}
