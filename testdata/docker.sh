#!/bin/sh
# Sees to it that a Docker Engine answers: starts the one that is installed, else installs docker.io from Debian or
# Ubuntu. Says precisely what to do where it may not.
set -eu

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

if answers; then exit 0; fi

if [ "$(uname -s)" != Linux ]; then
	echo "fisherman runs releases on Linux; start this on a Linux machine with a Docker Engine." >&2
	exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "No Docker Engine answers. As root: apt-get install docker.io && usermod -aG docker $(id -un), then log in again." >&2
		exit 1
	fi
	as_root=sudo
fi

if ! command -v dockerd >/dev/null && ! [ -x /usr/sbin/dockerd ]; then
	if ! command -v apt-get >/dev/null; then
		echo "No Docker Engine is installed and this is neither Debian nor Ubuntu; install Docker Engine 20.10 or newer and try again." >&2
		exit 1
	fi
	echo "Installing docker.io ..."
	$as_root apt-get update -qq
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
fi

start() {
	if [ -d /run/systemd/system ]; then
		$as_root systemctl start docker
	elif ! $as_root service docker start >/dev/null 2>&1; then
		$as_root sh -c 'nohup dockerd >/var/log/dockerd.log 2>&1 &'
	fi
}
start

tries=0
until $as_root docker version >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ "$tries" -gt 60 ]; then
		echo "The Docker Engine does not come up; see 'journalctl -u docker' or /var/log/dockerd.log." >&2
		exit 1
	fi
	sleep 1
done

if ! answers; then
	echo "Docker runs, but $(id -un) may not use it: sudo usermod -aG docker $(id -un), then log in again (or run this with sudo)." >&2
	exit 1
fi
