//! Values of the specification, which are those of version 1, in the units of version 2.

use alloc::string::String;

/// `cpu.shares` (2 to 262,144, usually 1024) as `cpu.weight` (1 to 10,000, usually 100): the quadratic function that
/// current runc (opencontainers/cgroups `ConvertCPUSharesToCgroupV2Value`) and crun (`convert_shares_to_weight`) use,
/// 10^((l²+125·l)/612 − 7/34) with l = log₂ of the shares, which keeps minimum, default and maximum where they are.
pub(crate) fn weight_of_shares(shares: u64) -> u64 {
    if shares <= 2 {
        return 1;
    }
    if shares >= 262_144 {
        return 10_000;
    }
    let l = log2(shares as f64);
    let exponent = (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0;
    let weight = exp2(exponent * core::f64::consts::LOG2_10);
    // Rounded up, but for what is only the error of the arithmetic.
    let whole = weight as u64;
    if weight - whole as f64 > 1e-9 { whole + 1 } else { whole }
}

/// Logarithm of a number of 1 or more: whole powers are divided away, the rest is a series of (x−1)/(x+1).
fn log2(number: f64) -> f64 {
    let (mut rest, mut whole) = (number, 0.0);
    while rest >= 2.0 {
        rest /= 2.0;
        whole += 1.0;
    }
    let ratio = (rest - 1.0) / (rest + 1.0);
    let (mut power, mut sum) = (ratio, 0.0);
    for odd in (1..60).step_by(2) {
        sum += power / f64::from(odd);
        power *= ratio * ratio;
    }
    whole + 2.0 * sum * core::f64::consts::LOG2_E
}

/// Power of two of a number from 0 to 60.
fn exp2(exponent: f64) -> f64 {
    let whole = exponent as u32;
    let x = (exponent - f64::from(whole)) * core::f64::consts::LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for index in 1..30 {
        term *= x / f64::from(index);
        sum += term;
    }
    sum * (1u64 << whole.min(60)) as f64
}

/// Why memory and swap together make no limit of swap alone.
pub(crate) type Wrong = &'static str;

/// Memory and swap together, of version 1, as swap alone, of version 2; `None`: left as it is. As runc
/// (`ConvertMemorySwapToCgroupV2Value`), but that 0 means no swap, as in crun, when it is given.
pub(crate) fn swap_alone(swap: Option<i64>, memory: Option<i64>) -> Result<Option<i64>, Wrong> {
    match (swap, memory.filter(|&limit| limit != 0)) {
        // Unlimited memory and nothing about swap: version 1 had to lift both.
        (None, Some(-1)) => Ok(Some(-1)),
        (None, _) => Ok(None),
        (Some(swap), _) if swap <= 0 => Ok(Some(swap)),
        (Some(swap), Some(-1)) => Ok(Some(swap)),
        (Some(_), None) => Err("cannot be set without a limit of memory"),
        (Some(_), Some(memory)) if memory < 0 => Err("goes with no negative limit of memory"),
        (Some(swap), Some(memory)) if swap < memory => Err("is less than the limit of memory, which is part of it"),
        (Some(swap), Some(memory)) => Ok(Some(swap - memory)),
    }
}

/// `blkio.weight` (10 to 1000) as `io.weight` (1 to 10,000), linear, as runc and crun do.
pub(crate) fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight.max(10)) - 10) * 9999 / 990
}

/// A limit of version 2, or of processes in either: below 0 is none.
pub(crate) fn or_max(limit: i64) -> String {
    if limit < 0 { "max".into() } else { alloc::format!("{limit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights_as_in_runc() {
        for shares in 3..262_144u64 {
            let l = (shares as f64).log2();
            let wanted = 10f64.powf((l * l + 125.0 * l) / 612.0 - 7.0 / 34.0).ceil();
            assert_eq!(weight_of_shares(shares), wanted as u64, "{shares}");
        }
        let known = [(0, 1), (2, 1), (512, 59), (1024, 100), (262_144, 10_000), (u64::MAX, 10_000)];
        for (shares, weight) in known {
            assert_eq!(weight_of_shares(shares), weight, "{shares}");
        }
    }

    #[test]
    fn a_larger_share_is_never_a_smaller_weight() {
        assert!((2..300_000).map(weight_of_shares).is_sorted());
    }

    #[test]
    fn swap_is_what_is_beyond_memory() {
        assert_eq!(swap_alone(None, Some(10)), Ok(None));
        assert_eq!(swap_alone(Some(30), Some(10)), Ok(Some(20)));
        assert_eq!(swap_alone(Some(10), Some(10)), Ok(Some(0)));
        assert_eq!(swap_alone(Some(-1), Some(10)), Ok(Some(-1)));
        assert_eq!(swap_alone(Some(0), Some(10)), Ok(Some(0)));
        assert_eq!(swap_alone(None, Some(-1)), Ok(Some(-1)));
        assert_eq!(swap_alone(Some(30), Some(-1)), Ok(Some(30)));
        for (swap, memory) in [(Some(9), Some(10)), (Some(9), None), (Some(9), Some(0)), (Some(9), Some(-2))] {
            assert!(swap_alone(swap, memory).is_err(), "{swap:?} {memory:?}");
        }
    }

    #[test]
    fn weights_of_io_keep_their_ends() {
        assert_eq!((io_weight(10), io_weight(1000), io_weight(0)), (1, 10_000, 1));
        assert!((0..=1000).map(io_weight).is_sorted());
        assert_eq!((or_max(-1), or_max(7)), ("max".into(), "7".into()));
    }
}
