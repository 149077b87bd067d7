package runner

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// What an Engine's methods answer, wrapped, so that the runner can tell what to
// do next.
var (
	// ErrUnavailable: the engine does not answer. What was asked may or may
	// not have happened.
	ErrUnavailable = errors.New("container engine does not answer")
	// ErrGone: there is no such container.
	ErrGone = errors.New("container is gone")
	// ErrNoPath: the container holds nothing under that path.
	ErrNoPath = errors.New("no such path in the container")
	// ErrNotSeen: the engine does not see the folder it was to mount.
	ErrNotSeen = errors.New("the engine does not see this machine's folders")
	// ErrDiskFull: the engine's disk is, or what it allows us of it.
	ErrDiskFull = errors.New("the engine has no space left")
	// ErrNotStarted: the container was not started and never will be. Another
	// one can take its place.
	ErrNotStarted = errors.New("container was not started")
	// ErrNameTaken: a container of that name exists.
	ErrNameTaken = errors.New("container name is taken")
)

// A Refusal is an error whose text is for the author of the pipeline: the
// engine works, but not with what the job asks for.
type Refusal struct {
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// Engine makes containers. Its one implementation is in runner/docker.
type Engine interface {
	// Image makes the engine have the image, pulling it only when it is
	// missing, and tells what it is. It says what it does, for the log. The
	// login of the image's registry is asked for only where it is needed; an
	// image that only a login opens is given to nobody whose own does not.
	Image(ctx context.Context, name string, login LoginOf, say func(line string)) (Image, error)
	// Create makes a container that is not running yet. A Folder that the engine
	// does not see under the same path is ErrNotSeen.
	Create(ctx context.Context, s Spec) (Container, error)
	// Reserve announces containers, so that the engine can have ready what they
	// will need. It returns at once; a container that was not announced is made
	// as well. What it returns leaves nothing of the reservation and must be
	// called once none of its containers runs any more.
	Reserve(ctx context.Context, r Reservation) (release func(ctx context.Context) error)
	// Containers finds every container a runner made, whatever became of it.
	Containers(ctx context.Context, runner string) ([]Found, error)
}

// Container is one of them. Its methods answer ErrGone once it was removed.
type Container interface {
	// Put unpacks a tar at the root of the container's file system.
	Put(ctx context.Context, tar io.Reader) error
	// Start attaches to the output, then starts the container, so that no
	// line is lost.
	Start(ctx context.Context) (Output, time.Time, error)
	// Logs reads the output from its beginning, as the engine kept it, and
	// follows it to the container's end.
	Logs(ctx context.Context) (Output, error)
	// Wait returns how the container ended, once it really has.
	Wait(ctx context.Context) (State, error)
	// Signal sends TERM or KILL. A container that has ended is no error.
	Signal(ctx context.Context, name string) error
	// Stat tells what stands at a path, and how long a file there is. A link is
	// not followed.
	Stat(ctx context.Context, path string) (fs.FileMode, int64, error)
	// Get reads a path as a tar in which every name starts with the base name
	// of the path.
	Get(ctx context.Context, path string) (io.ReadCloser, error)
	// Remove kills the container if need be and leaves nothing of it. One
	// that is gone already is no error.
	Remove(ctx context.Context) error
}

// LoginOf finds the login of a registry by its host.
type LoginOf func(ctx context.Context, host string) (Login, error)

// Image is an image the engine has.
type Image struct {
	ID     string // the engine's own, to create containers of
	Digest string // name@sha256:… where it came from a registry, else the ID
	Root   bool   // whether its user is root
	// Processor is what it says that it is made for, such as amd64.
	Processor string
}

// Reservation announces the containers of one execution.
type Reservation struct {
	Runner     string // whose they are
	Execution  string // as it stands in their Spec
	Containers int    // how many there will be
	Together   int    // how many of them at once
	Dir        string // of this machine, for the engine's own files as long as it holds
}

// Mount is where a container has its workspace.
const Mount = "/stagegate"

// Spec is what a container is made of.
type Spec struct {
	Name   string
	Image  string // Image.ID
	Labels map[string]string
	// Execution is whose container it is: none of another one gets what this has
	// used.
	Execution string
	Folder    string   // of this machine, mounted at Mount; empty: a volume that goes with the container
	Command   []string // replaces the image's entry point
	Dir       string
	Env       []string
	Private   Private
	Isolation pipeline.Isolation // what its operator allows, and no more
	Limits    Limits
}

// Output is what a container writes, in the order it came.
type Output interface {
	// Next returns the next piece, or io.EOF after the last one. The data is
	// valid until the next call.
	Next() (Chunk, error)
	// Close makes a Next that waits return.
	Close() error
}

// Chunk is a piece of output: never more than one line of one that was read
// back, anything of a live one.
type Chunk struct {
	Stream Stream
	Time   time.Time // when the engine got it; zero for a live one: now
	Data   []byte
}

// Stream says who wrote a line of the log.
type Stream byte

// The streams of a log, as they stand in it.
const (
	Stdout    Stream = 'o'
	Stderr    Stream = 'e'
	Stagegate Stream = 's'
)

// Phase is how far a container has come.
type Phase int

// The phases of a container.
const (
	Unknown Phase = iota
	Created       // never started
	Running
	Ended
)

// State is where a container stands.
type State struct {
	Phase      Phase
	ExitCode   int
	OOMKilled  bool // some process of it was, not surely the script
	Removed    bool // somebody is removing it
	StartedAt  time.Time
	FinishedAt time.Time
}

// Found is a container the engine has.
type Found struct {
	Container Container
	Labels    map[string]string
	State     State
}
