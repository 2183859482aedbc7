//! Times: of the escrow's clock, as dates in UTC, and how far from now.

use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use verinfer_protocols::time::Timestamp;

use super::words::{since, until};

/// When something happened, and how long ago.
pub fn past(at: Timestamp, now: Timestamp) -> Markup {
    html! { (date(at)) " " span.from-now { (since(at, now)) } }
}

/// When something will be over, and in how long.
pub fn future(deadline: Timestamp, now: Timestamp) -> Markup {
    html! { (date(deadline)) " " span.from-now { (until(deadline, now)) } }
}

/// A date, to the second.
pub fn date(at: Timestamp) -> Markup {
    let Some(text) = iso(at) else { return html! { (at) } };
    html! { time datetime=(text) { (text.replace('T', " ").trim_end_matches('Z')) " UTC" } }
}

/// As ISO 8601 has it; nothing after the year 9999.
fn iso(at: Timestamp) -> Option<String> {
    let seconds = i64::try_from(at.0 / 1000).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_to_the_second_also_in_leap_years_and_far_away() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_796_000_000_123, "2026-11-30T00:53:20Z"),
        ] {
            assert_eq!(iso(Timestamp(millis)).as_deref(), Some(text));
        }
        assert_eq!(iso(Timestamp(u64::MAX)), None);
        let shown = past(Timestamp(0), Timestamp(61_000)).into_string();
        let expected =
            "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00:00 UTC</time> <span class=\"from-now\">1 min 1 s ago</span>";
        assert_eq!(shown, expected);
    }
}
