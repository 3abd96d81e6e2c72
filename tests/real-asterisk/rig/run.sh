#!/bin/bash
# Plays the scenarios on a real Asterisk; see README.md.
#   run.sh setup FOLDER              a system with Asterisk 16 in FOLDER/root
#   run.sh play FOLDER [SCENARIO...] plays them (all without a name) into FOLDER/capture
#   run.sh collect FOLDER            FOLDER/16: lines in three modes, events, truth
set -e
here=$(cd "$(dirname "$0")" && pwd)
command=$1 base=$(realpath -m "${2:?a folder}")
case $command in
  setup)
    mkdir -p "$base"
    mirror=$(grep -rhoE '(https?|file):[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d | head -1 | tr -d ' ')
    mmdebstrap --variant=minbase --include=asterisk,asterisk-core-sounds-en-gsm bullseye "$base/root" "deb $mirror bullseye main"
    mkdir -p "$base/root/var/run/asterisk" "$base/root/var/log/asterisk/cdr-csv" ;;
  play)
    shift 2
    cp "$here"/conf/* "$base/root/etc/asterisk/"
    mkdir -p "$base/run"
    # A network of its own: nothing leaves its loopback.
    RIG_BASE=$base/run RIG_CAPTURE=$base/capture RIG_CHROOT=$base/root unshare -n bash -c '
      ip link set lo up
      chroot "$RIG_CHROOT" /usr/sbin/asterisk -f -n > "$RIG_BASE/asterisk.out" 2>&1 & asterisk=$!
      for try in $(seq 40); do
        sleep 0.5
        chroot "$RIG_CHROOT" /usr/sbin/asterisk -rx "core waitfullybooted" 2>/dev/null | grep -q fully && break
      done
      python3 "$0" "$@"
      chroot "$RIG_CHROOT" /usr/sbin/asterisk -rx "core stop now" > /dev/null 2>&1
      wait $asterisk' "$here/scenarios.py" "$@" ;;
  collect)
    python3 "$here/collect.py" "$base/capture" "$base/16"
    python3 "$here/../judge.py" "$base/16" ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac
