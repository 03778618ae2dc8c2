#!/bin/sh
# The peer of a pull: what a careful administrator would write in an afternoon.
# Words: the folder of the last copy or "", the folder of the new one, then the words of ssh; standard input: the LIMs,
# a line each, "number address folder".  All at once; exit status 0 when all have come.
set -u
before=$1 new=$2                         # of all LIMs
shift 2
pids=
while read -r number address folder; do
    mkdir -p "$new/lim-$number"
    rsync -a --checksum ${before:+"--link-dest=$before/lim-$number"} -e "$*" \
        "root@$address:$folder/" "$new/lim-$number/" < /dev/null &
    pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
exit $failed
