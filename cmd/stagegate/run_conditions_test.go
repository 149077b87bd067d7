package main

import (
	"strings"
	"testing"
)

const conditional = `on: push
stages:
  - name: test
    actions:
      - name: unit
        matrix: { v: ["1.0", b] }
        fail-fast: false
        image: stagegate/busybox:local
        env: { V: "${{ matrix.v }}" }
        run: |
          echo "ran $V" | tee log
          echo "ok=$V" >> "$STAGEGATE_OUTPUT"
        artifacts: { "log-${{ matrix.v }}": log }
      - name: join
        needs: [unit]
        image: stagegate/busybox:local
        inputs: [log-1_0, log-b]
        run: echo "joined $(cat "$STAGEGATE_INPUT_LOG_B/log")"
      - { name: never, if: source.branch == 'none', image: "stagegate/busybox:local", run: echo never ran }
    finally:
      - { name: sweep, image: "stagegate/busybox:local", run: echo swept }
      - { name: mourn, if: failure(), image: "stagegate/busybox:local", run: echo mourned }
  - name: production
    if: test.unit-b.ok == 'b' && changed('docs/**')
    before-entry:
      - variable: { name: test.unit-1_0.ok, operator: matches, value: "^1" }
      - command: { image: "stagegate/busybox:local", run: echo asked before }
    actions:
      - { name: roll-out, image: "stagegate/busybox:local", run: echo rolled out }
    on-success:
      - command: { image: "stagegate/busybox:local", run: echo asked after }
  - name: other
    if: test.unit-b.ok != 'b'
    actions:
      - { name: roll-out, image: "stagegate/busybox:local", run: echo never ran }
`

// TestRunLocallyConditions carries out what conditions, a matrix and finally say.
func TestRunLocallyConditions(t *testing.T) {
	all := []string{"test/unit (1.0) ", "| ran 1.0", "| ran b", "| joined ran b", "| swept", "| mourned", "| asked before", "| rolled out", "| asked after", "never ran"}
	for name, c := range map[string]struct {
		pipeline string
		args     string
		code     int
		not      string // of all, what is not said, between commas
	}{
		"all hold":        {conditional, "", 0, "| mourned,never ran"},
		"a run fails":     {strings.Replace(conditional, "tee log", "tee log; exit 1", 1), "", 1, "| joined ran b,| asked before,| rolled out,| asked after,never ran"},
		"a command fails": {strings.Replace(conditional, "run: echo asked before", "run: echo asked before; exit 1", 1), "", 1, "| mourned,| rolled out,| asked after,never ran"},
		"it is passed over": {
			strings.Replace(conditional, "run: echo asked before }", "run: echo asked before; exit 1 }\n        otherwise: skip", 1), "", 0,
			"| mourned,| rolled out,| asked after,never ran",
		},
		"one of a matrix": {conditional, "--action unit-b", 0, "test/unit (1.0) ,| ran 1.0,| joined ran b,| swept,| mourned,| asked before,| rolled out,| asked after,never ran"},
		"a matrix":        {conditional, "--action unit", 0, "| joined ran b,| swept,| mourned,| asked before,| rolled out,| asked after,never ran"},
	} {
		t.Run(name, func(t *testing.T) {
			code, text := runIn(t, workingTree(t, c.pipeline), strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, said := range all {
				if want := !strings.Contains(","+c.not+",", ","+said+","); strings.Contains(text, said) != want {
					t.Errorf("says %q: %v", said, !want)
				}
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}
