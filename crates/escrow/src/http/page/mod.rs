//! Pages for people: agreements, stages, money, and the log, as they are now. They are whole without scripts; with one they change in place. None shows, or
//! reads, more than a page of anything.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::time::Timestamp;

use super::api::LOG_BYTES;
use super::failure::Failure;
use super::{Shared, api};
use crate::store::{Shown, Which};

mod chart;
mod outcome;
mod parts;
mod table;
mod time;
mod words;

/// Rows of a page.
const ROWS: u32 = 50;

/// Nothing is run, loaded or asked for but what the escrow itself serves for the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Which page of a list.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Place {
    /// Agreements of this account.
    of: Option<AccountId>,
    /// Agreements that have ended.
    ended: bool,
    /// What was before this entry.
    before: Option<u64>,
    /// Entries, or accounts, after this one.
    after: Option<AccountId>,
}

type Asked = Result<Query<Place>, QueryRejection>;

fn place(asked: Asked) -> Result<Place, Failure> {
    asked.map(|Query(place)| place).map_err(|error| Failure::malformed(&error))
}

/// The first of all agreements and balances, and the end of the log.
pub async fn overview(State(shared): State<Shared>) -> Result<Response, Failure> {
    let store = &shared.escrow.reading;
    let overview = store.overview(ROWS).await?;
    let [open, ended] = [list(&shared, None, false, None).await?, list(&shared, None, true, None).await?];
    let lines = store.log_before(u64::MAX, ROWS, LOG_BYTES).await?;
    let now = shared.escrow.now();
    Ok(page(
        "Escrow",
        now,
        &html! {
            dl {
                dt { "account" } dd { code { (shared.escrow.account()) } }
                dt { "agreements" } dd { (overview.open) " open, " (overview.ended) " ended" }
                dt { "log" } dd { (overview.head.position) " entries, digest " code { (overview.head.digest) } }
            }
            (open_agreements(&open, None, now))
            (ended_agreements(&ended, None))
            h2 { "Balances" }
            (parts::balances(&overview))
            @if is_full(overview.balances.len()) { p { a href="/accounts" { "All accounts" } } }
            h2 { "Log" }
            (parts::log(&lines, now)?)
            (earlier("/log?", "Earlier entries", lines.last().map(|line| line.position)))
        },
    ))
}

/// Agreements, of one account or all.
pub async fn agreements(State(shared): State<Shared>, asked: Asked) -> Result<Response, Failure> {
    let Place { of, ended, before, .. } = place(asked)?;
    let (shown, now) = (list(&shared, of, ended, before).await?, shared.escrow.now());
    let content = html! {
        @if let Some(account) = of { p { "Of account " (parts::account(account)) } }
        @if ended { (ended_agreements(&shown, of)) } @else { (open_agreements(&shown, of, now)) }
    };
    Ok(page("Agreements", now, &content))
}

/// Entries of the log.
pub async fn log(State(shared): State<Shared>, asked: Asked) -> Result<Response, Failure> {
    let before = place(asked)?.before.unwrap_or(u64::MAX);
    let lines = shared.escrow.reading.log_before(before, ROWS, LOG_BYTES).await?;
    let now = shared.escrow.now();
    let content = html! {
        p { "The last entry comes first. Programs read the log at " a href="/v1/log" { "/v1/log" } "." }
        (parts::log(&lines, now)?)
        (earlier("/log?", "Earlier entries", lines.last().map(|line| line.position)))
    };
    Ok(page("Log", now, &content))
}

/// All accounts.
pub async fn accounts(State(shared): State<Shared>, asked: Asked) -> Result<Response, Failure> {
    let accounts = shared.escrow.reading.accounts(place(asked)?.after, ROWS).await?;
    let content = html! {
        (parts::accounts(&accounts))
        @if is_full(accounts.len()) && let Some((last, _)) = accounts.last() { p { a href={ "/accounts?after=" (last) } { "More accounts" } } }
    };
    Ok(page("Accounts", shared.escrow.now(), &content))
}

/// An account: its money, its agreements, and how they ended.
pub async fn account(State(shared): State<Shared>, Path(account): Path<String>, asked: Asked) -> Result<Response, Failure> {
    let account: AccountId = account.parse().map_err(|error| Failure::malformed(&error))?;
    let before = place(asked)?.before.unwrap_or(u64::MAX);
    let store = &shared.escrow.reading;
    if !store.is_known(account).await? {
        return Err(Failure::new(StatusCode::NOT_FOUND, "no_account", format!("nothing was recorded for account {account}")));
    }
    let balance = store.balance(Account::Party(account)).await?;
    let payments = store.payments_of(account, before, ROWS).await?;
    let [open, ended] = [list(&shared, Some(account), false, None).await?, list(&shared, Some(account), true, None).await?];
    let (counts, now) = (outcome::counts(&ended), shared.escrow.now());
    Ok(page(
        "Account",
        now,
        &html! {
            dl {
                dt { "account" } dd { code { (account) } }
                dt { "balance" } dd #balance { (balance) " units" }
            }
            h2 { "Money over time" }
            (chart::balance(&payments))
            (parts::payments(&payments, now))
            (earlier(&format!("/accounts/{account}?"), "Earlier payments", payments.last().map(|payment| payment.position).filter(|_| is_full(payments.len()))))
            h2 { "Outcomes" }
            @if counts.is_empty() { p.empty { "No agreement has ended." } } @else {
                p { "Of its " (ended.len()) " agreements that ended last:" }
                dl #outcomes { @for (kind, count) in &counts { dt { (count) } dd { (kind) } } }
            }
            (open_agreements(&open, Some(account), now))
            (ended_agreements(&ended, Some(account)))
        },
    ))
}

/// One agreement: how it stands, who was paid what, what proofs said, and its entries.
pub async fn agreement(State(shared): State<Shared>, Path(id): Path<String>, asked: Asked) -> Result<Response, Failure> {
    let id: AgreementId = id.parse().map_err(|error| Failure::malformed(&error))?;
    let before = place(asked)?.before.unwrap_or(u64::MAX);
    let view = api::view(&shared, id).await?;
    let store = &shared.escrow.reading;
    let (results, lines) = (store.results(id).await?, store.log_of(id, before, ROWS, LOG_BYTES).await?);
    let (proofs, now) = (parts::proofs(&lines)?, view.now);
    let (proposer, acceptor) = view.agreement.terms.parties();
    Ok(page(
        &format!("Agreement: {}", view.agreement.terms.kind()),
        now,
        &html! {
            dl {
                dt { "agreement" } dd { code { (id) } }
                dt { "proposed by" } dd { (parts::account_in_full(proposer)) }
                @if let Some(acceptor) = acceptor { dt { "with" } dd { (parts::account_in_full(acceptor)) } }
                dt { "stage" } dd #stage { (view.stage) }
                @if let Some(outcome) = outcome::outcome(&view.agreement) { dt { "outcome" } dd #outcome { (outcome) } }
                @if let Some(deadline) = view.deadline { dt { "ends" } dd { (time::future(deadline, now)) } }
                @if let Some(account) = view.awaits { dt { "awaits" } dd { (parts::account_in_full(account)) } }
                dt { "holds" } dd { (view.held) " units" }
            }
            h2 { @if view.ended { "Who was paid what" } @else { "Paid in so far" } }
            (parts::results(&results))
            @if !proofs.is_empty() {
                h2 { "What proofs said" }
                ul #proofs { @for proof in &proofs { li { (proof) } } }
            }
            h2 { "Log" }
            (parts::log(&lines, now)?)
            (earlier(&format!("/agreements/{id}?"), "Earlier entries", lines.last().map(|line| line.position).filter(|_| is_full(lines.len()))))
            h2 { "Terms" }
            (parts::tree(&serde_json::to_value(&view.agreement.terms).unwrap_or_default()))
            h2 { "State" }
            (parts::tree(&serde_json::to_value(&view.agreement.state).unwrap_or_default()))
        },
    ))
}

async fn list(shared: &Shared, of: Option<AccountId>, ended: bool, before: Option<u64>) -> Result<Vec<Shown>, Failure> {
    let which = Which { of, ended, before: before.unwrap_or(u64::MAX) };
    Ok(shared.escrow.reading.shown(which, ROWS).await?)
}

fn open_agreements(shown: &[Shown], of: Option<AccountId>, now: Timestamp) -> Markup {
    html! {
        h2 { "Open agreements" }
        (parts::open(shown, now))
        (more(shown, of, false))
    }
}

fn ended_agreements(shown: &[Shown], of: Option<AccountId>) -> Markup {
    html! {
        h2 { "Ended agreements" }
        (parts::ended(shown))
        (more(shown, of, true))
    }
}

/// The way to agreements that changed before those that are shown.
fn more(shown: &[Shown], of: Option<AccountId>, ended: bool) -> Markup {
    let of = of.map_or_else(String::new, |account| format!("of={account}&"));
    let last = shown.last().map(|shown| shown.changed).filter(|_| is_full(shown.len()));
    earlier(&format!("/agreements?{of}ended={ended}&"), "Those that changed earlier", last)
}

/// The way to what was before an entry, if there may be something.
fn earlier(address: &str, text: &str, before: Option<u64>) -> Markup {
    html! { @if let Some(before) = before.filter(|before| *before > 1) { p { a href={ (address) "before=" (before) } { (text) } } } }
}

/// Whether there may be more than is shown.
fn is_full(len: usize) -> bool {
    u32::try_from(len).is_ok_and(|len| len >= ROWS)
}

/// Answers with a page, in place of JSON, where people would read a refusal.
pub async fn show_refusals(request: Request, next: Next) -> Response {
    let is_read = !request.uri().path().starts_with("/v1/") && accepts_pages(request.headers());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Failure>() {
        Some(Failure { status, message, .. }) if is_read => {
            let content = html! { p { (message) } };
            (status, frame("Refused", &html! {}, &content)).into_response()
        }
        Some(_) | None => response,
    }
}

fn accepts_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut essences = accepted.filter_map(|range| range.split(';').next());
    essences.any(|essence| essence.trim().eq_ignore_ascii_case("text/html"))
}

/// How all pages look.
pub async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("style.css"))
}

/// What keeps a page up to date.
pub async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("live.js"))
}

fn asset(media_type: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, media_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}

/// A page that keeps itself up to date.
fn page(title: &str, now: Timestamp, content: &Markup) -> Response {
    let live = html! {
        script src="/page/live.js" defer {}
        noscript { meta http-equiv="refresh" content="2"; }
    };
    let content = html! {
        p #stale role="alert" hidden { "The escrow does not answer. Below is how it stood when it last did." }
        (content)
        footer { "Times are the escrow's, whose clock stands still while it is down: now " (time::date(now)) ". This page keeps itself up to date." }
    };
    frame(title, &live, &content)
}

fn frame(title: &str, head: &Markup, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - Verinfer escrow" }
                link rel="stylesheet" href="/page/style.css";
                (head)
            }
            body {
                header {
                    nav aria-label="Pages" {
                        a href="/" { "Overview" }
                        a href="/agreements" { "Open" }
                        a href="/agreements?ended=true" { "Ended" }
                        a href="/accounts" { "Accounts" }
                        a href="/log" { "Log" }
                    }
                }
                main {
                    h1 { (title) }
                    (content)
                }
            }
        }
    };
    let headers =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Html(page.into_string())).into_response()
}
