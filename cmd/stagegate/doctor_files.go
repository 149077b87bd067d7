package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/human"
)

// leastDisk is what a disk should have free.
const leastDisk = 5 << 30

// dataFindings are about the data folder and the files with keys.
func dataFindings(s config.Settings) []finding {
	var all []finding
	info, err := os.Stat(s.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		all = append(all, finding{grade: fine, what: "data folder", text: s.Data + " is made at the first start"})
	case err != nil:
		all = append(all, finding{grade: wrong, what: "data folder", text: err.Error(), remedy: "let this user enter it, or set STAGEGATE_DATA"})
	case !info.IsDir():
		all = append(all, finding{grade: wrong, what: "data folder", text: s.Data + " is no folder", remedy: "move it away, or set STAGEGATE_DATA"})
	default:
		all = append(all, folderFinding(s.Data, info))
	}
	all = append(all, diskFinding("data disk", s.Data))
	keys := []string{s.AdminTokenPath(), filepath.Join(s.Data, "webhook-key"), s.SecretsKeyPath()}
	for _, kv := range os.Environ() {
		if name, path, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "STAGEGATE_") && strings.HasSuffix(name, "_FILE") && path != "" {
			keys = append(keys, path)
		}
	}
	return append(all, keyFindings(keys)...)
}

func folderFinding(path string, info fs.FileInfo) finding {
	f := finding{grade: fine, what: "data folder", text: path}
	if err := unix.Access(path, unix.W_OK); err != nil {
		f.grade, f.text, f.remedy = wrong, path+" cannot be written", "run as the user that owns it"
	} else if info.Mode().Perm()&0o077 != 0 {
		f.grade, f.text, f.remedy = warning, path+" is open to other users", "chmod 700 "+path
	}
	return f
}

// keyFindings names the files with keys that others may read; one line says that
// none is.
func keyFindings(paths []string) []finding {
	var all []finding
	seen := 0
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			all = append(all, finding{grade: wrong, what: "key file", text: err.Error(), remedy: "let this user read it"})
		case info.Mode().Perm()&0o077 != 0:
			all = append(all, finding{grade: wrong, what: "key file", text: path + " may be read by other users", remedy: "chmod 600 " + path})
		default:
			seen++
		}
	}
	if len(all) == 0 {
		all = append(all, finding{grade: fine, what: "key files", text: fmt.Sprintf("%d, which only their owner can read", seen)})
	}
	return all
}

// diskFinding is about the disk of a folder, or of the nearest above it that is
// there.
func diskFinding(what, path string) finding {
	var stat unix.Statfs_t
	err := unix.Statfs(path, &stat)
	for errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
		path = filepath.Dir(path)
		err = unix.Statfs(path, &stat)
	}
	if err != nil {
		return finding{grade: warning, what: what, text: fmt.Sprintf("cannot be looked at (%v)", err), remedy: "see that it has " + human.Size(leastDisk) + " free"}
	}
	free := int64(stat.Bavail) * int64(stat.Bsize) //nolint:unconvert // of another type elsewhere
	f := finding{grade: fine, what: what, text: human.Size(free) + " free"}
	if free < leastDisk {
		f.grade, f.remedy = warning, "make room: jobs that meet a full disk fail"
	}
	return f
}

// memoryFinding is about where secrets wait for their containers.
func memoryFinding() finding {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err == nil && strings.Contains(string(mounts), " /dev/shm tmpfs ") {
		return finding{grade: fine, what: "secrets", text: "wait in /dev/shm, which is memory"}
	}
	return finding{grade: fine, what: "secrets", text: "wait in the engine's memory, which takes a container more for each job that has some"}
}

// githubFindings are about the App, and the address that GitHub posts to.
func githubFindings(ctx context.Context, s config.Settings) []finding {
	ctx, stop := context.WithTimeout(ctx, doctorPatience)
	defer stop()
	client, err := github.New(github.Config{
		URL: s.GitHubURL, AppID: s.GitHubAppID, PrivateKey: []byte(s.GitHubPrivateKey.Reveal()), UserAgent: "stagegate/" + version,
	})
	if err != nil {
		return []finding{{grade: wrong, what: "GitHub", text: err.Error(), remedy: "set the key of the App"}}
	}
	slug, err := client.Slug(ctx)
	if err != nil {
		return []finding{
			{grade: wrong, what: "GitHub", text: err.Error(), remedy: "see that " + s.GitHubURL + " can be reached from here, and that id and key are of one App"},
			addressFinding(ctx, s.PublicURL),
		}
	}
	all := []finding{{grade: fine, what: "GitHub", text: "the App is " + slug}, addressFinding(ctx, s.PublicURL)}
	failed, err := client.FailedDeliveries(ctx, time.Now().Add(-time.Hour))
	switch {
	case err != nil:
		all = append(all, finding{grade: warning, what: "deliveries", text: err.Error(), remedy: "look at them on the App's page at GitHub"})
	case len(failed) > 0:
		all = append(all, finding{
			grade: warning, what: "deliveries", text: fmt.Sprintf("%d of the last hour failed", len(failed)),
			remedy: "see that the App's webhook is " + s.PublicURL + "/webhooks/github and that its secret is the one set here; serve asks for them again",
		})
	default:
		all = append(all, finding{grade: fine, what: "deliveries", text: "none of the last hour failed"})
	}
	return all
}

// addressFinding asks for the public address. That it answers here does not say
// that it does for GitHub.
func addressFinding(ctx context.Context, address string) finding {
	f := finding{grade: warning, what: "public address"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", http.NoBody)
	if err != nil {
		f.text, f.remedy = err.Error(), "correct STAGEGATE_PUBLIC_URL"
		return f
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.text, f.remedy = fmt.Sprintf("%s does not answer (%v)", address, err), "start serve, and see that names and proxies lead to it"
		return f
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		f.text, f.remedy = fmt.Sprintf("%s/healthz answers %s", address, resp.Status), "see that it leads to serve, and that serve runs"
		return f
	}
	return finding{grade: fine, what: "public address", text: address + " answers from here"}
}
