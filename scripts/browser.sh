#!/bin/sh
# Makes sure that there is a Chromium for the tests of the dashboard. Silent when there
# is one, by whichever of its names. As root on Debian it installs it; elsewhere it says
# what to do.
set -eu

find_browser() {
	for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
		# Ubuntu has packages of that name that install nothing but a note.
		if command -v "$name" >/dev/null 2>&1 && "$name" --version >/dev/null 2>&1; then return 0; fi
	done
	return 1
}

if find_browser; then exit 0; fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "browser: there is no Chromium: install it (package chromium, or Google Chrome); the tests of internal/browser need it" >&2
	exit 1
fi

log=$(mktemp)
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}
apt update || true # one broken source need not matter; the installation tells
if ! apt install -y --no-install-recommends chromium || ! find_browser; then
	tail -n 5 "$log" >&2
	echo "browser: chromium cannot be installed (whole log: $log); on Ubuntu install Google Chrome" >&2
	exit 1
fi
rm -f "$log"
echo "browser: there was no Chromium; installed chromium"
