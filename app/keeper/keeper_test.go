package keeper_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stagegate/stagegate/app/keeper"
)

func open(t *testing.T, url string) *keeper.Keeper {
	t.Helper()
	k, err := keeper.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func made(t *testing.T, path string) *keeper.Keeper {
	t.Helper()
	if err := keeper.Make(path); err != nil {
		t.Fatal(err)
	}
	return open(t, "file://"+path)
}

// wrapped asks that a data key that went through two keepers seals and opens alike.
func wrapped(t *testing.T, in, out *keeper.Keeper) error {
	t.Helper()
	key := keeper.NewDataKey()
	text, err := in.Wrap(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Seal([]byte("hunter2"), []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := out.Unwrap(t.Context(), text)
	if err != nil {
		return err
	}
	if value, err := again.Open(sealed, []byte("here")); err != nil || string(value) != "hunter2" {
		t.Errorf("opened %q, %v", value, err)
	}
	return nil
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first := made(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again := made(t, path) // which does not replace it
	if first.Name() != again.Name() {
		t.Errorf("one key has the names %s and %s", first.Name(), again.Name())
	}
	if err := wrapped(t, first, again); err != nil {
		t.Error(err)
	}
	other := made(t, filepath.Join(t.TempDir(), "key"))
	if err := wrapped(t, first, other); err == nil || other.Name() == first.Name() {
		t.Errorf("another key %s opened what %s wrapped: %v", other.Name(), first.Name(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", keeper.NewDataKey(), keeper.NewDataKey(), keeper.NewDataKey(), first.Name()); strings.Contains(shown, strings.TrimSpace(string(text))) || strings.ContainsAny(shown, "{}") {
		t.Errorf("a key is shown: %s", shown)
	}
}

// TestBadURLs asks that what is wrong is told, and that a key which somebody put
// into the URL is not.
func TestBadURLs(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("aHVudGVyMg==\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"file:///nowhere/key":    "no such file",
		"file://" + short:        "32 bytes",
		"base64key://aHVudGVyMg": "begins with one of",
		"vault://key":            "begins with one of",
		"hunter2":                "begins with one of",
	} {
		_, err := keeper.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "aHVudGVyMg") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestPlace asks that a sealed value opens in its own place alone, and not when a bit
// of it was changed.
func TestPlace(t *testing.T) {
	key := keeper.NewDataKey()
	sealed, err := key.Seal([]byte("hunter2"), []byte("octo/shop TOKEN"))
	if err != nil {
		t.Fatal(err)
	}
	if value, err := key.Open(sealed, []byte("octo/shop TOKEN")); err != nil || string(value) != "hunter2" {
		t.Fatalf("in its place: %q, %v", value, err)
	}
	refused := func(what string, key keeper.DataKey, sealed, place []byte) {
		t.Helper()
		if value, err := key.Open(sealed, place); !errors.Is(err, keeper.ErrOther) || value != nil {
			t.Errorf("%s: %q, %v", what, value, err)
		}
	}
	refused("in another place", key, sealed, []byte("octo/fork TOKEN"))
	refused("under another key", keeper.NewDataKey(), sealed, []byte("octo/shop TOKEN"))
	refused("nothing", key, nil, []byte("octo/shop TOKEN"))
	for i := range sealed {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 1
		refused(fmt.Sprintf("with byte %d changed", i), key, changed, []byte("octo/shop TOKEN"))
	}
	if again, err := key.Seal([]byte("hunter2"), []byte("octo/shop TOKEN")); err != nil || string(again) == string(sealed) {
		t.Errorf("one value is sealed twice alike: %v", err)
	}
}

// TestVault speaks through Vault's own client to a server that answers like Vault's
// transit engine, and is no Vault: it shows that the URL, the variables and the
// requests are right.
func TestVault(t *testing.T) {
	var asked atomic.Int64
	answer := func(field, value string) string { return fmt.Sprintf(`{"data":{%q:%q}}`, field, value) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var body struct{ Plaintext, Ciphertext string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("X-Vault-Token") != "t" {
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		}
		switch r.URL.Path {
		case "/v1/transit/encrypt/stagegate":
			fmt.Fprint(w, answer("ciphertext", "vault:v1:"+body.Plaintext))
		case "/v1/transit/decrypt/stagegate":
			fmt.Fprint(w, answer("plaintext", strings.TrimPrefix(body.Ciphertext, "vault:v1:")))
		case "/v1/transit/encrypt/odd":
			fmt.Fprint(w, answer("ciphertext", "vault:v1:x"))
		case "/v1/transit/decrypt/odd":
			fmt.Fprint(w, `{"data":{"plaintext":7}}`)
		default:
			http.Error(w, `{"errors":["no such key"]}`, http.StatusNotFound)
		}
	}))
	defer server.Close()
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "t")
	k := open(t, "hashivault://stagegate")
	if err := wrapped(t, k, k); err != nil || asked.Load() != 2 {
		t.Errorf("%d requests, %v", asked.Load(), err)
	}
	odd := open(t, "hashivault://odd")
	if err := wrapped(t, odd, odd); err == nil || !strings.Contains(err.Error(), "not expected") {
		t.Errorf("an answer of another form: %v", err)
	}
	if _, err := open(t, "hashivault://other").Wrap(t.Context(), keeper.NewDataKey()); err == nil || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("a key that is not there: %v", err)
	}
}

// TestAWS speaks through AWS's own client to a server that answers like its KMS, and
// is none.
func TestAWS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			KeyID                     string `json:"KeyId"`
			Plaintext, CiphertextBlob string
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !strings.Contains(r.Header.Get("Authorization"), "Credential=id/") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch r.Header.Get("X-Amz-Target") {
		case "TrentService.Encrypt":
			blob := base64.StdEncoding.EncodeToString([]byte(body.KeyID + " " + body.Plaintext))
			fmt.Fprintf(w, `{"CiphertextBlob":%q,"KeyId":%q}`, blob, body.KeyID)
		case "TrentService.Decrypt":
			blob, _ := base64.StdEncoding.DecodeString(body.CiphertextBlob)
			_, plain, _ := strings.Cut(string(blob), " ")
			fmt.Fprintf(w, `{"Plaintext":%q,"KeyId":"k"}`, plain)
		}
	}))
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": server.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	k := open(t, "awskms://alias/stagegate?region=eu-west-1")
	if err := wrapped(t, k, k); err != nil {
		t.Error(err)
	}
}
