package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Where a job finds its things inside its container.
const (
	scriptPath  = Mount + "/run"
	outputPath  = Mount + "/output"
	summaryPath = Mount + "/summary"
	inputsPath  = Mount + "/inputs"
	emptyDir    = inputsPath + "/.empty" // the working directory of a job without inputs
)

// Labels of a container. The first two find it again; the others are for
// people.
const (
	LabelRunner     = "stagegate.runner"
	LabelJob        = "stagegate.job"
	labelRepository = "stagegate.repository"
	labelPipeline   = "stagegate.pipeline"
	labelImage      = "stagegate.image"
	labelWorkspace  = "stagegate.workspace" // the folder's name; empty for a volume
	labelPrivate    = "stagegate.secrets"   // likewise, in memory
)

// begin makes the container, fills it, starts it and follows it. Nothing
// before the start cannot be done again.
func (t *task) begin() error {
	slow := errored("preparing the container took longer than %s", t.r.Limits.Timeout)
	ctx, stop := context.WithTimeoutCause(t.work, t.r.Limits.Timeout, slow)
	defer stop()
	err := t.heard(ctx, t.prepare)
	if err == nil {
		return t.start()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (t *task) prepare(ctx context.Context) error {
	t.notes = nil
	if err := t.openLog(); err != nil {
		return err
	}
	if refused := t.r.Refused(t.job.Repository, t.job.Isolation.Options()); len(refused) > 0 {
		return &Refusal{Reason: NotAllowed(t.job.Repository, refused)}
	}
	image, err := t.r.Engine.Image(ctx, t.job.Image, t.login, t.note)
	if err != nil {
		return fmt.Errorf("get image %s: %w", t.job.Image, err)
	}
	t.result.Image, t.processor = image.Digest, image.Processor
	if t.hashed, err = t.hashes(ctx); err != nil {
		return fmt.Errorf("hash files of %s: %w", t.job.Inputs[0].Name, err)
	}
	if t.r.folders() {
		if err := t.inFolder(ctx, image); !errors.Is(err, ErrNotSeen) {
			return err
		}
		t.r.goBlind()
		t.space.remove()
	}
	return t.inVolume(ctx, image)
}

// login finds the login of a registry, and hides its password from here on.
func (t *task) login(ctx context.Context, host string) (Login, error) {
	l, err := t.r.Files.Login(ctx, t.lease.Token, host)
	if err != nil {
		return Login{}, fmt.Errorf("find login of %s: %w", host, err)
	}
	t.log.Hide(l.Password)
	return l, nil
}

// NotAllowed says that a repository may not have options of isolation.
func NotAllowed(repository string, options []string) string {
	return fmt.Sprintf("isolation: %s is not allowed %s; leave it out, or have it allowed (STAGEGATE_ALLOW of a server or a runner, --allow of stagegate run)",
		repository, strings.Join(options, ", "))
}

// inFolder makes the container on a folder that it shares with this machine,
// and fills it meanwhile.
func (t *task) inFolder(ctx context.Context, image Image) error {
	f, err := t.r.newFolder(ContainerName(t.r.ID, t.job.ID.String()))
	if err != nil {
		return fmt.Errorf("make workspace: %w", err)
	}
	t.space = f
	filling, stop := context.WithCancel(ctx)
	filled := make(chan error, 1)
	go func() { filled <- f.fill(filling, t.contents(image)) }()
	t.container, err = t.create(ctx, image, f.dir)
	if err != nil {
		stop()
	}
	ferr := <-filled
	stop()
	if err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	if ferr != nil {
		return fmt.Errorf("fill workspace: %w", ferr)
	}
	return nil
}

// inVolume makes the container with a volume, and fills that by the engine.
func (t *task) inVolume(ctx context.Context, image Image) (err error) {
	t.container, err = t.create(ctx, image, "")
	if err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	v := volume{t.container, t.r.TempDir}
	t.space = v
	if err := v.fill(ctx, t.contents(image)); err != nil {
		return fmt.Errorf("fill workspace: %w", err)
	}
	return nil
}

// create makes the job's container. A name that is taken is a container of an
// earlier lease of the same job; it must not run beside this one.
func (t *task) create(ctx context.Context, image Image, folder string) (Container, error) {
	// Whoever gives up in the middle does not know whether there is one now, so
	// only an engine that hangs is given up.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	private, err := t.hidePrivate(image, folder != "")
	if err != nil {
		return nil, fmt.Errorf("keep secrets in memory: %w", err)
	}
	spec := t.spec(image, folder, private)
	c, err := t.r.Engine.Create(ctx, spec)
	if errors.Is(err, ErrNameTaken) {
		found, ferr := t.find()
		if ferr != nil {
			return nil, ferr
		}
		if found != nil {
			t.r.remove(ctx, found.Container)
			t.r.spaceOf(*found).remove()
			(&task{r: t.r, private: t.r.privateOf(*found)}).forgetPrivate()
		}
		c, err = t.r.Engine.Create(ctx, spec)
	}
	if err != nil && ctx.Err() != nil {
		err = errHung
	}
	t.unsure = errors.Is(err, ErrUnavailable)
	return c, err
}

func (t *task) spec(image Image, folder string, private Private) Spec {
	id := t.job.ID.String()
	return Spec{
		Name:  ContainerName(t.r.ID, id),
		Image: image.ID,
		Labels: map[string]string{
			LabelRunner:     t.r.ID,
			LabelJob:        id,
			labelRepository: t.job.Repository,
			labelPipeline:   t.job.Pipeline,
			labelImage:      image.Digest,
			labelWorkspace:  baseName(folder),
			labelPrivate:    baseName(private.Folder),
		},
		Execution: t.job.ID.Execution,
		Folder:    folder,
		Command:   t.command(),
		Dir:       workDir(t.job),
		Env:       environment(t.job, t.hashed),
		Private:   private,
		Isolation: t.job.Isolation,
		Limits:    t.r.Limits,
	}
}

// baseName is the last part of a path, and empty for none.
func baseName(folder string) string {
	if folder == "" {
		return ""
	}
	return path.Base(folder)
}

// namePrefix begins the names of containers, and of folders in WorkDir.
const namePrefix = "stagegate-"

// ContainerName is the same for the same job, so that a second create of it
// fails. The runner is in it because two installations on one engine may well
// use the same job ids.
func ContainerName(runner, job string) string {
	sum := sha256.Sum256([]byte(runner + "\x00" + job))
	return namePrefix + hex.EncodeToString(sum[:8])
}

// command returns what runs the script: sh -e, bash with pipefail, or the
// words of the author's own shell line, where {0} stands for the script.
func command(shell string) []string {
	switch shell {
	case "", "sh":
		return []string{"sh", "-e", scriptPath}
	case "bash":
		return []string{"bash", "-eo", "pipefail", scriptPath}
	}
	words := strings.Fields(shell)
	named := false
	for i, w := range words {
		named = named || strings.Contains(w, "{0}")
		words[i] = strings.ReplaceAll(w, "{0}", scriptPath)
	}
	if !named {
		words = append(words, scriptPath)
	}
	return words
}

func workDir(j pipeline.Job) string {
	if len(j.Inputs) == 0 {
		return emptyDir
	}
	return inputDir(j.Inputs[0].Name)
}

func inputDir(name string) string { return path.Join(inputsPath, name) }

// environment lists what the script sees but for its secrets. The job's own
// values, and last of them the paths of secrets, win.
func environment(j pipeline.Job, hashed []pipeline.Value) []string {
	values := []pipeline.Value{
		{Name: "CI", Value: "true"},
		{Name: "STAGEGATE_EXECUTION", Value: j.ID.Execution},
		{Name: "STAGEGATE_PIPELINE", Value: j.Pipeline},
		{Name: "STAGEGATE_STAGE", Value: j.ID.Stage},
		{Name: "STAGEGATE_ACTION", Value: j.ID.Action},
		{Name: "STAGEGATE_REPOSITORY", Value: j.Repository},
		{Name: "STAGEGATE_COMMIT", Value: j.Commit},
		{Name: "STAGEGATE_REF", Value: j.Ref},
		{Name: "STAGEGATE_OUTPUT", Value: outputPath},
		{Name: "STAGEGATE_SUMMARY", Value: summaryPath},
	}
	for _, in := range j.Inputs {
		name := strings.ToUpper(strings.ReplaceAll(in.Name, "-", "_"))
		values = append(values, pipeline.Value{Name: "STAGEGATE_INPUT_" + name, Value: inputDir(in.Name)})
	}
	values = append(values, j.Env...)
	values = append(values, hashed...)
	values = append(values, secretPaths(j.Secrets)...)
	at := map[string]int{}
	var env []string
	for _, v := range values {
		text := v.Name + "=" + v.Value
		if i, seen := at[v.Name]; seen {
			env[i] = text
			continue
		}
		at[v.Name] = len(env)
		env = append(env, text)
	}
	return env
}
