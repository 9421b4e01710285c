//! The flags of mount(2): which the agent can carry out, and under which names.

/// A flag that restricts a mount, by its names here, in mount(2) and in `mount_setattr(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Name in a policy, that of mount(8).
    pub name: &'static str,
    /// Bit of mount(2).
    pub bit: u64,
    /// Bit of `mount_setattr(2)`, 0 for what is so by itself.
    pub attribute: u32,
}

const fn flag(name: &'static str, bit: u64, attribute: u32) -> Flag {
    Flag { name, bit, attribute }
}

/// All that the agent knows (linux/mount.h).
pub const FLAGS: [Flag; 9] = [
    flag("ro", 0x1, 0x1),
    flag("nosuid", 0x2, 0x2),
    flag("nodev", 0x4, 0x4),
    flag("noexec", 0x8, 0x8),
    flag("nosymfollow", 0x100, 0x20_0000),
    flag("noatime", 0x400, 0x10),
    flag("nodiratime", 0x800, 0x80),
    flag("relatime", 0x20_0000, 0),
    flag("strictatime", 0x100_0000, 0x20),
];

const BIND: u64 = 0x1000;
const RECURSIVE: u64 = 0x4000;
/// `MS_SILENT`, which asks for fewer lines in the kernel's log.
const SILENT: u64 = 0x8000;
/// `MS_MGC_VAL`, which very old programs put into the upper half.
const MAGIC: u64 = 0xc0ed_0000;

/// What a call of mount(2) asks for, of what the agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// A bind mount rather than a new file system.
    pub bind: bool,
    /// With all that is mounted below.
    pub recursive: bool,
    /// Bits of [`FLAGS`].
    pub bits: u64,
}

/// Reads the third argument but one of mount(2). The error names what the agent does not do.
pub fn read_flags(raw: u64) -> Result<Asked, String> {
    let raw = if raw & 0xffff_0000 == MAGIC { raw & 0xffff } else { raw };
    let known = FLAGS.iter().fold(0, |all, flag| all | flag.bit);
    let others = [(0x20, "remount"), (0x2000, "move"), (0x2_0000, "unbindable"), (0x4_0000, "private")];
    let more = [(0x8_0000, "slave"), (0x10_0000, "shared"), (0x10, "sync"), (0x40, "mand"), (0x80, "dirsync")];
    let left = raw & !(known | BIND | RECURSIVE | SILENT);
    if let Some((_, name)) = others.iter().chain(&more).find(|(bit, _)| left & bit != 0) {
        return Err(format!("the agent makes new mounts and binds, and does not carry out \"{name}\""));
    }
    if left != 0 {
        return Err(format!("flags {left:#x} are none that the agent knows"));
    }
    let asked = Asked { bind: raw & BIND != 0, recursive: raw & RECURSIVE != 0, bits: raw & known };
    if asked.recursive && !asked.bind {
        return Err("\"rec\" without \"bind\" is nothing that the agent does".into());
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_carried_out_is_named() {
        assert_eq!(read_flags(0x8000 | 3).unwrap(), Asked { bind: false, recursive: false, bits: 3 });
        assert_eq!(read_flags(MAGIC | 1).unwrap().bits, 1);
        assert!(read_flags(0x5000).unwrap().recursive);
        for (bits, name) in [(0x1021, "remount"), (0x2000, "move"), (0x4_4000, "private"), (0x4000, "rec")] {
            assert!(read_flags(bits).unwrap_err().contains(name), "{bits:#x}");
        }
        assert!(read_flags(1 << 40).is_err());
    }
}
