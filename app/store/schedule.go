package store

import (
	"context"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Schedule is when a pipeline of a repository's default branch starts.
type Schedule struct {
	RepositoryID int64
	Pipeline     string
	Repository   string // owner/name
	Installation int64
	Times        []pipeline.Schedule
	Next         time.Time
	Last         time.Time // the time that was handed on last; zero: none yet
}

// Schedules keeps the schedules, one of a pipeline.
type Schedules interface {
	// Schedules lists those of a repository, by pipeline.
	Schedules(ctx context.Context, repositoryID int64) ([]Schedule, error)
	// DueSchedules lists those whose Next is not after a time, the longest due first.
	DueSchedules(ctx context.Context, at time.Time) ([]Schedule, error)
	Schedule(ctx context.Context, repositoryID int64, pipeline string) (Schedule, error)
	SaveSchedule(ctx context.Context, s Schedule) error
	DropSchedule(ctx context.Context, repositoryID int64, pipeline string) error
}
