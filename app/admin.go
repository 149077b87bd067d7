package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagegate/stagegate/config"
)

// adminToken is the operator's token: that of the settings, else that of the
// file in the data folder.
func (a *App) adminToken() (config.Secret, error) {
	if given := a.settings.AdminToken; given.Reveal() != "" {
		return given, nil
	}
	return a.keptSecret(a.settings.AdminTokenPath(), "the operator's token")
}

// keptSecret is what a file holds, which is made at the first start. A file that
// others of the machine may read is left as it is: whoever mounted it may have no
// choice, and gets told.
func (a *App) keptSecret(path, what string) (config.Secret, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		token := newToken()
		if err := writeToken(path, token); err != nil {
			return config.Secret{}, fmt.Errorf("keep %s: %w", what, err)
		}
		return config.NewSecret(token), nil
	}
	if err != nil {
		return config.Secret{}, fmt.Errorf("read %s: %w", what, err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return config.Secret{}, fmt.Errorf("read %s: %s is empty; remove it, and one is made at the next start", what, path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		a.log.Warn(what+" may be read by other users of this machine", "file", path, "mode", info.Mode().Perm().String())
	}
	return config.NewSecret(token), nil
}

// writeToken makes the file whole or not at all.
func writeToken(path, token string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
