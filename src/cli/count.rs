//! Counts on the command line: whole numbers, within what a machine can do.

use std::ops::RangeInclusive;

/// Runs or models at a time.
pub(super) const JOBS: RangeInclusive<u64> = 1..=1024;
/// Threads of one of them, and copies that are trained side by side.
pub(super) const SIDE_BY_SIDE: RangeInclusive<u64> = 1..=1024;
/// Draws of a law.
pub(super) const DRAWS: RangeInclusive<u64> = 0..=100_000;

/// Reads a count that must lie in a range.
pub(super) fn within<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let count = text.parse().ok().filter(|count| range.contains(count));
        count.and_then(|count| T::try_from(count).ok()).ok_or_else(|| {
            match range.clone().into_inner() {
                (least, u64::MAX) => format!("expected a whole number of at least {least}"),
                (least, most) => format!("expected a whole number from {least} to {most}"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_to_their_range() {
        let jobs = within::<usize>(JOBS);
        assert_eq!((jobs("1"), jobs("1024")), (Ok(1), Ok(1024)));
        for text in
            ["0", "1025", "-1", "1.5", "many", "", "18446744073709551615", "99999999999999999999"]
        {
            assert_eq!(jobs(text).unwrap_err(), "expected a whole number from 1 to 1024", "{text}");
        }
        assert_eq!(
            within::<u8>(1..=u64::MAX)("256").unwrap_err(),
            "expected a whole number of at least 1"
        );
    }
}
