//! Pages for people: agreements, stages, balances, and the log, as they are now.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use verinfer_escrow_client::messages::AgreementSummary;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use super::failure::Failure;
use super::{Shared, api, words};
use crate::store::LogLine;

const STYLE: &str = include_str!("page.css");

/// Entries that a page shows.
const SHOWN: u32 = 100;

/// All agreements, all balances, the end of the log.
pub async fn overview(State(shared): State<Shared>) -> Result<Response, Failure> {
    let store = &shared.escrow.store;
    let overview = store.overview().await?;
    let agreements = store.summaries(None, SHOWN).await?;
    let lines = store.log(None, overview.head.position.saturating_sub(u64::from(SHOWN)), SHOWN).await?;
    let now = shared.escrow.now();
    Ok(page(
        "Escrow",
        now,
        &html! {
            dl {
                dt { "account" } dd { code { (shared.escrow.account()) } }
                dt { "log" } dd { (overview.head.position) " entries, " code { (overview.head.digest) } }
                dt { "agreements" } dd { (overview.open) " open, " (overview.ended) " ended" }
            }
            h2 { "Agreements" }
            (agreement_table(&agreements, now))
            h2 { "Balances" }
            table {
                thead { tr { th { "account" } th.number { "units" } } }
                tbody {
                    @for (account, units) in &overview.balances {
                        tr { td { code { (account) } } td.number { (units) } }
                    }
                    tr { td { "held for agreements" } td.number { (overview.held) } }
                }
            }
            h2 { "Log" }
            (log_table(&lines)?)
        },
    ))
}

/// One agreement and its entries.
pub async fn agreement(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Failure> {
    let id: AgreementId = id.parse().map_err(|error| Failure::malformed(&error))?;
    let view = api::view(&shared, id).await?;
    let lines = shared.escrow.store.log(Some(id), 0, 1000).await?;
    let state = serde_json::to_string_pretty(&view.agreement.state).unwrap_or_default();
    let terms = serde_json::to_string_pretty(&view.agreement.terms).unwrap_or_default();
    Ok(page(
        view.agreement.terms.kind(),
        view.now,
        &html! {
            p { a href="/" { "all agreements" } }
            dl {
                dt { "agreement" } dd { code { (id) } }
                dt { "stage" } dd { (view.stage) }
                @if let Some(deadline) = view.deadline { dt { "ends" } dd { (remaining(deadline, view.now)) } }
                @if let Some(account) = view.awaits { dt { "awaits" } dd { code { (account) } } }
                dt { "holds" } dd { (view.held) " units" }
            }
            h2 { "State" }
            pre { (state) }
            h2 { "Terms" }
            pre { (terms) }
            h2 { "Log" }
            (log_table(&lines)?)
        },
    ))
}

fn page(title: &str, now: Timestamp, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="2";
                title { (title) " - Verinfer escrow" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (content)
                footer { "escrow time " (now.0) " ms; the page shows itself anew every two seconds" }
            }
        }
    };
    let policy = [("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"), ("cache-control", "no-store")];
    (policy, Html(page.into_string())).into_response()
}

fn agreement_table(agreements: &[AgreementSummary], now: Timestamp) -> Markup {
    html! {
        table {
            thead { tr { th { "agreement" } th { "kind" } th { "stage" } th { "ends" } } }
            tbody {
                @for agreement in agreements {
                    tr.ended[agreement.ended] {
                        td { a href={ "/agreements/" (agreement.id) } { code { (short(&agreement.id.to_string())) } } }
                        td { (agreement.kind) }
                        td { (agreement.stage) }
                        td { @if let Some(deadline) = agreement.deadline { (remaining(deadline, now)) } }
                    }
                }
            }
        }
    }
}

fn log_table(lines: &[LogLine]) -> Result<Markup, Failure> {
    let mut rows = Vec::new();
    for line in lines.iter().rev() {
        rows.push((line, line.decode()?));
    }
    Ok(html! {
        table {
            thead { tr { th.number { "entry" } th { "agreement" } th { "who" } th { "what" } th { "digest" } } }
            tbody {
                @for (line, entry) in &rows {
                    tr {
                        td.number { (line.position) }
                        td { @if let Some(id) = entry.agreement() { a href={ "/agreements/" (id) } { code { (short(&id.to_string())) } } } }
                        td { @if let Some(account) = words::who(entry) { code { (short(&account.to_string())) } } @else { "time" } }
                        td { (words::what(entry)) }
                        td { code { (short(&line.digest.to_string())) } }
                    }
                }
            }
        }
    })
}

/// The first digits, which tell a reader which one it is.
fn short(text: &str) -> &str {
    text.get(..12).unwrap_or(text)
}

fn remaining(deadline: Timestamp, now: Timestamp) -> String {
    match deadline.0.checked_sub(now.0) {
        Some(rest) => format!("in {} s", rest.div_ceil(1000)),
        None => "now".to_owned(),
    }
}
