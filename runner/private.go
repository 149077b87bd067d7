package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// PrivateMount is where a container has what stands in memory only.
const PrivateMount = "/run/stagegate-secrets"

// environmentFile has the secrets that are variables, as commands of a shell. No
// secret has its name.
const environmentFile = ".environment"

// Private is what a container is to read and nobody else: at PrivateMount, in
// memory only, and not in what the engine tells of the container.
type Private struct {
	Folder string // of this machine, where the files stand; empty, or not seen by the engine: it keeps them
	Files  []PrivateFile
}

// PrivateFile is one file of it.
type PrivateFile struct {
	Name string
	Text string
	Mode fs.FileMode
}

var secretName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// privateFiles are the files of a job's secrets, the variables first. Only the
// owner of a container reads them; where it is not root that cannot be said
// beforehand, and whoever is in it does.
func (t *task) privateFiles(image Image) ([]PrivateFile, error) {
	mode := fs.FileMode(0o400)
	if !image.Root {
		mode = 0o444
	}
	var files []PrivateFile
	var exports strings.Builder
	for i, s := range t.secrets {
		switch {
		case !secretName.MatchString(s.Name):
			return nil, &Refusal{Reason: fmt.Sprintf("secret %q: its name is not one of a variable", s.Name)}
		case t.job.Secrets[i].File:
			files = append(files, PrivateFile{s.Name, s.Value, mode})
		case strings.Contains(s.Value, "\x00"):
			return nil, &Refusal{Reason: fmt.Sprintf("secret %s has a zero byte, which no variable can have; write %s: file", s.Name, s.Name)}
		default:
			fmt.Fprintf(&exports, "export %s='%s'\n", s.Name, strings.ReplaceAll(s.Value, "'", `'\''`))
		}
	}
	if exports.Len() > 0 {
		files = append(files, PrivateFile{environmentFile, exports.String(), mode})
	}
	return files, nil
}

// command is what the container runs: the script, behind a shell that takes the
// secrets among its variables from memory. As variables of the container they
// would be shown to whoever may ask the engine.
func (t *task) command() []string {
	words := command(t.job.Shell)
	if !slices.ContainsFunc(t.job.Secrets, func(s pipeline.SecretUse) bool { return !s.File }) {
		return words
	}
	shell := "sh"
	if words[0] == "bash" {
		shell = "bash"
	}
	read := `. ` + path.Join(PrivateMount, environmentFile) + ` && exec "$@"`
	return append([]string{shell, "-c", read, shell}, words...)
}

// secretPaths are the variables that say where secrets stand as files.
func secretPaths(uses []pipeline.SecretUse) []pipeline.Value {
	var values []pipeline.Value
	for _, s := range uses {
		if s.File {
			values = append(values, pipeline.Value{Name: s.Name, Value: path.Join(PrivateMount, s.Name)})
		}
	}
	return values
}

// hidePrivate puts the job's secrets where its container will read them. An
// engine that sees this machine's files reads them from its memory.
func (t *task) hidePrivate(image Image, folders bool) (Private, error) {
	t.forgetPrivate()
	files, err := t.privateFiles(image)
	if err != nil || len(files) == 0 {
		return Private{}, err
	}
	above := t.r.privateFolders()
	if !folders || above == "" {
		return Private{Files: files}, nil
	}
	if err := os.MkdirAll(above, 0o700); err != nil {
		return Private{}, err
	}
	t.private, err = os.MkdirTemp(above, ContainerName(t.r.ID, t.job.ID.String())+"-*")
	if err != nil {
		return Private{}, err
	}
	for _, f := range files {
		name := path.Join(t.private, f.Name)
		err = errors.Join(err, os.WriteFile(name, []byte(f.Text), 0o400), os.Chmod(name, f.Mode))
	}
	return Private{Folder: t.private, Files: files}, errors.Join(err, os.Chmod(t.private, 0o755)) //nolint:gosec // the folder above is 0700
}

// forgetPrivate removes the job's secrets from this machine's memory.
func (t *task) forgetPrivate() {
	if t.private == "" {
		return
	}
	if err := os.RemoveAll(t.private); err != nil {
		t.r.Log.Warn("cannot remove the secrets of a job, the next start will", "folder", t.private, "err", err)
		return
	}
	t.private = ""
}

// sharedMemory is where Linux has files that stand in memory.
const sharedMemory = "/dev/shm"

// privateFolders is where this runner has the secrets of its jobs; empty: this
// machine has no such place.
func (r *Runner) privateFolders() string {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || !strings.Contains(string(mounts), " "+sharedMemory+" tmpfs ") {
		return ""
	}
	return path.Join(sharedMemory, ContainerName(r.ID, "")+"-secrets")
}

// privateOf is the folder of a container that is there already.
func (r *Runner) privateOf(f Found) string {
	name, above := f.Labels[labelPrivate], r.privateFolders()
	if name == "" || above == "" {
		return ""
	}
	return path.Join(above, path.Base(name))
}
