//! New processes. No memory is shared with a child, so both sides go on as if after `fork`.

use crate::Result;
use linux_raw_sys::general::clone_args;

/// `clone3` with the given arguments, which must not share memory or ask for a stack. Returns 0 in the child.
pub(crate) fn clone3(arguments: &clone_args) -> Result<i32> {
    debug_assert!(arguments.stack == 0 && arguments.flags & u64::from(linux_raw_sys::general::CLONE_VM) == 0);
    super::sys!(clone3, super::In(arguments), size_of::<clone_args>()).map(|pid| pid as i32)
}
