//! The description of the interface, and what people see.

use serde_json::Value;
use ureq::Agent;
use verinfer_protocols::agreement;

use crate::common::{LONG, Running, key, nonce, serving, sqlite};

pub fn get(running: &Running, path: &str) -> (u16, String) {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("{}{path}", running.url())).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

/// Every `$ref` in a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    if let Some(fields) = value.as_object() {
        for (name, value) in fields {
            match value.as_str() {
                Some(target) if name == "$ref" => found.push(target),
                _ => references(value, found),
            }
        }
    }
    for value in value.as_array().into_iter().flatten() {
        references(value, found);
    }
}

#[test]
fn description_is_complete() {
    let database = sqlite();
    let running = Running::start(&database);
    let (status, text) = get(&running, "/openapi.json");
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&text).unwrap();
    for path in
        ["/v1/about", "/v1/requests", "/v1/accounts/{account}", "/v1/agreements/{id}", "/v1/agreements/{id}/files/{file}", "/v1/log"]
    {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} is not described");
    }
    // Types of the same name in different protocols are different.
    let target = |kind: &str| document["components"]["schemas"][kind].clone();
    assert_ne!(target("accuracy.Terms"), target("serving.Terms"));
    running.stop();
}

#[test]
fn pages_show_agreements_balances_and_log() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1)], 1234);
    let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
    let id = running.client(&key(1)).open(agreement::Terms::Serving(terms)).unwrap().to_string();
    let (status, overview) = get(&running, "/");
    assert_eq!(status, 200);
    for part in [&id[..12], "serving", "proposed", "1154", "held for agreements", "deposit of 1234 (<bdi>cash ", "proposes: serving"] {
        assert!(overview.contains(part), "{part} is not in {overview}");
    }
    let (status, page) = get(&running, &format!("/agreements/{id}"));
    assert_eq!(status, 200);
    for part in [id.as_str(), "80 units", "proposes: serving", &key(2).account().to_string()] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert_eq!(get(&running, "/agreements/xyz").0, 400);
    assert_eq!(get(&running, &format!("/agreements/{}", nonce())).0, 404);
    assert_eq!(get(&running, "/nothing").0, 404);
    running.stop();
}

#[test]
fn refusals_are_pages_for_browsers_and_json_for_programs() {
    let database = sqlite();
    let running = Running::start(&database);
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |path: &str, accept: &str| {
        let mut answer = agent.get(format!("{}{path}", running.url())).header("accept", accept).call().unwrap();
        let headers = ["content-type", "content-security-policy"].map(|name| answer.headers().contains_key(name));
        (answer.status().as_u16(), headers, answer.body_mut().read_to_string().unwrap())
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, status) in [("/agreements/xyz".to_owned(), 400), (format!("/agreements/{}", nonce()), 404), ("/nothing".to_owned(), 404)] {
        let (found, headers, page) = ask(&path, browser);
        assert_eq!((found, headers), (status, [true; 2]));
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<h1>Refused</h1>") && !page.contains("live.js"), "{page}");
        let (found, headers, body) = ask(&path, "*/*");
        assert_eq!((found, headers), (status, [true, false]));
        assert!(serde_json::from_str::<Value>(&body).unwrap()["error"]["kind"].is_string());
    }
    let (status, _, body) = ask("/v1/agreements/xyz", browser);
    assert_eq!((status, body.starts_with('{')), (400, true));
    running.stop();
}

#[test]
fn log_can_be_read_and_its_digests_checked() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 10);
    let (status, text) = get(&running, "/v1/log?after=1");
    assert_eq!(status, 200);
    let lines: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["position"], 2);
    assert_eq!(lines[0]["head"], running.client(&key(1)).about().unwrap().head.to_string());
    assert_eq!(get(&running, "/v1/log?after=x").0, 400);
    running.stop();
}

#[test]
fn lists_are_paged() {
    let database = sqlite();
    let running = Running::start(&database);
    for units in 1..=60 {
        running.fund(&[&key(1)], units);
    }
    let account = key(1).account();
    let rows = |path: &str, prefix: &str| get(&running, path).1.matches(&format!(" id=\"{prefix}-")).count();
    for (first, next, prefix) in [
        ("/".to_owned(), "/log?before=11".to_owned(), "entry"),
        (format!("/accounts/{account}"), format!("/accounts/{account}?before=11"), "payment"),
    ] {
        assert!(get(&running, &first).1.contains(&format!("href=\"{next}\"")), "{first} does not lead to {next}");
        assert_eq!([rows(&first, prefix), rows(&next, prefix)], [50, 10], "{first}");
    }
    assert_eq!([rows("/log", "entry"), rows("/log?before=1", "entry")], [50, 0]);
    for wrong in
        ["/log?before=x", "/log?before=-1", "/agreements?ended=2", "/agreements?of=x", "/accounts?after=x", "/log?other=1", "/accounts/x"]
    {
        assert_eq!(get(&running, wrong).0, 400, "{wrong}");
    }
    assert_eq!(get(&running, &format!("/accounts/{}", key(9).account())).0, 404);
    running.stop();
}

#[test]
fn accounts_and_agreements_are_found_by_whom_they_are_of() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2), &key(3)], 1000);
    let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
    let id = running.client(&key(1)).open(agreement::Terms::Serving(terms)).unwrap().to_string();
    let row = format!("id=\"agreement-{id}\"");
    for (path, is_there) in [
        ("/agreements".to_owned(), true),
        ("/agreements?ended=true".to_owned(), false),
        (format!("/agreements?of={}", key(1).account()), true),
        (format!("/agreements?of={}", key(2).account()), true),
        (format!("/agreements?of={}", key(3).account()), false),
        (format!("/accounts/{}", key(2).account()), true),
        (format!("/accounts/{}", key(3).account()), false),
    ] {
        assert_eq!(get(&running, &path).1.contains(&row), is_there, "{path}");
    }
    let (_, accounts) = get(&running, "/accounts");
    let mut names = [1, 2, 3].map(|byte| key(byte).account().to_string());
    assert!(names.iter().all(|name| accounts.contains(&format!("id=\"balance-{name}\""))));
    names.sort();
    let (_, rest) = get(&running, &format!("/accounts?after={}", names[0]));
    assert!(!rest.contains(&format!("id=\"balance-{}\"", names[0])) && rest.contains(&format!("id=\"balance-{}\"", names[1])));
    running.stop();
}
