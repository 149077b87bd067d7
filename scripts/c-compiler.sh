#!/bin/sh
# Makes sure that there is a C compiler: the SQLite driver is C, built through
# cgo. Silent when there is one. As root on Debian or Ubuntu it installs gcc;
# elsewhere it says what to do.
set -eu

# Unquoted where it is run: CC may hold flags.
cc=${CC:-$(go env CC 2>/dev/null || echo gcc)}

compiles() { # with a header, which a compiler alone does not bring
	# shellcheck disable=SC2086
	echo '#include <stdlib.h>' | $cc -fsyntax-only -x c - >/dev/null 2>&1
}

if compiles; then exit 0; fi

if [ -n "${CC:-}" ]; then
	echo "cc: CC=$CC compiles nothing: install it with the headers of the C library, or unset CC" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "cc: $cc compiles nothing: install a C compiler and the headers of the C library (gcc and libc6-dev, or your system's like), or set CC" >&2
	exit 1
fi

log=$(mktemp)
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}
apt update || true # one broken source need not matter; the installation tells
if ! apt install -y --no-install-recommends gcc libc6-dev || ! compiles; then
	tail -n 5 "$log" >&2
	echo "cc: gcc and libc6-dev cannot be installed (whole log: $log)" >&2
	exit 1
fi
rm -f "$log"
echo "cc: there was no C compiler; installed gcc and libc6-dev"
