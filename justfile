# Daily commands. Everything here also works without just.

# Everything that is quick to tell: formatting, lints, tidy, and spelling and licenses where their tools are installed.
check:
    cargo xtask ci

# Repair what can be repaired: formatting, and lints that say how.
fix:
    cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
    cargo fmt --all

# Formatting.
fmt:
    cargo fmt --all

# All tests, or those whose names contain one of these.
test *names:
    ./test {{names}}

# Rewrite the expected transcripts of the scripts, then read the diff.
bless:
    UPDATE_EXPECT=1 cargo test -p oarlock-testkit
    git diff --stat

# Any development command: `just x` lists them.
x *args:
    cargo xtask {{args}}

# The main job.
demo:
    cargo run -- run examples/notes-service.md --agents 3 -- examples/agent.sh
