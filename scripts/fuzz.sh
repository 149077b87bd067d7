#!/bin/sh
# Runs every fuzz target of the tree, one after the other, for $1 each (a Go
# duration; default 10s). Targets are found in the sources, so a new one is run
# without a word here. What a target fails on is left in its testdata/fuzz,
# where every later test runs it again.
#
# Before 1.27, Go at times reports the end of that time itself as a failure
# (go.dev/issue/75804): "context deadline exceeded" and no input. Only that is
# tried again.
set -eu
cd "$(dirname "$0")/.."
time=${1:-10s}

targets=$(grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | sed -E 's/^(.*)\/[^/]+:func (Fuzz[A-Za-z0-9_]*)\(.*/\1 \2/' | sort)
[ -n "$targets" ] || { echo "fuzz: no target found" >&2; exit 1; }

fuzz() {
	go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 100x "$1" 2>&1
}
only_the_end() {
	case $1 in
	*"Failing input"* | *panic*) return 1 ;;
	*"
    context deadline exceeded
FAIL"*) ;;
	*) return 1 ;;
	esac
}

failed=0
while read -r package target; do
	echo "$package $target"
	tries=3
	until out=$(fuzz "$package" "$target"); do
		tries=$((tries - 1))
		if [ $tries -gt 0 ] && only_the_end "$out"; then
			continue
		fi
		printf '%s\n' "$out"
		failed=1
		break
	done
done <<END
$targets
END
exit $failed
