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
// file in the data folder, which is made at the first start. A file that others
// of the machine may read is left as it is: whoever mounted it may have no
// choice, and gets told.
func (a *App) adminToken() (config.Secret, error) {
	if given := a.settings.AdminToken; given.Reveal() != "" {
		return given, nil
	}
	path := a.settings.AdminTokenPath()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		token := newToken()
		return config.NewSecret(token), writeToken(path, token)
	}
	if err != nil {
		return config.Secret{}, fmt.Errorf("read the operator's token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return config.Secret{}, fmt.Errorf("read the operator's token: %s is empty; remove it, and one is made at the next start", path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		a.log.Warn("the operator's token may be read by other users of this machine", "file", path, "mode", info.Mode().Perm().String())
	}
	return config.NewSecret(token), nil
}

// writeToken makes the file whole or not at all.
func writeToken(path, token string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".admin-token-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the operator's token: %w", err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep the operator's token: %w", err)
	}
	return nil
}
