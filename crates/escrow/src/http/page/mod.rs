//! Pages for people: agreements, stages, balances, and the log, as they are now. They are whole without scripts; with one they change in place.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use super::api::LOG_BYTES;
use super::failure::Failure;
use super::{Shared, api};

mod parts;
mod words;

/// Agreements, balances, and entries of the log, that the first page shows.
const SHOWN: u32 = 100;

/// Entries of the log that the page of an agreement shows.
const SHOWN_OF_AGREEMENT: u32 = 200;

/// Nothing is run, loaded or asked for but what the escrow itself serves for the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// All agreements, all balances, the end of the log.
pub async fn overview(State(shared): State<Shared>) -> Result<Response, Failure> {
    let store = &shared.escrow.reading;
    let overview = store.overview(SHOWN).await?;
    let agreements = store.listed(SHOWN).await?;
    let lines = store.end_of_log(SHOWN, LOG_BYTES).await?;
    let now = shared.escrow.now();
    let all = overview.open.saturating_add(overview.ended);
    Ok(page(
        "Escrow",
        now,
        &html! {
            dl {
                dt { "account" } dd { code { (shared.escrow.account()) } }
                dt { "agreements" } dd { (overview.open) " open, " (overview.ended) " ended" }
                dt { "log" } dd { (overview.head.position) " entries, digest " code { (overview.head.digest) } }
            }
            h2 { "Agreements" }
            (parts::agreements(&agreements, now))
            @if all > u64::from(SHOWN) { p { "The first " (SHOWN) " of " (all) ": open ones, then those that changed last." } }
            h2 { "Balances" }
            (parts::balances(&overview))
            @if overview.balances.len() >= usize::try_from(SHOWN).unwrap_or(usize::MAX) { p { "The first " (SHOWN) " accounts." } }
            h2 { "Log" }
            (parts::log(&lines, now)?)
            @if overview.head.position > u64::from(SHOWN) { p { "The last " (SHOWN) " entries; all are at " a href="/v1/log" { "/v1/log" } "." } }
        },
    ))
}

/// One agreement and its entries.
pub async fn agreement(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Failure> {
    let id: AgreementId = id.parse().map_err(|error| Failure::malformed(&error))?;
    let view = api::view(&shared, id).await?;
    let lines = shared.escrow.reading.log(Some(id), 0, SHOWN_OF_AGREEMENT, LOG_BYTES).await?;
    Ok(page(
        &format!("Agreement: {}", view.agreement.terms.kind()),
        view.now,
        &html! {
            p { a href="/" { "all agreements" } }
            dl {
                dt { "agreement" } dd { code { (id) } }
                dt { "stage" } dd #stage { (view.stage) }
                @if let Some(deadline) = view.deadline { dt { "ends" } dd { (words::until(deadline, view.now)) } }
                @if let Some(account) = view.awaits { dt { "awaits" } dd { code { (account) } } }
                dt { "holds" } dd { (view.held) " units" }
            }
            h2 { "State" }
            (parts::tree(&serde_json::to_value(&view.agreement.state).unwrap_or_default()))
            h2 { "Terms" }
            (parts::tree(&serde_json::to_value(&view.agreement.terms).unwrap_or_default()))
            h2 { "Log" }
            (parts::log(&lines, view.now)?)
        },
    ))
}

/// Answers with a page, in place of JSON, where people would read a refusal.
pub async fn show_refusals(request: Request, next: Next) -> Response {
    let is_read = !request.uri().path().starts_with("/v1/") && accepts_pages(request.headers());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Failure>() {
        Some(Failure { status, message, .. }) if is_read => {
            let content = html! {
                p { a href="/" { "all agreements" } }
                p { (message) }
            };
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
        footer { "Escrow time " (now) ". This page keeps itself up to date." }
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
                h1 { (title) }
                (content)
            }
        }
    };
    let headers =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Html(page.into_string())).into_response()
}
