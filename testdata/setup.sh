#!/bin/sh
# Sees to it that a Docker Engine answers and that the Debian packages named as arguments are there: installs what is
# missing from Debian or Ubuntu and starts the engine. Says precisely what to do where it may not.
set -eu

docker_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

missing() {
	for package in "$@"; do
		dpkg -s "$package" >/dev/null 2>&1 || printf '%s ' "$package"
	done
}

fail() {
	echo "$*" >&2
	exit 1
}

[ "$(uname -s)" = Linux ] || fail "fisherman runs releases on Linux; start this on a Linux machine with a Docker Engine."

wanted=
if command -v dpkg >/dev/null; then
	wanted=$(missing "$@")
fi
if ! docker_answers && ! command -v dockerd >/dev/null && ! [ -x /usr/sbin/dockerd ]; then
	wanted="$wanted docker.io iptables"
fi
if docker_answers && [ -z "$wanted" ]; then
	exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		fail "As root, run: apt-get install $wanted && service docker start && usermod -aG docker $(id -un); then log in again."
	as_root=sudo
fi

if [ -n "$wanted" ]; then
	command -v apt-get >/dev/null ||
		fail "This is neither Debian nor Ubuntu: install Docker Engine 20.10 or newer, start it, and try again."
	echo "Installing $wanted..."
	$as_root apt-get update -qq
	# shellcheck disable=SC2086 # one word a package
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
fi
if docker_answers; then
	exit 0
fi

if [ -d /run/systemd/system ]; then
	$as_root systemctl start docker
elif ! $as_root service docker start >/dev/null 2>&1; then
	$as_root sh -c 'nohup dockerd >/var/log/dockerd.log 2>&1 &'
fi

tries=0
until $as_root docker version >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ "$tries" -le 60 ] || fail "The Docker Engine does not come up; see 'journalctl -u docker' or /var/log/dockerd.log."
	sleep 1
done
docker_answers ||
	fail "Docker runs, but $(id -un) may not use it: sudo usermod -aG docker $(id -un), then log in again (or run this with sudo)."
