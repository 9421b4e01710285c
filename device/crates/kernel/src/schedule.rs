//! When and where a process runs, and how much it may use: affinity, scheduling, input and output priority, limits,
//! memory policy.

use crate::Result;
use crate::sys::{In, Out, sys, zeroed};
use alloc::vec::Vec;
use linux_raw_sys::general as raw;

/// `struct sched_attr` (`sched_setattr(2)`), times in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// `SCHED_OTHER` 0, `SCHED_FIFO` 1, `SCHED_RR` 2, `SCHED_BATCH` 3, `SCHED_IDLE` 5, `SCHED_DEADLINE` 6.
    pub policy: u32,
    /// `SCHED_FLAG_` bits.
    pub flags: u64,
    /// −20 to 19, of other than real-time policies.
    pub nice: i32,
    /// 1 to 99, of real-time policies.
    pub priority: u32,
    /// Of `SCHED_DEADLINE`.
    pub runtime: u64,
    /// Of `SCHED_DEADLINE`.
    pub deadline: u64,
    /// Of `SCHED_DEADLINE`.
    pub period: u64,
}

/// Sets the scheduling of a process; 0: the caller.
pub fn set_scheduling(pid: i32, wanted: &Scheduling) -> Result<()> {
    let (flags, runtime, deadline, period) =
        (halves(wanted.flags), halves(wanted.runtime), halves(wanted.deadline), halves(wanted.period));
    let attributes = [
        48,
        wanted.policy,
        flags[0],
        flags[1],
        wanted.nice as u32,
        wanted.priority,
        runtime[0],
        runtime[1],
        deadline[0],
        deadline[1],
        period[0],
        period[1],
    ];
    sys!(sched_setattr, pid, In(&attributes), 0u32).map(drop)
}

/// Whether a process has a real-time policy, `SCHED_FIFO` or `SCHED_RR`.
#[must_use]
pub fn is_real_time(pid: i32) -> bool {
    const RESET_ON_FORK: usize = 0x4000_0000;
    sys!(sched_getscheduler, pid).is_ok_and(|policy| matches!(policy & !RESET_ON_FORK, 1 | 2))
}

/// The halves of a number in the order in which the (little-endian) machine stores them.
const fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// Restricts a process (0: the caller) to processors: bit n of word n / 64.
pub fn set_affinity(pid: i32, mask: &[u64]) -> Result<()> {
    sys!(sched_setaffinity, pid, size_of_val(mask), In(mask)).map(drop)
}

/// The processors that a process (0: the caller) may run on.
pub fn affinity(pid: i32) -> Result<Vec<u64>> {
    let mut mask = alloc::vec![0u64; 128];
    let length = sys!(sched_getaffinity, pid, 1024usize, Out(mask.as_mut_slice()))?;
    mask.truncate(length / 8);
    Ok(mask)
}

/// Input and output priority of the caller: class 1 real time, 2 best effort, 3 idle; level 0 to 7.
pub fn set_io_priority(class: u32, level: u32) -> Result<()> {
    sys!(ioprio_set, 1u32, 0u32, class << 13 | level).map(drop)
}

/// Sets soft and hard limit of a process (0: the caller); `RLIMIT_` numbers.
pub fn set_limit(pid: i32, resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = raw::rlimit64 { rlim_cur: soft, rlim_max: hard };
    sys!(prlimit64, pid, resource, In(&limit), 0usize).map(drop)
}

/// Soft and hard limit of the caller.
pub fn limit(resource: u32) -> Result<(u64, u64)> {
    let mut limit = zeroed::<raw::rlimit64>();
    sys!(prlimit64, 0u32, resource, 0usize, Out(&mut limit))?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// The NUMA policy of the caller's memory (`set_mempolicy`): mode with its flags, and nodes as bits.
pub fn set_memory_policy(mode: u32, nodes: &[u64]) -> Result<()> {
    if nodes.is_empty() {
        return sys!(set_mempolicy, mode, 0usize, 0usize).map(drop);
    }
    // One more than there are bits: the kernel takes the number for the first bit that is not there.
    sys!(set_mempolicy, mode, In(nodes), nodes.len() * 64 + 1).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_stays_on_the_processors_it_is_given() {
        let before = affinity(0).unwrap();
        let first = before.iter().map(|word| word & word.wrapping_neg()).collect::<Vec<_>>();
        let lowest: Vec<u64> = first
            .iter()
            .scan(false, |found, &bit| {
                let here = if *found { 0 } else { bit };
                *found |= bit != 0;
                Some(here)
            })
            .collect();
        set_affinity(0, &lowest).unwrap();
        assert_eq!(affinity(0).unwrap(), lowest);
        set_affinity(0, &before).unwrap();
    }

    #[test]
    fn limits_are_read_as_they_were_set() {
        let (soft, hard) = limit(raw::RLIMIT_CORE).unwrap();
        set_limit(0, raw::RLIMIT_CORE, 0, hard).unwrap();
        assert_eq!(limit(raw::RLIMIT_CORE).unwrap(), (0, hard));
        set_limit(0, raw::RLIMIT_CORE, soft, hard).unwrap();
    }
}
