#!/bin/bash
# The peer of a manual takeover: what a careful administrator would write in an afternoon.
# Words: the folder of the control sockets and rule files, the system to block, the system to allow.
# A LIM is a word such as alternate-1; "here" of the files tells which of them this machine is.
# Each LIM at the same time: both families by iptables-restore, then read back; all must be as wanted before the other
# system is touched.  Prints milliseconds from the first instruction to the last read-back.
set -u
folder=$1 old=$2 new=$3
here=$(<"$folder/here")
started=$EPOCHREALTIME

# everywhere SYSTEM WORD: each LIM of the system runs its file; false unless all of them say so in the end.
everywhere() {
    local lim pids=() failed=0
    for lim in $(<"$folder/$1"); do
        if [ "$lim" = "$here" ]; then
            sh <"$folder/$2.sh" >/dev/null &
        else
            ssh -S "$folder/$lim.sock" -o BatchMode=yes "root@$lim" sh <"$folder/$2.sh" >/dev/null &
        fi
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    return $failed
}

everywhere "$old" block || exit 1
blocked=$EPOCHREALTIME
everywhere "$new" allow || exit 1
ended=$EPOCHREALTIME
echo $(((${blocked/./} - ${started/./}) / 10)) $(((${ended/./} - ${blocked/./}) / 10)) # hundredths of milliseconds
