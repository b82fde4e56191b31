#!/usr/bin/env bash
# Old scripts that take tasks, start them, work and complete them, in the manner of RALF's: old.sh ROLE NAME ROOT.
# ROLE is ralf (select, start, stop hook), bb5 (claim, complete, unclaim), or planner (fills the queue to LOW pending tasks).
# TASK_TIME is how long a task takes, in seconds. LOCKING says how a task is chosen: locked (chosen and marked under one lock), written
# (chosen before the lock, as the scripts of the project do), none (no lock at all).
set -uo pipefail
role=$1 name=$2 root=$3
comm=$root/.autonomous/agents/communications
queue=$comm/queue.yaml
active=$root/tasks/active
completed=$root/tasks/completed

# One line for each thing that happens to a task; a short write at the end of a file is one step for all who write there.
note() { printf '%s %s %s %s\n' "$1" old "$name" "$2" >>"$root/ledger"; }

# Runs a command under the lock of a file.
guarded() {
  local lock=$1
  shift
  if [ "$LOCKING" = none ]; then "$@"; else (flock -x 200 && "$@") 200>"$comm/.$lock.lock"; fi
}

now() { date -Iseconds; }

append_event() {
  cat >>"$comm/events.yaml" <<ITEM

- timestamp: "$(now)"
  task_id: "$1"
  type: $2
  agent: executor
  run_id: "$run"
ITEM
}

# The loops' one line for every agent's block, without a lock.
beat() {
  sed -i.bak "s/last_seen: .*/last_seen: '$(now)'/" "$comm/heartbeat.yaml" 2>/dev/null
  rm -f "$comm/heartbeat.yaml.bak"
}

# Puts what awk makes of the queue in its place.
rewrite() { awk "$@" "$queue" >"$queue.tmp" && mv "$queue.tmp" "$queue"; }

next_pending() { awk -F': ' '/^  - id:/{tid=""} /^  - task_id:/{tid=$2} /^    status: "?pending/{if(tid){print tid;exit}}' "$queue"; }

set_status() { # TASK STATUS and lines that belong to it
  rewrite -F': ' -v task="$1" -v status="$2" -v more="$3" '
    /^  - / { mine = ($1 == "  - task_id" && $2 == task) }
    mine && /^    status: / { print "    status: " status; if (more != "") print more; next }
    { print }'
}

mark_claimed() { set_status "$1" claimed "    claimed_at: \"$(now)\"
    claimed_by: \"$run\""; }

take_next() {
  local task
  task=$(next_pending)
  [ -n "$task" ] && mark_claimed "$task" && echo "$task"
}

# Select: under one lock, or chosen before it as in the project's own script.
select_task() {
  local task
  if [ "$LOCKING" = written ]; then
    task=$(next_pending)
    [ -n "$task" ] && guarded queue mark_claimed "$task" && echo "$task"
  else
    guarded queue take_next
  fi
}

# The task that this run has claimed is completed; prints its id.
complete_claimed() {
  local task
  task=$(awk -F': ' -v run="$run" '
    /^  - / { task = ($1 == "  - task_id") ? $2 : "" }
    /^    claimed_by: / { by = $2; gsub(/"/, "", by); if (task && by == run) { print task; exit } }' "$queue")
  [ -n "$task" ] && set_status "$task" completed "    completed_at: \"$(now)\"" && echo "$task"
}

move_completed() {
  mkdir -p "$completed"
  if [ -d "$active/$1" ]; then mv "$active/$1" "$completed/$1"; fi
  if [ -d "$root/tasks/working/$1/$run" ]; then
    mkdir -p "$completed/$1/working" && mv "$root/tasks/working/$1/$run" "$completed/$1/working/"
    rmdir "$root/tasks/working/$1" 2>/dev/null
  fi
}

ralf() {
  local task ended
  run=run-$name-$n
  task=$(select_task)
  [ -n "$task" ] || return 1
  note start "$task"
  guarded events append_event "$task" started
  beat
  mkdir -p "$root/tasks/working/$task/$run"
  guarded queue set_status "$task" in_progress "    started_at: \"$(now)\""
  guarded events append_event "$task" in_progress
  sleep "$TASK_TIME"
  ended=$(guarded queue complete_claimed)
  if [ "$ended" != "$task" ]; then
    note robbed "$task"
    return
  fi
  note done "$task"
  guarded events append_event "$task" completed
  move_completed "$task"
}

# What an item of the queue says, read as the project's command does.
field_of() { grep -A 50 "^  - id: \"$1\"" "$queue" | awk 'NR > 1 && /^  - /{exit} {print}' | grep "^    $2:" | head -1 | sed 's/.*: "\(.*\)".*/\1/'; }

set_claim() { # TASK AGENT STATUS
  rewrite -v task="$1" -v agent="$2" -v time="$(now)" -v status="$3" '
    function missing() { if (mine) { if (!by) print "    claimed_by: \"" agent "\""; if (!at) print "    claimed_at: \"" time "\"" } }
    /^  - / { missing(); mine = ($0 == "  - id: \"" task "\""); by = 0; at = 0 }
    mine && /^    status:/ { print "    status: \"" status "\""; next }
    mine && /^    claimed_by:/ { if (!by) print "    claimed_by: \"" agent "\""; by = 1; next }
    mine && /^    claimed_at:/ { if (!at) print "    claimed_at: \"" time "\""; at = 1; next }
    { print }
    END { missing() }'
}

# Nobody is named on its item: the project's command asks for no more.
is_free() { grep -q "^  - id: \"$1\"" "$queue" && [ -z "$(field_of "$1" claimed_by)" ]; }

take_if_free() { is_free "$1" && set_claim "$1" "$run" in_progress; }

end_if_mine() { [ "$(field_of "$1" claimed_by)" = "$run" ] && set_claim "$1" "$2" "$3"; }

claim() {
  if [ "$LOCKING" = written ]; then is_free "$1" && guarded queue set_claim "$1" "$run" in_progress; else guarded queue take_if_free "$1"; fi
}

bb5() {
  local dir task
  for dir in "$active"/*/; do
    task=$(basename "$dir")
    run=run-$name-$n-$task
    claim "$task" && break
    task=""
  done
  [ -n "${task:-}" ] || return 1
  note start "$task"
  guarded events append_event "$task" claimed
  sleep "$TASK_TIME"
  if [ $((n % 5)) = 4 ]; then
    # Its work is over before anybody else can begin.
    note release "$task"
    guarded queue end_if_mine "$task" "" pending || note robbed "$task"
    guarded events append_event "$task" unclaimed
    return
  fi
  if ! guarded queue end_if_mine "$task" "$run" completed; then
    note robbed "$task"
    return
  fi
  note done "$task"
  move_completed "$task"
  guarded events append_event "$task" task_complete
}

# A queue item of either form, and for most of them a folder with the task's text, under the lock of the queue.
add_tasks() {
  local end=$((made + 4))
  while [ "$made" -lt "$end" ]; do
    made=$((made + 1))
    local task=TASK-$made
    if [ $((made % 2)) = 0 ]; then
      printf '  - id: "%s"\n    title: "Task %s"\n    status: "pending"\n    notes: "x"\n' "$task" "$task" >>"$queue"
    else
      printf '  - task_id: %s\n    priority: high\n    status: pending\n    notes: "x"\n' "$task" >>"$queue"
    fi
    if [ $((made % 4)) != 1 ]; then
      mkdir -p "$active/$task"
      printf '# %s: a task\n\n**Status:** pending\n**Priority:** HIGH\n\n## Objective\n\nDo it.\n' "$task" >"$active/$task/task.md"
    fi
  done
}

planner() {
  if [ "$(grep -cE '^    status: "?pending' "$queue")" -ge "$LOW" ]; then return 1; fi
  # The lock is that of the queue in every mode: what is raced for is who takes a task.
  exec 201>"$comm/.queue.lock"
  flock -x 201
  add_tasks
  exec 201>&-
}

made=$((LOW * 2)) run=$name
n=0
while [ ! -e "$root/stop" ]; do
  n=$((n + 1))
  $role || sleep 0.2
done
