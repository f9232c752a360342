//! Numbers as a verdict says them.

/// A number with its sign.
pub(super) fn signed(value: f64) -> String {
    format!("{}{}", if value < 0.0 { "-" } else { "+" }, eye(value.abs()))
}

/// Four decimals, or more where they would show less than two digits.
pub(super) fn eye(value: f64) -> String {
    let zeros = if value == 0.0 || !value.is_finite() { 0.0 } else { -value.abs().log10().floor() };
    let decimals = (zeros + 1.0).clamp(4.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

/// A whole number with its thousands apart.
pub(super) fn grouped(value: u64) -> String {
    match value {
        0..1000 => value.to_string(),
        _ => format!("{},{:03}", grouped(value / 1000), value % 1000),
    }
}
