package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// given is a pipeline that wants to be told things.
const given = `on: push
variables:
  REGION: eu-west-1
  COLOUR: red
stages:
  - name: build
    actions:
      - name: compile
        image: stagegate/busybox:local
        env: { AT: "${{ variables.REGION }} ${{ variables.COLOUR }}" }
        secrets: [TOKEN, KEY]
        run: |
          echo "at $AT"
          echo "$KEY" | tail -n 1
          test "$TOKEN" = 'hunter2 #1'
`

const givenSecrets = "TOKEN='hunter2 #1'\nKEY<<END\n-----BEGIN-----\nend of the key\nEND\n"

func TestRunLocallyGiven(t *testing.T) {
	for name, c := range map[string]struct {
		file    string // where the secrets are
		secrets string
		args    []string
		code    int
		want    string
	}{
		"all of it": {
			"secrets.log", givenSecrets,
			[]string{"--var", "REGION=us-east-1", "--var", "REGION=a=b", "--secret-file", "secrets.log"},
			0, "| at a=b red\n",
		},
		"unknown variable": {
			"secrets.log", givenSecrets,
			[]string{"--var", "REGIN=x", "--var", "X=y", "--secret-file", "secrets.log"},
			2,
			"there is no variable REGIN: did you mean REGION?\nthere is no variable X: there is REGION, COLOUR\n",
		},
		"no variable": {"secrets.log", "", []string{"--var", "REGION"}, 2, "--var REGION: write NAME=VALUE"},
		"no secrets":  {"secrets.log", "", nil, 2, "the pipeline needs secrets (TOKEN, KEY): name a file that has them with --secret-file"},
		"missing secret": {
			"secrets.log", "TOKEN=hunter2\n",
			[]string{"--secret-file", "secrets.log"},
			2,
			"secrets.log lacks secrets that the pipeline needs: KEY",
		},
		"mistake in secrets": {
			"secrets.log", "TOKEN hunter2\n", []string{"--secret-file", "secrets.log"}, 2, "secrets.log: line 1: write NAME=value",
		},
		"no file": {"secrets.log", "", []string{"--secret-file", "nope"}, 2, "the file of secrets cannot be read"},
		"part of the source": {
			"secrets.txt", givenSecrets,
			[]string{"--secret-file", "secrets.txt"},
			2,
			"secrets.txt is part of the source, which every action can read",
		},
		"beside the results": {".stagegate/secrets", givenSecrets, []string{"--secret-file", ".stagegate/secrets"}, 0, "| at eu-west-1 red\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := workingTree(t, given)
			file := filepath.Join(dir, c.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(c.secrets), 0o600); err != nil {
				t.Fatal(err)
			}
			code, text := runIn(t, dir, c.args...)
			if code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, "hunter2") {
				t.Errorf("exit code %d, want %d and %s\n%s", code, c.code, c.want, text)
			}
		})
	}
}

// TestRunLocallyNotesOpenSecrets asks that a file which others may read is
// spoken of.
func TestRunLocallyNotesOpenSecrets(t *testing.T) {
	dir := workingTree(t, given)
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte(givenSecrets), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	code, text := runIn(t, dir, "--secret-file", file)
	if code != 0 || !strings.Contains(text, "others on this machine may read "+file+": chmod 600 ") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// TestRunLocallyHashes computes digests of the source and of an artifact.
func TestRunLocallyHashes(t *testing.T) {
	dir := workingTree(t, `on: push
stages:
  - name: build
    actions:
      - name: compile
        image: stagegate/busybox:local
        env: { SUM: "${{ changed('none') }}/${{ hash('untr*') }}/${{ hash('none') }}." }
        run: echo changed > untracked; echo "sum $SUM"; echo built > shop
        artifacts: { shop: shop }
      - name: use
        needs: [compile]
        image: stagegate/busybox:local
        inputs: [shop]
        env: { SUM: "${{ hash('**') }}" }
        run: echo "shop $SUM"
`)
	code, text := runIn(t, dir)
	for _, want := range []string{
		"| sum true/ddc69b399ba6e06a47624f036b7e363e74105d3166081936e3b6bcb29c31e6c0/.\n",
		"| shop aed8fa943d248d85b87201a5047cd03763f1e777acba1412fe844c7073706194\n",
	} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("exit code %d, want %s in\n%s", code, want, text)
		}
	}
}

// TestRunLocallyRetry tries an action again before its stage fails.
func TestRunLocallyRetry(t *testing.T) {
	code, text := runIn(t, workingTree(t, `on: push
stages:
  - name: build
    actions:
      - { name: compile, image: "stagegate/busybox:local", run: "echo trying; exit 3", retry: { times: 2, backoff: 1s } }
`))
	if n := strings.Count(text, "| trying\n"); code != 1 || n != 3 {
		t.Errorf("exit code %d after %d tries\n%s", code, n, text)
	}
}
