#!/bin/sh
# Process number 1 of a LIM: the order of a real one. Rules first, then the network, then what listens.
# shellcheck disable=SC1091,SC2154  # python, path, has_socket and hold_s come from the bed's settings
set -u
. /etc/redundancy-lab/settings
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
log=/var/log/redundancy-lab
mkdir -p /run/sshd /run/eri_sn $log

redundancy-lim boot >>$log/boot.log 2>&1 || echo "redundancy-lim boot: exit $?" >>$log/boot.log

echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
ip -batch /etc/redundancy-lab/network >>$log/boot.log 2>&1
/usr/sbin/sshd -f /etc/redundancy-lab/sshd_config -E $log/sshd.log

if [ "$has_socket" = yes ]; then
	# What systemd does for redundancy-lim.socket: one process a connection, for root and the daemon's group.
	systemd-socket-activate --accept --inetd -E PATH -l /run/redundancy-lim.sock \
		/usr/sbin/redundancy-lim serve </dev/null >/dev/null 2>&1 &
	while [ ! -S /run/redundancy-lim.sock ]; do sleep 0.01; done
	chgrp redundancyd /run/redundancy-lim.sock
	chmod 0660 /run/redundancy-lim.sock
	mkdir -p /run/redundancyd
	chown redundancyd:redundancyd /run/redundancyd
fi

start_exchange() {
	PYTHONPATH=$path $python -m redundancyd.lab.exchange /etc/opt/eri_sn/exchange.json \
		</dev/null >>$log/exchange.log 2>&1 &
}
start_exchange
trap start_exchange USR1 # `start exchange` of a scenario
while [ ! -e /run/eri_sn/exchange.pid ]; do sleep 0.01; done
echo up >/run/redundancy-lab.up

# What systemd does for redundancy-lim's timer; as number 1 this loop also buries whatever has ended.
while :; do
	redundancy-lim hold >>/run/redundancy-lim-hold.log 2>&1
	sleep "$hold_s"
done
