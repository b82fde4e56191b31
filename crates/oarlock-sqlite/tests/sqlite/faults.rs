//! Disks that fail and power that goes: in short; `cargo xtask power` does the same for longer.

use oarlock_sqlite::Synchronous;

use crate::power::{self, Plan, Report};

#[test]
fn nothing_acknowledged_is_lost_with_the_power() {
    let mut total = Report::default();
    for seed in [1, fastrand::u64(2..1 << 32)] {
        let plan = Plan { seed, operations: 120, every: 16, synchronous: Synchronous::Full };
        total.add(power::run(plan).unwrap_or_else(|fault| panic!("{fault}")));
    }
    assert!(total.cuts >= 50 && total.ahead > 0 && total.checkpoints > 0, "{total:?}");
}

#[test]
fn what_is_not_pressed_to_the_disk_is_seen_to_be_lost() {
    for (synchronous, what) in [(Synchronous::Normal, "was acknowledged"), (Synchronous::Off, "seed 1")] {
        let plan = Plan { seed: 1, operations: 120, every: 4, synchronous };
        let fault = power::run(plan).expect_err("something is lost");
        assert!(fault.contains(what), "{synchronous:?}: {fault}");
    }
}
