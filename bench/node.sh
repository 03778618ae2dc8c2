#!/bin/sh
# A node of the keepalived pair, in namespaces of its own: the SIP responder on the virtual addresses, then keepalived.
# Words: the settings of keepalived, the settings of the responder, the Python to run it, its PYTHONPATH.
set -eu
mount -t tmpfs tmpfs /mnt
cp "$1" /mnt/keepalived.conf
cp "$2" /mnt/responder.json
mount -t tmpfs tmpfs /run # both write their process numbers there, and not into the machine's
mkdir /run/eri_sn
PYTHONPATH=$4 "$3" -m redundancyd.lab.exchange /mnt/responder.json &
exec keepalived --dont-fork --log-console --vrrp --use-file /mnt/keepalived.conf
