//! Numbers for people.

use maud::{Markup, html};

use crate::memory::megabytes;

/// Three significant digits, grouped: `1,600`, `92.0`, `0.0230`.
pub fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_string();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if magnitude >= 3 {
        return crate::output::thousands(value.round() as u64);
    }
    format!("{value:.*}", (2 - magnitude).clamp(0, 6) as usize)
}

/// `1.23 s`, `12.3 ms`.
pub fn seconds(value: f64) -> String {
    if value < 0.1 { format!("{} ms", significant(1000.0 * value)) } else { format!("{} s", significant(value)) }
}

/// `279 kB`.
pub fn kilobytes(bytes: f64) -> String {
    format!("{} kB", significant(bytes / 1000.0))
}

/// Bytes of memory, or a dash.
pub fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(dash, megabytes)
}

/// `73.1 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `+12 %`.
pub fn deviation(share: f64) -> String {
    format!("{:+.0} %", 100.0 * share)
}

/// `1/16.1` or `2.3` for own to theirs: how many times as much.
pub fn ratio(own: f64, theirs: f64) -> String {
    if own <= 0.0 || theirs <= 0.0 {
        return dash();
    }
    if own < theirs { format!("1/{}", significant(theirs / own)) } else { format!("{}×", significant(own / theirs)) }
}

/// What stands where nothing is known.
pub fn dash() -> String {
    "–".to_string()
}

/// Whether something holds, in words and with a mark.
pub fn verdict(holds: bool, word: &str) -> Markup {
    html! { span class=(if holds { "holds" } else { "fails" }) { (word) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        assert_eq!([0.0, 0.023, 0.5, 92.0, 831.9, 172_800.0].map(significant), ["0", "0.0230", "0.500", "92.0", "832", "172,800"]);
        assert_eq!([ratio(5.0, 850.0), ratio(5.0, 2.0), ratio(0.0, 1.0)], ["1/170", "2.50×", "–"]);
    }
}
