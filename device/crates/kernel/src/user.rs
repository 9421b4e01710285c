//! Who a process is: users, groups, capabilities.

use crate::process::prctl;
use crate::sys::{In, Out, sys};
use crate::{Errno, Result};
use linux_raw_sys::prctl as raw;

/// Sets of capabilities as bits, bit 0 is `CAP_CHOWN`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What counts now.
    pub effective: u64,
    /// What may count.
    pub permitted: u64,
    /// What is kept on exec, of files that say so.
    pub inheritable: u64,
}

/// `_LINUX_CAPABILITY_VERSION_3`; 0: the caller.
const HEADER: [u32; 2] = [0x2008_0522, 0];

/// The caller's effective user.
#[must_use]
pub fn effective_user_id() -> u32 {
    sys!(geteuid).unwrap_or(0) as u32
}

/// The caller's effective group.
#[must_use]
pub fn effective_group_id() -> u32 {
    sys!(getegid).unwrap_or(0) as u32
}

/// All three of a process's user numbers.
pub fn set_user(user: u32) -> Result<()> {
    sys!(setresuid, user, user, user).map(drop)
}

/// All three of a process's group numbers.
pub fn set_group(group: u32) -> Result<()> {
    sys!(setresgid, group, group, group).map(drop)
}

/// The supplementary groups.
pub fn set_groups(groups: &[u32]) -> Result<()> {
    sys!(setgroups, groups.len(), In(groups)).map(drop)
}

/// Keeps permitted capabilities when the user changes from root to another.
pub fn keep_capabilities(keep: bool) -> Result<()> {
    prctl(raw::PR_SET_KEEPCAPS, u64::from(keep), 0)
}

/// The caller's sets.
pub fn capabilities() -> Result<Capabilities> {
    let mut data = [0u32; 6];
    sys!(capget, In(&HEADER), Out(&mut data))?;
    let [effective, permitted, inheritable, effective_high, permitted_high, inheritable_high] = data.map(u64::from);
    Ok(Capabilities {
        effective: effective | effective_high << 32,
        permitted: permitted | permitted_high << 32,
        inheritable: inheritable | inheritable_high << 32,
    })
}

/// Sets the caller's sets.
pub fn set_capabilities(sets: Capabilities) -> Result<()> {
    let data = [
        sets.effective as u32,
        sets.permitted as u32,
        sets.inheritable as u32,
        (sets.effective >> 32) as u32,
        (sets.permitted >> 32) as u32,
        (sets.inheritable >> 32) as u32,
    ];
    sys!(capset, In(&HEADER), In(&data)).map(drop)
}

/// Takes a capability out of the bounding set; `false` when the kernel has no such capability.
pub fn drop_from_bounding_set(capability: u32) -> Result<bool> {
    match prctl(raw::PR_CAPBSET_DROP, u64::from(capability), 0) {
        Err(Errno::EINVAL) => Ok(false),
        result => result.map(|()| true),
    }
}

/// Adds a capability to the ambient set.
pub fn raise_ambient(capability: u32) -> Result<()> {
    prctl(raw::PR_CAP_AMBIENT, u64::from(raw::PR_CAP_AMBIENT_RAISE), u64::from(capability))
}

/// Empties the ambient set.
pub fn clear_ambient() -> Result<()> {
    prctl(raw::PR_CAP_AMBIENT, u64::from(raw::PR_CAP_AMBIENT_CLEAR_ALL), 0)
}
