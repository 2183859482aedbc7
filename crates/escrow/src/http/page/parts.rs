//! Tables and lists.

use maud::{Markup, html};
use serde_json::Value;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::time::Timestamp;

use super::table::{Column, Row, table};
use super::{outcome, time, words};
use crate::books::Record;
use crate::http::failure::Failure;
use crate::store::{Listed, LogLine, Overview, Payment, Shown};

/// Agreements that have not ended.
pub fn open(shown: &[Shown], now: Timestamp) -> Markup {
    let columns = [
        Column("agreement", ""),
        Column("about", ""),
        Column("between", ""),
        Column("stage", ""),
        Column("holds", "number"),
        Column("ends", "time"),
    ];
    let row = |Shown { listed, .. }: &Shown| {
        let deadline = listed.summary.deadline;
        let ends = html! { @if let Some(deadline) = deadline { (time::future(deadline, now)) } };
        row(listed, [html! { (listed.summary.stage) }, html! { (listed.held) }, ends].to_vec())
    };
    table("Open agreements", &columns, &shown.iter().map(row).collect::<Vec<_>>(), &html! {})
}

/// Agreements that have ended, and how.
pub fn ended(shown: &[Shown]) -> Markup {
    let columns = [Column("agreement", ""), Column("about", ""), Column("between", ""), Column("outcome", "")];
    let row = |Shown { listed, ended, .. }: &Shown| {
        let text = ended.as_ref().and_then(|agreement: &Agreement| outcome::outcome(agreement));
        row(listed, vec![html! { (text.as_deref().unwrap_or("ended")) }])
    };
    table("Ended agreements", &columns, &shown.iter().map(row).collect::<Vec<_>>(), &html! {})
}

fn row(Listed { summary, proposer, acceptor, .. }: &Listed, more: Vec<Markup>) -> Row {
    let between = html! { (account(*proposer)) @if acceptor != proposer { " – " (account(*acceptor)) } };
    let cells = [vec![agreement(summary.id), html! { (summary.kind) }, between], more].concat();
    Row { id: format!("agreement-{}", summary.id), quiet: false, cells }
}

/// Who has how much. What all have together is what was paid in and not paid out.
pub fn balances(overview: &Overview) -> Markup {
    let named =
        |id: &str, name: &str, units: i64| Row { id: id.to_owned(), quiet: false, cells: vec![html! { (name) }, html! { (units) }] };
    let others = [
        named("fees", "fees of the escrow", overview.fees),
        named("due", "withdrawn and not paid out yet", overview.due),
        named("held", "held for agreements", overview.held),
    ];
    let rows: Vec<Row> = overview.balances.iter().map(balance).chain(others).collect();
    let foot = html! {
        tfoot role="rowgroup" { tr role="row" {
            td role="cell" data-column="account" { div { "paid in and not paid out" } }
            td.number role="cell" data-column="units" { div { (overview.issued) } }
        } }
    };
    table("Balances", &BALANCES, &rows, &foot)
}

/// Accounts and what they have.
pub fn accounts(accounts: &[(AccountId, i64)]) -> Markup {
    table("Accounts", &BALANCES, &accounts.iter().map(balance).collect::<Vec<_>>(), &html! {})
}

const BALANCES: [Column; 2] = [Column("account", ""), Column("units", "number")];

fn balance((account, units): &(AccountId, i64)) -> Row {
    Row { id: format!("balance-{account}"), quiet: *units == 0, cells: vec![account_in_full(*account), html! { (units) }] }
}

/// Payments to and from an account, the last one first.
pub fn payments(payments: &[Payment], now: Timestamp) -> Markup {
    let columns =
        [Column("entry", "number"), Column("when", "time"), Column("change", "number"), Column("balance", "number"), Column("for", "")];
    let row = |payment: &Payment| {
        let reason = html! {
            @if let Some(id) = payment.agreement { (agreement(id)) }
            @if let Some(entry) = &payment.entry { (words::what(entry)) }
        };
        let cells =
            vec![html! { (payment.position) }, time::past(payment.at, now), signed(payment.units), html! { (payment.balance) }, reason];
        Row { id: format!("payment-{}", payment.position), quiet: false, cells }
    };
    table("Payments", &columns, &payments.iter().map(row).collect::<Vec<_>>(), &html! {})
}

/// What an agreement has brought each party.
pub fn results(results: &[(Option<AccountId>, i64)]) -> Markup {
    let row = |(account, units): &(Option<AccountId>, i64)| {
        let who = html! { @match account { Some(account) => (account_in_full(*account)), None => "fees of the escrow" } };
        let id = account.map_or_else(|| "result-fees".to_owned(), |account| format!("result-{account}"));
        Row { id, quiet: *units == 0, cells: vec![who, signed(*units)] }
    };
    table("Results", &[Column("account", ""), Column("gained or paid", "number")], &results.iter().map(row).collect::<Vec<_>>(), &html! {})
}

fn signed(units: i64) -> Markup {
    // The sign of a sum, not a hyphen.
    html! { @if units < 0 { "−" (units.unsigned_abs()) } @else { "+" (units) } }
}

/// Entries, as they are given.
pub fn log(lines: &[LogLine], now: Timestamp) -> Result<Markup, Failure> {
    let columns = [
        Column("entry", "number"),
        Column("when", "time"),
        Column("who", ""),
        Column("what", ""),
        Column("agreement", ""),
        Column("digest", "wide"),
    ];
    let row = |line: &LogLine| {
        let entry = line.decode()?;
        let who = html! { @if let Some(signer) = words::who(&entry) { (account(signer)) } @else { "deadline" } };
        let about = html! { @if let Some(id) = entry.agreement() { (agreement(id)) } };
        let cells = vec![html! { (line.position) }, time::past(entry.at, now), who, words::what(&entry), about, short(&line.digest)];
        Ok(Row { id: format!("entry-{}", line.position), quiet: false, cells })
    };
    Ok(table("Log", &columns, &lines.iter().map(row).collect::<Result<Vec<_>, Failure>>()?, &html! {}))
}

/// What the proofs among some entries said.
pub fn proofs(lines: &[LogLine]) -> Result<Vec<Markup>, Failure> {
    let mut proofs = Vec::new();
    for line in lines {
        if let Record::Request { facts: Facts::Proof(statement), .. } = line.decode()?.record {
            proofs.push(html! { a href={ "#entry-" (line.position) } { "Entry " (line.position) } ": " (outcome::said(&statement)) });
        }
    }
    Ok(proofs)
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

/// The way to an account.
pub fn account(account: AccountId) -> Markup {
    html! { a href={ "/accounts/" (account) } { (short(&account)) } }
}

/// The way to an account, by its whole name.
pub fn account_in_full(account: AccountId) -> Markup {
    html! { a href={ "/accounts/" (account) } { code { (account) } } }
}

fn agreement(id: AgreementId) -> Markup {
    html! { a href={ "/agreements/" (id) } { (short(&id)) } }
}

/// The first digits of a digest or key, which tell a reader which one it is; all of it for a pointer that rests on it.
fn short(name: &impl ToString) -> Markup {
    let name = name.to_string();
    html! { code title=(name) { (name.get(..12).unwrap_or(&name)) } }
}
