//! Programs whose options name no files that they write.

use super::super::spec::{Spec, reads};

/// Programs whose `-o` and the like are no files that they write.
pub(super) static READERS: &[Spec] = &[
    reads("echo printf cat less more head tail grep egrep fgrep zgrep rg ag ack ls dir ps pgrep kubectl oc ssh mount umount docker"),
    reads("podman make gmake ninja find test [ aws gcloud az terraform-docs journalctl systemctl ip ss netstat lsof lsblk findmnt"),
    reads("column od hexdump nl fold cut paste tr comm join diff cmp wc stat file du df date env printenv which type whereis man info"),
    reads("help apropos id who w top htop free uptime uname hostname jq gron fx bat delta tig vimdiff nm objdump readelf ldd size"),
    reads("strings sha1sum sha256sum md5sum b2sum cksum sum shellcheck hadolint actionlint yamllint pyright mdl vale"),
    reads("mongosh sqlplus gdb lldb rust-gdb useradd usermod groupadd mkdir kill pkill"),
    reads("killall nc ncat telnet ping dig nslookup host traceroute awk gawk mawk nawk sqlite3 python-json-tool tmux screen seq yes"),
    reads(
        "sleep tput stty clear reset jobs fg bg disown logger glab oarlock duckdb clickhouse clickhouse-local clickhouse-client cqlsh Rscript R julia tclsh erl rustup ps2ascii",
    ),
];
