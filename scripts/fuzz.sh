#!/bin/sh
# Runs every fuzz target of the tree, one after the other, for $1 each (a Go
# duration; default 10s). Targets are found in the sources, so a new one is run
# without a word here. What a target fails on is left in its testdata/fuzz,
# where every later test runs it again.
set -eu
cd "$(dirname "$0")/.."
time=${1:-10s}

targets=$(grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | sed -E 's/^(.*)\/[^/]+:func (Fuzz[A-Za-z0-9_]*)\(.*/\1 \2/' | sort)
[ -n "$targets" ] || { echo "fuzz: no target found" >&2; exit 1; }

failed=0
while read -r package target; do
	echo "$package $target"
	if ! out=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 100x "$package" 2>&1); then
		printf '%s\n' "$out"
		failed=1
	fi
done <<END
$targets
END
exit $failed
