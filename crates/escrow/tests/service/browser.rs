//! What people see: the pages in headless Chromium, as they stand and as they change.

use crate::common::reader::Reader;
use crate::common::{LONG, Running, digest, key, money, nonce, serving, sqlite};
use verinfer_escrow_client::Client;
use verinfer_protocols::agreement;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::serving::{Answer, Move};

fn short(name: &impl ToString) -> String {
    name.to_string()[..12].to_owned()
}

/// Proposes a round of two predictions: the customer is key 1, the provider key 2.
fn propose(customer: &Client) -> AgreementId {
    let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
    customer.open(agreement::Terms::Serving(terms)).unwrap()
}

fn act(client: &Client, id: AgreementId, action: Move) -> String {
    short(&client.act(id, agreement::Move::Serving(action)).unwrap().head)
}

/// The condition that the page shows the stage of an agreement.
fn shows(id: AgreementId, stage: &str) -> String {
    format!("[...document.getElementById('agreement-{id}').cells].some(cell => cell.innerText == '{stage}')")
}

/// Longer than it takes a page to show itself anew.
const PERIODS: std::time::Duration = std::time::Duration::from_secs(3);

#[test]
fn first_page_shows_agreements_balances_and_log_and_changes_by_itself() {
    let database = sqlite();
    let running = Running::start(&database);
    let (customers, providers) = (key(1), key(2));
    running.fund(&[&customers, &providers], 1000);
    let (customer, provider) = (running.client(&customers), running.client(&providers));
    let id = propose(&customer);
    let Some(reader) = Reader::open(&running.url()) else { return running.stop() };
    let agreement = format!("tr[id='agreement-{id}']");
    let balance =
        |reader: &Reader, account: &dyn ToString| reader.cells(&format!("tr[id='balance-{}']", account.to_string())).pop().unwrap();
    let others = |reader: &Reader| ["#fees", "#held", "tfoot tr"].map(|row| reader.cells(row).pop().unwrap());

    // As it stands.
    let between = format!("{} – {}", short(&customers.account()), short(&providers.account()));
    let cells = reader.cells(&agreement);
    assert_eq!(cells[..5], [short(&id), "serving".to_owned(), between, "proposed".to_owned(), "80".to_owned()]);
    assert!(cells[5].contains("UTC in 9 min") || cells[5].ends_with("UTC in 10 min 0 s"), "{cells:?}");
    assert_eq!((balance(&reader, &customers.account()), balance(&reader, &providers.account())), ("920".into(), "1000".into()));
    assert_eq!(others(&reader), ["0", "80", "2000"]);
    let log = customer.about().unwrap();
    assert!(reader.cells("tr[id='entry-1']")[3].starts_with("deposit of 1000 (cash "));
    let last = reader.cells("tr[id='entry-3']");
    assert_eq!([last[0].as_str(), &last[2], &last[3]], ["3", &short(&customers.account()), "proposes: serving"]);
    assert_eq!(last[4..], [short(&id), short(&log.head)]);
    assert!(reader.ask::<String>("document.body.innerText").contains(&log.head.to_string()));

    // It changes where something has changed; the page that is read stays the same, at the same place.
    reader.ask::<bool>("window.isTheSame = document.querySelector('h1').isTheSame = true");
    reader.ask::<bool>("(window.getSelection().selectAllChildren(document.getElementById('entry-1')), true)");
    let head = act(&provider, id, Move::Accept);
    reader.wait_until(&shows(id, "sending"));
    assert_eq!((balance(&reader, &providers.account()), others(&reader)), ("920".into(), ["0", "160", "2000"].map(str::to_owned)));
    let last = reader.cells("tr[id='entry-4']");
    assert_eq!([&last[2], &last[3], &last[5]], [&short(&providers.account()), &"serving accept".to_owned(), &head]);
    assert!(reader.ask::<String>("window.getSelection().toString()").contains("deposit of 1000 (cash "));

    act(&customer, id, Move::Send { inputs: vec![digest("input"), digest("other")] });
    reader.wait_until(&shows(id, "confirming"));
    act(&provider, id, Move::Confirm);
    reader.wait_until(&shows(id, "running"));
    let answers = (0..).zip(["input", "other"]);
    let answers = answers.map(|(index, input)| Answer::sign(id, index, &digest(input), &digest("scores"), &providers));
    act(&customer, id, Move::Record { answers: answers.collect() });
    act(&customer, id, Move::Conclude);
    reader.wait_until(&shows(id, "predictions given, none contested: 2 of 2 paid"));
    assert_eq!(reader.cells(&agreement)[3..], ["predictions given, none contested: 2 of 2 paid"]);
    assert_eq!((balance(&reader, &customers.account()), balance(&reader, &providers.account())), ("1000".into(), "1000".into()));
    assert_eq!(others(&reader), ["0", "0", "2000"]);
    let digests: Vec<String> =
        reader.ask("[...document.querySelectorAll('tr[id^=entry]')].map(row => row.lastChild.querySelector('code').title)");
    let logged: serde_json::Value = customer_log(&running);
    let logged: Vec<&str> = logged.as_array().unwrap().iter().rev().map(|line| line["head"].as_str().unwrap()).collect();
    assert_eq!(digests, logged);
    assert!(reader.ask::<bool>("window.isTheSame && document.querySelector('h1').isTheSame"));
    running.stop();

    // What no longer changes is said to be old.
    reader.wait_until("document.getElementById('stale').checkVisibility()");
}

fn customer_log(running: &Running) -> serde_json::Value {
    let mut answer = ureq::get(format!("{}/v1/log", running.url())).call().unwrap();
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

#[test]
fn reader_who_has_scrolled_down_stays_where_they_are() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    for _ in 0..40 {
        running.fund(&[&key(3)], 1);
    }
    let customer = running.client(&key(1));
    let Some(reader) = Reader::open(&running.url()) else { return running.stop() };
    reader.ask::<bool>("(document.getElementById('entry-20').scrollIntoView(), true)");
    let top = "Math.round(document.getElementById('entry-20').getBoundingClientRect().top)";
    let before: i64 = reader.ask(top);
    let id = propose(&customer);
    reader.wait_until(&format!("document.getElementById('agreement-{id}') !== null"));
    let after: i64 = reader.ask(top);
    assert!(after.abs_diff(before) <= 1, "the entry moved from {before} to {after}");
    assert!(reader.ask::<f64>("window.scrollY") > 0.0);
    running.stop();
}

#[test]
fn page_of_an_agreement_follows_it() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let id = propose(&running.client(&key(1)));
    let Some(reader) = Reader::open(&format!("{}/agreements/{id}", running.url())) else { return running.stop() };
    let stage = "document.getElementById('stage').innerText";
    assert_eq!(reader.ask::<String>(stage), "proposed");
    assert_eq!(reader.ask::<String>("document.querySelector('h1').innerText"), "Agreement: serving");
    let text: String = reader.ask("document.body.innerText");
    for part in [id.to_string(), key(2).account().to_string(), "80 units".to_owned(), "beta".to_owned()] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
    act(&running.client(&key(2)), id, Move::Accept);
    reader.wait_until(&format!("{stage} == 'sending'"));
    let text: String = reader.ask("document.body.innerText");
    assert!(text.contains("160 units") && text.contains("serving accept"), "{text}");
    running.stop();
}

#[test]
fn page_without_scripts_shows_itself_anew() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let Some(reader) = Reader::open_without_scripts(&running.url()) else { return running.stop() };
    assert_eq!(reader.cells("tfoot tr")[1], "2000");
    let id = propose(&running.client(&key(1)));
    reader.wait_until(&format!("document.getElementById('agreement-{id}') !== null"));
    running.stop();
}

#[test]
fn what_strangers_write_is_shown_and_not_run() {
    let references = [
        "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>",
        "</td></tr></table><style>*{display:none}</style><a href=javascript:run()>",
        "\u{202e}reversed & \"quoted\" 'twice' \u{5e9}\u{5dc}\u{5d5}\u{5dd} &lt;",
    ];
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1)], 1000);
    let customer = running.client(&key(1));
    customer.withdraw(money(1), references[0].to_owned()).unwrap();
    let Some(reader) = Reader::open(&running.url()) else { return running.stop() };
    // One stands there from the beginning, the others come while the page is open.
    for reference in &references[1..] {
        customer.withdraw(money(1), (*reference).to_owned()).unwrap();
    }
    reader.wait_until("document.getElementById('entry-4') !== null");
    std::thread::sleep(PERIODS);
    for (number, reference) in (2..).zip(references) {
        let shown: String = reader.ask(&format!("document.getElementById('entry-{number}').cells[3].textContent"));
        assert_eq!(shown, format!("withdrawal of 1 ({reference})"));
    }
    let strange: usize = reader.ask("document.querySelectorAll('img, style, body script, a[href^=javascript]').length");
    assert_eq!(strange, 0);
    assert_eq!(reader.ask::<String>("document.title"), "Escrow - Verinfer escrow");
    // Not even a script that stood in the page would be run.
    let injected =
        "(document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.run = true' })), !window.run)";
    assert!(reader.ask::<bool>(injected));

    // The other pages with texts of strangers, at their widest and on a phone.
    for path in [format!("/accounts/{}", key(1).account()), "/log".to_owned()] {
        for width in [1280, 360] {
            reader.narrow(width, &format!("{}{path}", running.url()));
            let text: String = reader.ask("document.body.textContent");
            for reference in &references {
                assert!(text.contains(reference), "{reference:?} is not in {path}: {text}");
            }
            assert_eq!(
                reader.ask::<usize>("document.querySelectorAll('img, style, body script, a[href^=javascript]').length"),
                0,
                "{path}"
            );
            // What is written from right to left turns nothing around that is not its own.
            let outside = "[...document.querySelectorAll('td, dd')].filter(cell => [...cell.childNodes].some(node => \
                           node.nodeType == Node.TEXT_NODE && node.textContent.includes('\u{202e}'))).length";
            assert_eq!(reader.ask::<usize>(outside), 0, "{path}");
            let widest: u32 = reader.ask("document.documentElement.scrollWidth");
            assert!(widest <= width, "{path} is {widest} wide on {width}");
            reader.picture(&format!("hostile{}-{width}", path.split('/').nth(1).unwrap()));
        }
    }
    running.stop();
}

/// How each of these texts stands out from what is behind it: WCAG's contrast of two colours.
const CONTRAST: &str = "(() => { \
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true }); \
    const paint = colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; }; \
    const light = ([r, g, b]) => [[r, .2126], [g, .7152], [b, .0722]].map(([c, w]) => \
        w * (c / 255 <= .04045 ? c / 255 / 12.92 : ((c / 255 + .055) / 1.055) ** 2.4)).reduce((a, b) => a + b); \
    const probe = document.body.appendChild(document.createElement('div')); \
    probe.style.backgroundColor = 'Canvas'; \
    const canvas_colour = getComputedStyle(probe).backgroundColor; \
    probe.remove(); \
    return [...document.querySelectorAll('body, a, th, dt, td, .from-now, footer')].map(element => { \
        const behind = light(paint(canvas_colour)), front = light(paint(getComputedStyle(element).color)); \
        return (Math.max(behind, front) + .05) / (Math.min(behind, front) + .05); }); })()";

#[test]
fn pages_can_be_read_by_who_prefers_dark_ones() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let (customer, provider) = (running.client(&key(1)), running.client(&key(2)));
    let id = propose(&customer);
    act(&provider, id, Move::Accept);
    let Some(reader) = Reader::open(&running.url()) else { return running.stop() };
    for is_dark in [false, true] {
        if is_dark {
            reader.prefer_dark();
        }
        for (name, url) in pages(&running, id) {
            reader.narrow(1280, &url);
            assert_eq!(reader.ask::<bool>("matchMedia('(prefers-color-scheme: dark)').matches"), is_dark);
            let behind: Vec<u8> = reader.ask(
                "(() => { const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d'); \
                 canvas.fillStyle = getComputedStyle(document.documentElement).color; canvas.fillRect(0, 0, 1, 1); \
                 return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); })()",
            );
            assert_eq!(behind.iter().all(|&part| part > 200), is_dark, "{name}: text is {behind:?}");
            let contrasts: Vec<f64> = reader.ask(CONTRAST);
            let least = contrasts.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(least >= 4.5, "{name}, dark {is_dark}: contrast {least}");
            reader.picture(&format!("{name}-{}", if is_dark { "dark" } else { "light" }));
        }
    }
    running.stop();
}

/// The addresses of all kinds of pages, about an agreement of key 1 and key 2.
fn pages(running: &Running, id: AgreementId) -> Vec<(&'static str, String)> {
    let account = key(1).account();
    let paths = [
        ("overview", String::new()),
        ("agreements", "/agreements?ended=true".to_owned()),
        ("agreement", format!("/agreements/{id}")),
        ("accounts", "/accounts".to_owned()),
        ("account", format!("/accounts/{account}")),
        ("log", "/log".to_owned()),
    ];
    paths.map(|(name, path)| (name, format!("{}{path}", running.url()))).to_vec()
}

#[test]
fn no_page_is_wider_than_a_phone_and_what_is_in_tables_stays_a_table_for_screen_readers() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let (customer, provider) = (running.client(&key(1)), running.client(&key(2)));
    let id = propose(&customer);
    act(&provider, id, Move::Accept);
    propose(&customer);
    customer.withdraw(money(7), "x".repeat(120)).unwrap();
    let Some(reader) = Reader::open(&running.url()) else { return running.stop() };
    for (name, url) in pages(&running, id) {
        for width in [1280, 360] {
            reader.narrow(width, &url);
            let widest: u32 = reader.ask("document.documentElement.scrollWidth");
            assert!(widest <= width, "{name} is {widest} wide on {width}");
            reader.picture(&format!("{name}-{width}"));
        }
        let unnamed: usize = reader.ask(
            "[...document.querySelectorAll('table')].filter(table => table.getAttribute('role') != 'table' || !table.ariaLabel).length \
             + document.querySelectorAll('tr:not([role=row]), td:not([role=cell]), th:not([role=columnheader])').length",
        );
        assert_eq!(unnamed, 0, "{name}");
        // Beside its column's name each cell is one box: what is in it stays together.
        assert_eq!(reader.ask::<usize>("document.querySelectorAll('td:not(:has(> div:only-child))').length"), 0, "{name}");
        assert_eq!(reader.ask::<usize>("document.querySelectorAll('main h1').length"), 1, "{name}");
    }
    running.stop();
}

#[test]
fn page_of_an_account_shows_its_money_over_time() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let Some(reader) = Reader::open(&format!("{}/accounts/{}", running.url(), key(1).account())) else { return running.stop() };
    let balance = "document.getElementById('balance').innerText";
    assert_eq!(reader.ask::<String>(balance), "1000 units");
    let id = propose(&running.client(&key(1)));
    reader.wait_until(&format!("{balance} == '920 units'"));
    let payment = reader.cells("tr[id='payment-3']");
    assert_eq!([&payment[0], &payment[2], &payment[3], &payment[4]], ["3", "−80", "920", &short(&id)]);
    assert!(reader.ask::<bool>("document.querySelector('svg polyline').getBBox().width > 0"));
    assert_eq!(reader.ask::<usize>(&format!("document.querySelectorAll('tr[id=\"agreement-{id}\"]').length")), 1);
    running.stop();
}
