#!/bin/sh
set -e
for test in prices stock delivery; do
	sleep 0.3
	printf '\033[32mok\033[0m    %s\n' "$test"
done
