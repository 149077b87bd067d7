#!/bin/sh
# Makes sure that a Docker Engine answers. Silent when one does. As root on
# Debian or Ubuntu it installs and starts one; elsewhere it says what to do.
#
# DOCKER_HOST    the engine to ask, as for the docker command
# DOCKERD_FLAGS  flags for the dockerd that is started; with them DOCKER_HOST
#                may name a socket that this dockerd is yet to make
# DOCKERD_LOG    where that dockerd writes its log (/var/log/dockerd.log)
set -eu

pidfile=/var/run/docker.pid

die() {
	echo "docker: $*" >&2
	exit 1
}

answers() {
	if command -v docker >/dev/null 2>&1; then
		docker version --format '{{.Server.Version}}' >/dev/null 2>&1
	else
		ping_engine
	fi
}

# Without the docker command: perl is there on every Debian and Ubuntu.
ping_engine() {
	command -v perl >/dev/null 2>&1 || return 1
	perl -MIO::Socket::UNIX -MIO::Socket::INET -e '
		my $host = $ENV{DOCKER_HOST} || "unix:///var/run/docker.sock";
		alarm 5;
		my $s = $host =~ m{^unix://(.+)} ? IO::Socket::UNIX->new(Peer => $1)
		      : $host =~ m{^(?:tcp|http)://([^/]+)} ? IO::Socket::INET->new(PeerAddr => $1) : undef;
		$s or exit 1;
		print $s "GET /_ping HTTP/1.0\r\n\r\n";
		exit((<$s> // "") =~ m{^HTTP/} ? 0 : 1);
	' 2>/dev/null
}

# Waits up to $1 seconds; ends early when the process $2 does.
wait_for_answer() {
	tenths=$(($1 * 10))
	while [ "$tenths" -gt 0 ]; do
		if answers; then return 0; fi
		if [ -n "${2:-}" ] && ! kill -0 "$2" 2>/dev/null; then return 1; fi
		sleep 0.1
		tenths=$((tenths - 1))
	done
	return 1
}

runs() { # the pid in file $1 is that of a process named $2
	[ -s "$1" ] && [ "$(cat "/proc/$(cat "$1")/comm" 2>/dev/null)" = "$2" ]
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >>"$aptlog" 2>&1 </dev/null 9>&-
}

install_engine() {
	aptlog=$(mktemp)
	apt update || true # one broken source need not matter; the installation tells
	packages="docker.io iptables ca-certificates"
	for extra in docker-cli cgroupfs-mount; do # packages of their own in some releases, absent in others
		if apt-cache show "$extra" >/dev/null 2>&1; then packages="$packages $extra"; fi
	done
	# shellcheck disable=SC2086 # a list of words
	if ! apt install -y --no-install-recommends $packages; then
		tail -n 5 "$aptlog" >&2
		die "docker.io cannot be installed (whole log: $aptlog)"
	fi
	rm -f "$aptlog"
}

# A bare container or virtual machine may lack what an init system prepares.
prepare_machine() {
	if ! grep -q ' cgroup2\{0,1\} ' /proc/mounts; then
		cgroupfs-mount 2>/dev/null || true
		grep -q ' cgroup2\{0,1\} ' /proc/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null || true
	fi
	if ! iptables -t nat -S >/dev/null 2>&1 && iptables-legacy -t nat -S >/dev/null 2>&1; then
		update-alternatives --set iptables "$(command -v iptables-legacy)" >/dev/null 2>&1 || true
	fi
	# dockerd trusts these files, also when another process has the number by now.
	runs "$pidfile" dockerd || rm -f "$pidfile"
	runs /var/run/docker/containerd/containerd.pid containerd || rm -f /var/run/docker/containerd/containerd.pid
}

start_engine() {
	log=${DOCKERD_LOG:-/var/log/dockerd.log}
	: 2>/dev/null >>"$log" || log=$(mktemp /tmp/dockerd.XXXXXX)
	# shellcheck disable=SC2086 # a list of flags
	setsid dockerd ${DOCKERD_FLAGS:-} </dev/null >>"$log" 2>&1 9>&- &
	if ! wait_for_answer 60 $!; then
		tail -n 5 "$log" >&2
		die "dockerd does not start (whole log: $log)"
	fi
}

if answers; then exit 0; fi

if [ -n "${DOCKER_HOST:-}" ] && [ -z "${DOCKERD_FLAGS:-}" ]; then
	die "no engine answers at DOCKER_HOST=$DOCKER_HOST: start that one, or unset DOCKER_HOST"
fi
if [ "$(id -u)" -ne 0 ] && [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
	die "you may not use /var/run/docker.sock: add your user to the group that owns it and sign in again, or set DOCKER_HOST"
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	die "no engine answers: install Docker Engine 20.10 or newer (docs.docker.com/engine/install) and start it, or set DOCKER_HOST"
fi

exec 9>/run/stagegate-docker-engine.lock
flock 9
if answers; then exit 0; fi # another call was first

started_by_others() { # such as an init script, or the installation
	[ -z "${DOCKERD_FLAGS:-}" ] && runs "$pidfile" dockerd && wait_for_answer 60
}

if started_by_others; then exit 0; fi

done=""
if ! command -v dockerd >/dev/null 2>&1; then
	install_engine
	done="installed docker.io and "
fi
if started_by_others; then
	echo "docker: no engine answered; installed docker.io, which started it"
elif [ -d /run/systemd/system ] && [ -z "${DOCKERD_FLAGS:-}" ]; then
	systemctl start docker >/dev/null 2>&1 9>&- || true
	wait_for_answer 60 || die "the service docker does not answer: see journalctl -u docker"
	echo "docker: no engine answered; ${done}started the service docker"
else
	prepare_machine
	start_engine
	echo "docker: no engine answered; ${done}started dockerd (log: $log)"
fi
