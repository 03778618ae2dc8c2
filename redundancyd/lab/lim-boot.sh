#!/bin/sh
# A LIM switches on: own mounts on its own disk, then pid 1.
# Words: DISK (its folder, with upper, work and root), NAME, then the folders of the machine that it may read.
set -eu
disk=$1 name=$2
shift 2
root=$disk/root
hostname "$name"
mount -t overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
# /run, /tmp and /dev/shm are lost with the power, and no other LIM's: numbers of processes repeat between them.
mount -t tmpfs -o mode=755,size=16m tmpfs "$root/run"
mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/tmp"
[ ! -d "$root/dev/shm" ] || mount -t tmpfs -o mode=1777,size=16m tmpfs "$root/dev/shm"
# Every boot has an id of its own.
cat /proc/sys/kernel/random/uuid >"$root/run/boot_id"
mount --bind "$root/run/boot_id" "$root/proc/sys/kernel/random/boot_id"
for folder; do
	mkdir -p "$root$folder"
	mount --bind -o ro "$folder" "$root$folder"
done
cd "$root"
pivot_root . .
umount -l .
exec /bin/sh /etc/redundancy-lab/init
