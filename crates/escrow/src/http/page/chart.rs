//! An account's money over time, as a drawing.

use maud::{Markup, html};

use super::time::date;
use crate::store::Payment;

const WIDTH: i64 = 600;
const HEIGHT: i64 = 120;

/// The balance after each payment, as steps; nothing if there are fewer than two. The table beside it says the same.
pub fn balance(payments: &[Payment]) -> Markup {
    let [last, .., first] = payments else { return html! {} };
    let most = payments.iter().map(|payment| payment.balance).max().unwrap_or(0).max(1);
    let (begin, end) = (first.at.0, last.at.0);
    let points = steps(payments, begin, end, most);
    html! {
        figure.chart {
            svg viewBox={ "0 -4 " (WIDTH) " " (HEIGHT + 8) } role="img" aria-labelledby="chart-title" preserveAspectRatio="none" {
                title #chart-title { "Balance after each payment: first " (first.balance) ", last " (last.balance) ", at most " (most) " units" }
                polyline points=(points) {}
            }
            figcaption { "0 to " (most) " units, " (date(first.at)) " to " (date(last.at)) }
        }
    }
}

/// From left to right: the balance goes on until the next payment.
fn steps(payments: &[Payment], begin: u64, end: u64, most: i64) -> String {
    let length = i128::from(end.saturating_sub(begin).max(1));
    let across = |at: u64| i128::from(at.saturating_sub(begin)).saturating_mul(i128::from(WIDTH)) / length;
    let down = |units: i64| i128::from(HEIGHT) - i128::from(units).saturating_mul(i128::from(HEIGHT)) / i128::from(most);
    let (mut points, mut before) = (Vec::new(), None);
    for payment in payments.iter().rev() {
        let x = across(payment.at.0);
        if let Some(y) = before {
            points.push(format!("{x},{y}"));
        }
        let y = down(payment.balance);
        points.push(format!("{x},{y}"));
        before = Some(y);
    }
    points.join(" ")
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::time::Timestamp;

    use super::*;

    fn payment(at: u64, balance: i64) -> Payment {
        Payment { position: at, at: Timestamp(at), units: 0, balance, agreement: None, entry: None }
    }

    #[test]
    fn balance_goes_on_as_it_is_until_the_next_payment() {
        let payments = [payment(30, 50), payment(20, 100), payment(10, 0)];
        assert_eq!(steps(&payments, 10, 30, 100), "0,120 300,120 300,0 600,0 600,60");
        assert_eq!(balance(&payments[..1]).into_string(), "");
        let same = [payment(10, i64::MAX), payment(10, 0)];
        assert_eq!(steps(&same, 10, 10, i64::MAX), "0,120 0,120 0,0", "also if all happened at once");
    }
}
