//! Tables and lists.

use maud::{Markup, html};
use serde_json::Value;
use verinfer_protocols::time::Timestamp;

use super::words;
use crate::http::failure::Failure;
use crate::store::{Listed, LogLine, Overview};

/// Agreements, one in each row.
pub fn agreements(agreements: &[Listed], now: Timestamp) -> Markup {
    html! {
        @if agreements.is_empty() { p.empty { "None yet." } } @else {
            div.scroll {
                table {
                    thead { tr { th { "agreement" } th { "about" } th.wide { "between" } th { "stage" } th.number { "holds" } th.number { "ends" } } }
                    tbody {
                        @for Listed { summary, proposer, acceptor, held } in agreements {
                            tr.ended[summary.ended] id={ "agreement-" (summary.id) } {
                                td.nowrap { a href={ "/agreements/" (summary.id) } { (short(&summary.id)) } }
                                td { (summary.kind) }
                                td.nowrap.wide { (short(proposer)) @if acceptor != proposer { " – " (short(acceptor)) } }
                                td { (summary.stage) }
                                td.number { (held) }
                                td.number { @if let Some(deadline) = summary.deadline { (words::until(deadline, now)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Who has how much. What all have together is what was paid in and not paid out.
pub fn balances(overview: &Overview) -> Markup {
    html! {
        table {
            thead { tr { th { "account" } th.number { "units" } } }
            tbody {
                @for (account, units) in &overview.balances {
                    tr id={ "balance-" (account) } {
                        td { code { (account) } }
                        td.number { (units) }
                    }
                }
                tr #fees { td { "fees of the escrow" } td.number { (overview.fees) } }
                tr #due { td { "withdrawn and not paid out yet" } td.number { (overview.due) } }
                tr #held { td { "held for agreements" } td.number { (overview.held) } }
            }
            tfoot { tr { td { "paid in and not paid out" } td.number { (overview.issued) } } }
        }
    }
}

/// Entries, the last one first.
pub fn log(lines: &[LogLine], now: Timestamp) -> Result<Markup, Failure> {
    let entries = lines.iter().rev().map(|line| Ok((line, line.decode()?))).collect::<Result<Vec<_>, Failure>>()?;
    Ok(html! {
        @if entries.is_empty() { p.empty { "Nothing yet." } } @else {
            div.scroll {
                table {
                    thead { tr { th.number { "entry" } th { "when" } th { "who" } th { "what" } th.wide { "agreement" } th.wide { "digest" } } }
                    tbody {
                        @for (line, entry) in &entries {
                            tr id={ "entry-" (line.position) } {
                                td.number { (line.position) }
                                td.nowrap { (words::since(entry.at, now)) }
                                td.nowrap { @if let Some(account) = words::who(entry) { (short(&account)) } @else { "deadline" } }
                                td { (words::what(entry)) }
                                td.nowrap.wide { @if let Some(id) = entry.agreement() { a href={ "/agreements/" (id) } { (short(&id)) } } }
                                td.nowrap.wide { (short(&line.digest)) }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// A value with all its parts.
pub fn tree(value: &Value) -> Markup {
    html! {
        @match value {
            Value::Object(fields) => dl { @for (name, value) in fields { dt { (name.replace('_', " ")) } dd { (tree(value)) } } },
            Value::Array(values) if values.iter().all(Value::is_number) => {
                @for (place, value) in values.iter().enumerate() { @if place > 0 { ", " } (value) }
            },
            Value::Array(values) => ol.values { @for value in values { li { (tree(value)) } } },
            Value::String(text) => code { (text) },
            Value::Null | Value::Bool(_) | Value::Number(_) => (value),
        }
    }
}

/// The first digits of a digest or key, which tell a reader which one it is; all of it for a pointer that rests on it.
fn short(name: &impl ToString) -> Markup {
    let name = name.to_string();
    html! { code title=(name) { (name.get(..12).unwrap_or(&name)) } }
}
