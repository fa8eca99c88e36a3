#!/bin/sh
# boot.sh FOLDER boots systemd as pid 1 of namespaces of its own, where it sees a private /etc, /run and /var/lib and a
# cgroup of its own. It wants in FOLDER: rackpost (the program), rackpost.service, rackpost.sysusers, test.conf (a drop-in),
# etc/ (the content of /etc/rackpost), lib/ (which becomes /var/lib). It takes root. To kill it kills all it started.
# It exits with 77 where the machine does not let it.
set -eu
folder=$1

if [ "${2:-}" != inside ]; then
	# A cgroup of our own, so that this systemd manages nothing else. Only version 2; where the controllers belong to
	# version 1 the limits of the unit are not tried.
	base=/sys/fs/cgroup
	[ -e $base/cgroup.procs ] || base=/sys/fs/cgroup/unified
	group=$base$(sed -n 's/^0:://p' /proc/self/cgroup)/rackpost-test-$$
	mkdir "$group" || exit 77
	echo "$group" >"$folder/cgroup"
	echo $$ >"$group/cgroup.procs" || exit 77
	exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child=SIGKILL --mount-proc "$0" "$folder" inside
fi

{
	mount --make-rprivate / &&
		mount -t tmpfs -o mode=755 tmpfs /mnt &&
		cp -a /etc /mnt/etc &&
		mount --bind /mnt/etc /etc &&
		mount --bind "$folder/lib" /var/lib &&
		mount -t tmpfs -o mode=755 tmpfs /run &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
		mount --bind /proc/sys /proc/sys &&
		mount -o remount,bind,ro /proc/sys &&
		mount --make-rshared / # among the services; by this credentials reach them
} || exit 77

cd "$folder"
mkdir /mnt/test
cp -a rackpost rackpost.service rackpost.sysusers test.conf etc /mnt/test
cd /
systemd-sysusers /mnt/test/rackpost.sysusers
rm -rf /etc/rackpost /etc/systemd/system
mkdir -p /run/lock /etc/systemd/system/rackpost.service.d
cp -r /mnt/test/etc /etc/rackpost
cp /mnt/test/rackpost.service /etc/systemd/system/
cp /mnt/test/test.conf /etc/systemd/system/rackpost.service.d/
cat >/etc/systemd/system/test.target <<X
[Unit]
DefaultDependencies=no
Wants=rackpost.service
X
export container=lxc
exec /lib/systemd/systemd --system --unit=test.target --log-target=console --log-level=info --show-status=no
