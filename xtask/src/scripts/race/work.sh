#!/usr/bin/env bash
# The program of `oarlock work` and `oarlock run` in the race: work.sh NAME ROOT. Writes down when a task is begun and ended.
note() { printf '%s %s %s %s\n' "$1" "$side" "$name" "$OARLOCK_TASK" >>"$root/ledger"; }
side=$1 name=$2 root=$3
note start
sleep "$TASK_TIME"
note ended
