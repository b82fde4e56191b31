#!/bin/sh
# A small agent for trying things out, without a language model:
#
#   oarlock run examples/notes-service.md --agents 3 -- sh examples/agent.sh
#
# It reads a part's Markdown on standard input and writes each file of the part's write set below OARLOCK_DEMO_DIR
# (default: target/demo): the steps that concern the part, what is known of the words in them, and what it found of the
# parts before it. It prints one paragraph, which becomes the part's result.
#
# OARLOCK_DEMO_SECONDS (default: 1) is how long it thinks about each part.
set -eu

dir=${OARLOCK_DEMO_DIR:-target/demo}
agent=${OARLOCK_AGENT:-nobody}
task=${OARLOCK_TASK:-no-task}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
part=$work/part.md
cat > "$part"

sleep "${OARLOCK_DEMO_SECONDS:-1}" &
wait $!

title=$(sed -n 's/^# *//p' "$part" | head -n 1)
[ -n "$title" ] || title=$task

# The steps: everything below "## Steps" (of a part) or "## Approach" (of a whole document), up to the next section.
awk '
    /^## / { inside = ($0 ~ /^## (Steps|Approach)/); next }
    inside { print }
' "$part" > "$work/steps"
[ -s "$work/steps" ] || cp "$part" "$work/steps"

# The files: the paths in backquotes on the line "**Writes:**" of a part, or in the list of files of a whole document.
# A pattern stands for one file that says so in its name; nothing outside of the directory is ever written.
awk '
    /^\*\*Writes:\*\*/ { print; next }
    /^#+ / { listed = ($0 ~ /^#+ (Files to|Write set)/); next }
    listed { print }
' "$part" | grep -o '`[^`]*`' | tr -d '`' | sed 's|\*\*|all|g; s|[*?]|any|g; s|^\./||; s|/*$||' |
    grep -v -e '^/' -e '\.\.' -e '^$' -e '[^A-Za-z0-9._/-]' | sort -u > "$work/files" || true
[ -s "$work/files" ] || printf '%s.md\n' "parts/$task" > "$work/files"

words=$(tr -cs 'A-Za-z' '\n' < "$work/steps" | grep -c . || true)
lines=$(grep -c . "$work/steps" || true)
tr 'A-Z' 'a-z' < "$work/steps" | tr -cs 'a-z' '\n' | awk 'length($0) > 4' | sort | uniq -c | sort -k1,1nr -k2 | head -n 5 |
    awk '{ printf "%s%s (%d)", (NR > 1 ? ", " : ""), $2, $1 } END { if (NR == 0) printf "nothing in particular" }' > "$work/themes"

# What the parts before this one have left: a table of contents with the size of each file.
if [ -d "$dir" ]; then
    (cd "$dir" && find . -type f ! -name '*.new.*' | sed 's|^\./||' | sort | head -n 50 | while read -r found; do
        printf -- '- %s: %s lines\n' "$found" "$(wc -l < "$found" 2> /dev/null | tr -d ' ')"
    done) > "$work/found"
else
    : > "$work/found"
fi

# One file. Code gets its text as comments, so that it stays code.
compose() {
    printf '# %s\n\nMade by %s for %s (attempt with token %s).\n' "$1" "$agent" "$task" "${OARLOCK_TOKEN:-0}"
    printf '\n## %s\n\n' "$title"
    cat "$work/steps"
    printf '\n## About these steps\n\nWords: %s. Lines: %s. Mostly about %s.\n' "$words" "$lines" "$(cat "$work/themes")"
    if [ -s "$work/found" ]; then
        printf '\n## What was there before\n\n'
        cat "$work/found"
    fi
}

count=0
while read -r file; do
    target=$dir/$file
    mkdir -p "$(dirname "$target")"
    new=$target.new.$$
    case $file in
        *.md | *.txt) compose "$file" > "$new" ;;
        *.rs | *.js | *.ts | *.go | *.c | *.h | *.java) compose "$file" | sed 's|^|// |; s| *$||' > "$new" ;;
        *.sql | *.lua) compose "$file" | sed 's|^|-- |; s| *$||' > "$new" ;;
        *) compose "$file" | sed 's|^|# |; s| *$||' > "$new" ;;
    esac
    mv "$new" "$target"
    count=$((count + 1))
    echo "wrote $target" >&2
done < "$work/files"

printf '%s: %s wrote %s of %s words of instructions: %s. It is mostly about %s.\n' \
    "$title" "$agent" "$([ "$count" = 1 ] && echo "1 file" || echo "$count files")" "$words" \
    "$(tr '\n' ' ' < "$work/files" | sed 's/ $//')" "$(cat "$work/themes")"
