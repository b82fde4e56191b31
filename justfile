# Daily commands. Everything here also works without just.

# All tests.
test *names:
    ./test {{names}}

# Rewrite the expected transcripts of the scripts, then read the diff.
bless:
    OARLOCK_BLESS=1 cargo test -p oarlock-testkit
    git diff --stat

# Crate edges, layers, file sizes.
tidy:
    cargo xtask tidy

# Ratios against raw SQLite and `true`, in one run.
bench *args:
    cargo xtask bench {{args}}

# Seeded simulations.
simulate *args:
    cargo xtask simulate {{args}}

# Killed processes, lost power, made-up inputs.
storm *args:
    cargo xtask storm {{args}}
power *args:
    cargo xtask power {{args}}
fuzz *args:
    cargo xtask fuzz {{args}}

# A gateway that is killed, and the conformance suite of MCP.
gateway *args:
    cargo xtask gateway {{args}}
conformance:
    cargo xtask conformance

# Bugs that the tests must catch.
planted *args:
    cargo xtask planted {{args}}

# Lines of each crate.
lines:
    cargo xtask lines

# The main job.
demo:
    cargo run --release -- run examples/notes-service.md --agents 3 -- examples/agent.sh
