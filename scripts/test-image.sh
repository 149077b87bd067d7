#!/bin/sh
# Makes sure that the engine has the image in which the demo and the tests run
# their actions: busybox and three users. Silent when it is there. It is built
# from Debian's or Ubuntu's package busybox-static, without a registry; where
# there is no apt-get, from the registry's image busybox:musl.
set -eu

image=stagegate/busybox:local

die() {
	echo "test image: $*" >&2
	exit 1
}

if ! command -v docker >/dev/null 2>&1; then
	die "the docker command is missing, and it imports $image: install docker.io or docker-cli (Debian, Ubuntu) or docker-ce-cli"
fi
if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi
if ! wrong=$(docker version --format '{{.Server.Version}}' 2>&1); then
	die "no engine answers: run scripts/docker-engine.sh ($(echo "$wrong" | tail -n 1))"
fi

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work" # apt-get downloads as a user of its own
mkdir -p "$work/deb" "$work/root/bin" "$work/root/usr/bin"

download() {
	(cd "$work/deb" && apt-get -qq download busybox-static) >>"$work/log" 2>&1
}

from_package() {
	command -v apt-get >/dev/null 2>&1 || return 1
	# The lists of packages may be missing or old; only root may fetch them.
	download || { apt-get -qq update >>"$work/log" 2>&1 && download; } || return 1
	dpkg-deb -x "$work"/deb/*.deb "$work/deb" || return 1
	for path in "$work/deb/bin/busybox" "$work/deb/usr/bin/busybox"; do
		if [ -f "$path" ]; then cp "$path" "$work/root/bin/busybox"; fi
	done
	"$work/root/bin/busybox" --list >"$work/applets" || return 1
	while read -r applet; do
		[ "$applet" = busybox ] || ln -s busybox "$work/root/bin/$applet"
	done <"$work/applets"
}

from_registry() {
	docker pull -q busybox:musl >>"$work/log" 2>&1 || return 1
	container=$(docker create busybox:musl) || return 1
	copied=0
	docker cp "$container:/bin" "$work/root/" >>"$work/log" 2>&1 || copied=1
	docker rm "$container" >/dev/null
	return "$copied"
}

if from_package; then
	source="the package busybox-static"
elif from_registry; then
	source="the image busybox:musl"
else
	tail -n 5 "$work/log" >&2
	die "neither the package busybox-static nor the image busybox:musl can be fetched: make one reachable, or tag an image with a shell as $image"
fi

cd "$work/root"
ln -s ../../bin/busybox usr/bin/env
mkdir -p etc root tmp
chmod 700 root
chmod 1777 tmp
cat >etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
END
cat >etc/group <<'END'
root:x:0:
app:x:1000:
nogroup:x:65534:
END

owner="--owner=0 --group=0"
if tar --version 2>/dev/null | grep -q bsdtar; then owner="--uid 0 --gid 0"; fi
# shellcheck disable=SC2086 # a list of flags
tar -c --numeric-owner $owner . |
	docker import --change 'CMD ["/bin/sh"]' - "$image" >/dev/null || die "the engine does not import $image"
echo "test image: made $image of $source"
