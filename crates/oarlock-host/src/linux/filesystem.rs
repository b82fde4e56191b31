//! The kind of a file system by its magic number.

use std::io;
use std::path::Path;

use crate::filesystem::FsKind;

/// The kind of the file system that `path` is on.
///
/// # Errors
/// The path does not exist or cannot be reached.
pub(crate) fn kind(path: &Path) -> io::Result<FsKind> {
    let magic = rustix::fs::statfs(path)?.f_type;
    // The field is a signed word of 32 or 64 bits, by platform; the magic numbers are its low 32 bits.
    Ok(from_magic(u64::from(magic as u32)))
}

/// Magic numbers from statfs(2) and the kernel's `linux/magic.h`; those of the file systems outside the kernel from
/// their own sources.
fn from_magic(magic: u64) -> FsKind {
    match magic {
        0xef53 => FsKind::Local("ext"),
        0x5846_5342 => FsKind::Local("xfs"),
        0x9123_683e => FsKind::Local("btrfs"),
        0x794c_7630 => FsKind::Local("overlay"),
        0x0102_1994 => FsKind::Local("tmpfs"),
        0x8584_58f6 => FsKind::Local("ramfs"),
        0x2fc1_2fc1 => FsKind::Local("zfs"),
        0xf2f5_2010 => FsKind::Local("f2fs"),
        0xca45_1a4e => FsKind::Local("bcachefs"),
        0x3153_464a => FsKind::Local("jfs"),
        0x5265_4973 => FsKind::Local("reiserfs"),
        0x3434 => FsKind::Local("nilfs"),
        0x7366_746e => FsKind::Local("ntfs"),
        0x2011_bab0 => FsKind::Local("exfat"),
        0x4d44 => FsKind::Local("vfat"),
        0x6969 => FsKind::Shared("nfs"),
        0xff53_4d42 | 0x517b => FsKind::Shared("cifs"),
        0xfe53_4d42 => FsKind::Shared("smb"),
        0x0102_1997 => FsKind::Shared("9p"),
        0x6573_5546 => FsKind::Shared("fuse or virtiofs"),
        0x00c3_6400 => FsKind::Shared("ceph"),
        0x5346_414f | 0x6b41_4653 => FsKind::Shared("afs"),
        0x7375_7245 => FsKind::Shared("coda"),
        0x564c => FsKind::Shared("ncp"),
        0xbacb_acbc => FsKind::Shared("vmware shared folder"),
        0x786f_4256 => FsKind::Shared("virtualbox shared folder"),
        0x7c7c_6673 => FsKind::Shared("parallels shared folder"),
        0x0bd0_0bd0 => FsKind::Shared("lustre"),
        0x4750_4653 => FsKind::Shared("gpfs"),
        0x0116_1970 => FsKind::Shared("gfs2"),
        0x7461_636f => FsKind::Shared("ocfs2"),
        0x2003_0528 => FsKind::Shared("orangefs"),
        other => FsKind::Unknown(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_known_by_their_numbers() {
        for (magic, refuses) in [(0xef53, false), (0x0102_1994, false), (0x0102_1997, true), (0xff53_4d42, true), (1, false)] {
            assert_eq!(from_magic(magic).refuses_wal(), refuses, "{}", from_magic(magic));
        }
        assert!(matches!(kind(Path::new("/proc")), Ok(FsKind::Unknown(0x9fa0))));
    }
}
