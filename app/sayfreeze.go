package app

import (
	"context"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/store"
)

// sayFreeze closes the way into a stage for all lanes. An end counts from when it was
// written, however late the comment comes.
func (a *App) sayFreeze(ctx context.Context, s spoken) (operation, error) {
	if len(s.args) == 0 {
		return nil, s.mistold("")
	}
	words, until := s.args[1:], time.Time{}
	if len(words) > 0 && strings.EqualFold(words[0], "until") {
		var err error
		if until, words, err = takeUntil(words[1:], s.comment.CreatedAt); err != nil {
			return nil, err
		}
	}
	if len(words) == 0 {
		return nil, s.mistold(", with the reason: whoever waits will ask")
	}
	s.by.says = strings.Join(words, " ")
	turn, err := a.freeze(ctx, s.by, s.repo, wayCalled(s.args[0]), until)
	return operation{closing{turn}}, err
}

// sayUnfreeze opens the way into a stage that is closed for all lanes.
func (a *App) sayUnfreeze(ctx context.Context, s spoken) (operation, error) {
	if len(s.args) != 1 {
		return nil, s.mistold("")
	}
	turn, err := a.unfreeze(ctx, s.by, s.repo, wayCalled(s.args[0]))
	return operation{turn}, err
}

// wayCalled is the way into what people call STAGE or PIPELINE/STAGE.
func wayCalled(name string) way {
	if pipeline, stage, ok := strings.Cut(name, "/"); ok {
		return way{pipeline: pipeline, stage: stage}
	}
	return way{stage: name}
}

// apply makes a turn a part of an operation.
func (t turn) apply(ctx context.Context, tx store.Tx) (string, error) {
	_, err := t(ctx, tx)
	return "", err
}

// closing is a turn that tells what it closed: of a time, what was understood.
type closing struct{ turn }

func (c closing) apply(ctx context.Context, tx store.Tx) (string, error) {
	t, err := c.turn(ctx, tx)
	if err != nil {
		return "", err
	}
	return "The way into `" + wayName(t) + "` is " + plain(t.Words()) + ".", nil
}
