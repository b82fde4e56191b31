#!/bin/sh
# Three scripted agents write three parts of a small program, each in a worktree of its own. Two of them edit the same line, and one is killed.
# All of it lands, part by part, on one tested branch.
#
# usage: landing.sh [DIRECTORY]    (a new or empty one; default: a temporary one)
set -eu
command -v oarlock > /dev/null || { echo "oarlock is not in PATH" >&2; exit 1; }
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
cd "$dir"
[ -z "$(ls -A)" ] || { echo "$dir is not empty" >&2; exit 1; }

git init --quiet --initial-branch main
git config user.name demo
git config user.email demo@example.org
printf 'commands:\n' > commands.txt
cat > test.sh << 'END'
#!/bin/sh
# Every command that is listed has a script, and every script runs.
for name in $(sed 1d commands.txt | tr ',' ' '); do
  sh "src/$name.sh" > /dev/null || { echo "src/$name.sh fails"; exit 1; }
done
END
cat > plan.md << 'END'
# Three commands

## Tasks

### Task 1: Write the command add

Create `src/add.sh`. Dependencies: none.

### Task 2: Write the command list

Create `src/list.sh`. Dependencies: none.

### Task 3: Write the command done

Create `src/done.sh`. Dependencies: none.
END
cat > agent.sh << 'END'
#!/bin/sh
# What an agent gets on standard input is its task; the brief of a refused attempt is in it.
set -eu
task=$(cat)
name=$(printf '%s\n' "$task" | sed -n 's/.*Write the command \([a-z]*\).*/\1/p' | head -n 1)
mkdir -p src
merging() { [ -f "$(git rev-parse --git-path MERGE_HEAD)" ]; }
# What landed meanwhile is merged; where that conflicts, both names are kept.
git merge --quiet --no-edit "$TARGET" > /dev/null 2>&1 || true
{ echo commands:; { git show "$TARGET:commands.txt" | sed 1d | tr ',' '\n'; echo "$name"; } | sort -u | sed '/^$/d' | paste -s -d , -; } > commands.txt
if merging; then git add commands.txt; git commit --quiet --no-edit; fi
first=no
[ -e "$DEMO/.git/demo-$name" ] || { first=yes; touch "$DEMO/.git/demo-$name"; }
echo "echo $name" > "src/$name.sh"
# The mistake that the test finds, and the death in the middle of the work.
if [ "$name" = list ] && [ $first = yes ]; then echo 'exit 1' > src/list.sh; fi
if [ "$name" = done ] && [ $first = yes ]; then kill -9 $$; fi
echo "wrote src/$name.sh"
END
git add .
git commit --quiet -m 'A plan'

oarlock init > /dev/null
export DEMO="$PWD" TARGET=oarlock/run/plan
oarlock run plan.md --id plan --agents 3 --merge --test 'sh test.sh' -- sh "$PWD/agent.sh"

echo
git log --graph --oneline oarlock/run/plan
git show oarlock/run/plan:commands.txt
oarlock tasks
