//! Lines of `schemata`, `L3:0=7f0;1=1f`: whether what is configured is what is there.

/// Whether every value of every line of `wanted` is in `there`. A line need not name all caches: the others stay as they are.
pub(super) fn match_all(wanted: &str, there: &str) -> bool {
    wanted.lines().map(str::trim).filter(|line| !line.is_empty()).all(|line| {
        let Some((resource, values)) = line.split_once(':') else { return false };
        let resource = resource.trim();
        let has =
            |cache: &str, value: &str| values_of(there, resource).any(|pair| same(resource, pair, (cache, value)));
        values.split(';').all(|pair| pair.split_once('=').is_some_and(|(cache, value)| has(cache, value)))
    })
}

/// Caches and their values on the lines of a resource. The kernel pads both with spaces.
fn values_of<'a>(text: &'a str, resource: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(move |(name, _)| name.trim() == resource)
        .flat_map(|(_, values)| values.split(';').filter_map(|pair| pair.split_once('=')))
}

fn same(resource: &str, one: (&str, &str), other: (&str, &str)) -> bool {
    // Bit masks are hexadecimal, bandwidths decimal.
    let radix = if resource.starts_with("MB") || resource.starts_with("SMBA") { 10 } else { 16 };
    let number = |text: &str, radix| {
        let text = text.trim();
        u64::from_str_radix(if radix == 16 { text.trim_start_matches("0x") } else { text }, radix).ok()
    };
    let pair = |(cache, value)| Some((number(cache, 10)?, number(value, radix)?));
    pair(one).is_some() && pair(one) == pair(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: &str = "    MB:0= 20;1= 70\n    L3:0=007f0;1=0001f\n";

    #[test]
    fn values_are_compared_as_numbers() {
        for same in ["L3:0=7f0;1=1f", "L3:1=1F;0=7F0", "L3:0=0x7f0", "L3: 1 = 1f", "MB:0=20;1=70", "MB:1=070", ""] {
            assert!(match_all(same, THERE), "{same}");
        }
        for other in ["L3:0=7f1;1=1f", "L3:2=1f", "L2:0=7f0", "MB:0=20;1=7", "MB:0=0x20", "L3:0", "L3", "L3:0=;1=1f"] {
            assert!(!match_all(other, THERE), "{other}");
        }
    }

    #[test]
    fn every_line_has_to_match() {
        let code = "L3CODE:0=f;1=f\nL3DATA:0=ff;1=ff\n";
        assert!(match_all("L3DATA:0=ff\nL3CODE:0=f", code));
        assert!(!match_all("L3DATA:0=ff\nL3CODE:0=ff", code));
    }
}
