#!/usr/bin/env bash
# Writers in the manner of RALF's shell scripts. old.sh KIND NAME FOLDER STOP: writes until the file STOP is there, and prints how often.
set -euo pipefail
kind=$1 name=$2 folder=$3 stop=$4
cd "$folder"

append_event() {
  cat >>events.yaml <<ITEM
- timestamp: "2026-02-01T12:00:00Z"
  task_id: NONE
  type: info
  agent: $name
  notes: "$name-$n"
ITEM
}

n=0
while [ ! -e "$stop" ]; do
  n=$((n + 1))
  case $kind in
  events) # appends under the shell's lock
    (
      flock 9
      append_event
    ) 9>.events.lock
    ;;
  append) # appends without any lock
    append_event
    ;;
  queue) # rewrites the queue through a temporary file under the shell's lock
    (
      flock 9
      awk -v id="OLD-$name" -v n="$n" '
        /^  - id:/ { mine = ($3 == id) }
        mine && /^    notes:/ { print "    notes: \"" n "\""; next }
        { print }' queue.yaml >queue.yaml.tmp
      mv queue.yaml.tmp queue.yaml
    ) 9>.queue.lock
    ;;
  sed) # sets every agent's time without any lock
    sed -i "s/last_seen: .*/last_seen: '$(date -u +%Y-%m-%dT%H:%M:%SZ)'/" heartbeat.yaml
    ;;
  esac
  sleep 0.0$((RANDOM % 5 + 1))
done
echo "$n"
