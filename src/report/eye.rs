//! Numbers rounded for the eye: tick labels and table cells; files keep every digit and do not come
//! here.

use crate::allocate::Budget;
use crate::units::Short;

/// An amount of pairs in few characters: `950`, `1.5k`, `12k`, `3.2M`.
pub fn amount(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        a if a >= 999.5e6 => (value / 1e9, "G"),
        a if a >= 999.5e3 => (value / 1e6, "M"),
        a if a >= 999.5 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    if scaled.abs() >= 1e6 {
        return format!("{value:.1e}");
    }
    let decimals = usize::from(scaled.abs() < 99.95 && (scaled - scaled.round()).abs() > 0.05);
    format!("{scaled:.decimals$}{suffix}")
}

/// A budget in words: `30,000 pairs`.
pub fn budget(budget: Budget) -> String {
    match budget {
        Budget::Pairs(pairs) => format!("{} pairs", grouped(pairs)),
        Budget::Cost(cost) if cost.fract() == 0.0 && cost < 1e15 => {
            format!("{} units of cost", grouped(cost as u64))
        }
        Budget::Cost(cost) => format!("{} units of cost", Short(cost)),
    }
}

/// A whole number with its thousands apart: `12,345`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with so many significant digits, in plain notation where that is short.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..7.0).contains(&magnitude) {
        return format!("{value:.*e}", digits.saturating_sub(1));
    }
    let decimals = (digits as f64 - 1.0 - magnitude).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// A loss in nats: three decimals, more for a loss below a tenth.
pub fn nats(value: f64) -> String {
    if value == 0.0 || (0.1..1e4).contains(&value.abs()) {
        format!("{value:.3}")
    } else {
        significant(value, 3)
    }
}

/// A difference of losses with its sign and a true minus: four decimals, more for one below a
/// thousandth.
pub fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "\u{2212}" } else { "+" };
    let size = value.abs();
    if size == 0.0 || (1e-3..1e4).contains(&size) {
        format!("{sign}{size:.4}")
    } else {
        format!("{sign}{}", significant(size, 2))
    }
}

/// A share as a percentage: `12.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A span of computing time: `45 s`, `12 min`, `3.4 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_right() {
        let cases = [
            (0.0, "0"),
            (950.0, "950"),
            (999.7, "1k"),
            (1000.0, "1k"),
            (1500.0, "1.5k"),
            (12_345.0, "12.3k"),
            (123_456.0, "123k"),
            (999_999.0, "1M"),
            (3.2e6, "3.2M"),
            (1e9, "1G"),
            (1e18, "1.0e18"),
        ];
        for (value, text) in cases {
            assert_eq!(amount(value), text);
        }
    }

    #[test]
    fn digits_are_kept_where_they_matter() {
        assert_eq!(
            (significant(0.000213, 2), significant(213.456, 4)),
            ("0.00021".into(), "213.5".into())
        );
        assert_eq!(
            (significant(1e-9, 2), significant(0.0, 3), significant(f64::NAN, 3)),
            ("1.0e-9".into(), "0".into(), "NaN".into())
        );
        assert_eq!(
            (nats(2.0), nats(0.0213), signed(-0.5)),
            ("2.000".into(), "0.0213".into(), "\u{2212}0.5000".into())
        );
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(
            (percent(0.1234), duration(59.6), duration(5400.0)),
            ("12.3 %".into(), "60 s".into(), "90 min".into())
        );
    }
}
