//! An account's money through commands, each a process of its own, with an escrow that is killed meanwhile. Entry 1 of its log has the rules.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use between::Between;
use serde_json::Value;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::answer::{Answer, SignedCertificate};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;
use verinfer_protocols::rules::Rules;
use verinfer_protocols::time::Millis;
use verinfer_protocols::{serving, stake};

#[path = "../../escrow/tests/service/common/between.rs"]
#[allow(dead_code, reason = "tests of the escrow itself need more")]
mod between;

const PROGRAM: &str = env!("CARGO_BIN_EXE_verinfer");

/// An escrow process, and where it is.
struct Escrow {
    child: Child,
    url: String,
}

impl Escrow {
    fn start(folder: &Path) -> Self {
        Self::signing(folder, &["--key", "escrow.key"])
    }

    /// One that has these keys.
    fn signing(folder: &Path, keys: &[&str]) -> Self {
        let serve = ["--json", "escrow", "serve", "--db", "sqlite:escrow.db", "--listen", "127.0.0.1:0"];
        let mut child = Command::new(PROGRAM).current_dir(folder).args(serve).args(keys).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = serde_json::from_str::<Value>(&line).unwrap()["url"].as_str().unwrap().to_owned();
        Self { child, url }
    }

    /// What a command prints and its exit code.
    fn run(&self, folder: &Path, key: &str, arguments: &[&str]) -> (i32, Value) {
        let (code, text) = run(folder, &[arguments, &["--json", "--escrow", &self.url, "--key", key]].concat());
        (code, serde_json::from_str(&text).unwrap())
    }
}

impl Drop for Escrow {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(PROGRAM).current_dir(folder).args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn key(folder: &Path, name: &str) -> SecretKey {
    let seed: Digest = std::fs::read_to_string(folder.join(name)).unwrap().trim().parse().unwrap();
    SecretKey::from_seed(&seed.0)
}

/// The account of a new key.
fn new_key(folder: &Path, name: &str) -> String {
    let (_, text) = run(folder, &["keys", "new", name, "--json"]);
    serde_json::from_str::<Value>(&text).unwrap()["account"].as_str().unwrap().to_owned()
}

/// A folder with keys of an escrow and a party; the party's account.
fn keys() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["keys", "new", "escrow.key"]);
    let account = new_key(folder.path(), "party.key");
    (folder, account)
}

#[test]
fn money_comes_in_and_goes_out_by_commands_that_may_be_repeated_after_a_kill() {
    let (folder, account) = keys();
    let folder = folder.path();
    let escrow = Escrow::start(folder);
    let deposit = ["escrow", "deposit", "--account", &account, "--amount", "1000", "--reference", "invoice 17"];
    let (code, first) = escrow.run(folder, "escrow.key", &deposit);
    assert_eq!((code, &first["entry"]), (0, &Value::from(2)));
    drop(escrow);

    let escrow = Escrow::start(folder);
    let (code, again) = escrow.run(folder, "escrow.key", &deposit);
    assert_eq!((code, &again["entry"]), (0, &Value::Null));
    let other = ["escrow", "deposit", "--account", &account, "--amount", "1001", "--reference", "invoice 17"];
    let (code, refused) = escrow.run(folder, "escrow.key", &other);
    assert_eq!(code, 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("of 1000 units with this reference, not of 1001"), "{refused}");

    let withdraw = ["account", "withdraw", "--amount", "300", "--reference", "november"];
    let (code, first) = escrow.run(folder, "party.key", &withdraw);
    assert_eq!((code, &first["entry"], &first["balance"]), (0, &Value::from(3), &Value::from(700)));
    drop(escrow);

    let escrow = Escrow::start(folder);
    let (code, again) = escrow.run(folder, "party.key", &withdraw);
    assert_eq!((code, &again["entry"], &again["balance"]), (0, &Value::Null, &Value::from(700)));
    let (_, due) = escrow.run(folder, "escrow.key", &["escrow", "payouts"]);
    assert_eq!(due["payments"].as_array().unwrap().len(), 1);
    assert_eq!((&due["payments"][0]["account"], &due["payments"][0]["amount"]), (&Value::from(account.as_str()), &Value::from(300)));
    let (code, _) = escrow.run(folder, "escrow.key", &["escrow", "paid", "--account", &account, "--reference", "november"]);
    assert_eq!(code, 0);
    let reverse = ["escrow", "reverse", "--account", &account, "--reference", "invoice 17", "--reason", "not ours"];
    let (code, refused) = escrow.run(folder, "escrow.key", &reverse);
    assert_eq!(code, 2, "only 700 are there: {refused}");
    let (code, _) = escrow.run(folder, "escrow.key", &[&reverse[..], &["--left", "300"]].concat());
    assert_eq!(code, 0);

    let (_, balance) = escrow.run(folder, "party.key", &["account", "balance"]);
    assert_eq!((&balance["balance"], &balance["due"]), (&Value::from(0), &Value::from(0)));
    let (_, payments) = escrow.run(folder, "party.key", &["account", "payments"]);
    let standing: Vec<_> = payments["payments"].as_array().unwrap().iter().map(|payment| &payment["standing"]).collect();
    assert_eq!(standing, ["received", "paid"]);
    let (_, history) = escrow.run(folder, "party.key", &["account", "history", "--limit", "2"]);
    let lines: Vec<_> = history["entries"].as_array().unwrap().iter().map(|line| (&line["what"], &line["units"])).collect();
    assert_eq!(lines, [(&Value::from("reversal"), &Value::from(-700)), (&Value::from("withdrawal"), &Value::from(-300))]);
    assert_eq!(history["before"], 3);
    let (_, rest) = escrow.run(folder, "party.key", &["account", "history", "--before", "3"]);
    assert_eq!((rest["entries"].as_array().unwrap().len(), &rest["entries"][0]["what"]), (1, &Value::from("deposit")));
    drop(escrow);

    let (code, audit) = run(folder, &["escrow", "audit", "--db", "sqlite:escrow.db", "--json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&audit).unwrap()["issued"]), (0, &Value::from(0)));
}

#[test]
fn no_payment_is_overlooked_however_many_there_are_and_the_operators_commands_want_the_escrows_key() {
    use verinfer_escrow_client::{Client, Patience};
    use verinfer_protocols::digest::Digest;
    use verinfer_protocols::keys::SecretKey;
    use verinfer_protocols::money::Money;

    let (folder, account) = keys();
    let folder = folder.path();
    let escrow = Escrow::start(folder);
    escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", &account, "--amount", "1000", "--reference", "invoice 17"]);
    let seed: Digest = std::fs::read_to_string(folder.join("party.key")).unwrap().trim().parse().unwrap();
    let client = Client::connect(&escrow.url, SecretKey::from_seed(&seed.0), Patience::default()).unwrap();
    for number in 0..250 {
        client.withdraw(Money::new(2).unwrap(), number.to_string()).unwrap();
    }
    let (code, due) = escrow.run(folder, "escrow.key", &["escrow", "payouts"]);
    let references: Vec<_> = due["payments"].as_array().unwrap().iter().map(|payment| payment["reference"].clone()).collect();
    assert_eq!((code, references), (0, (0..250).map(|number| Value::from(number.to_string())).collect()));
    let (_, balance) = escrow.run(folder, "party.key", &["account", "balance"]);
    assert_eq!((&balance["balance"], &balance["due"]), (&Value::from(500), &Value::from(500)));
    let (_, payments) = escrow.run(folder, "party.key", &["account", "payments"]);
    assert_eq!(payments["payments"].as_array().unwrap().len(), 251);

    let payment = ["--account", &account, "--reference", "7"];
    for arguments in [
        &["escrow", "payouts"][..],
        &[&["escrow", "deposit", "--amount", "5"][..], &payment].concat(),
        &[&["escrow", "reverse", "--reason", "error"][..], &payment].concat(),
        &[&["escrow", "paid"][..], &payment].concat(),
        &[&["escrow", "returned", "--reason", "error"][..], &payment].concat(),
    ] {
        let before = client.about().unwrap().position;
        let (code, refused) = escrow.run(folder, "party.key", arguments);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(code == 2 && message.contains("party.key is the key of account") && message.contains("for the operator"), "{refused}");
        assert_eq!(client.about().unwrap().position, before);
    }
}

#[test]
fn a_stake_is_retired_by_a_command_and_is_no_proposal_that_could_be_taken_back() {
    let (folder, account) = keys();
    let folder = folder.path();
    let escrow = Escrow::start(folder);
    escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", &account, "--amount", "100000", "--reference", "invoice 17"]);
    let key = key(folder, "party.key");
    let client = Client::connect(&escrow.url, key.clone(), Patience::default()).unwrap();
    let rules = Rules::default().stake;
    let terms = stake::Terms {
        provider: key.account(),
        model: Digest([1; 32]),
        amount: rules.least,
        lock: rules.lock,
        covers: rules.covers,
        nonce: Digest([2; 32]),
    };
    let stake = client.open(Terms::Stake(terms)).unwrap().to_string();

    let (_, balance) = escrow.run(folder, "party.key", &["account", "balance"]);
    assert_eq!((&balance["balance"], &balance["agreements"][0]["held"]), (&Value::from(50_000), &Value::from(50_000)));
    let (code, refused) = escrow.run(folder, "party.key", &["account", "take-back", &stake]);
    assert_eq!(code, 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("retire-stake"), "{refused}");
    let (code, retired) = escrow.run(folder, "party.key", &["account", "retire-stake", &stake]);
    assert_eq!((code, &retired["stage"]), (0, &Value::from("retired")), "{retired}");
    assert!((604_700..=604_800).contains(&retired["returned_in"].as_u64().unwrap()), "{retired}");
}

/// A round of predictions that a party proposes to another.
fn round(customer: AccountId, provider: AccountId, number: u8) -> Terms {
    let (hour, money) = (Millis(3_600_000), |units| Money::new(units).unwrap());
    Terms::Serving(serving::Terms {
        customer,
        provider,
        model: Digest([1; 32]),
        inputs: 1,
        proof: money(20),
        price: money(1),
        beta: 2,
        periods: serving::Periods { respond: hour, round: hour, answer: hour, prove: hour },
        nonce: Digest([number; 32]),
    })
}

#[test]
fn a_proposal_is_taken_back_by_a_command_unless_somebody_has_accepted_it() {
    let (folder, account) = keys();
    let folder = folder.path();
    let (escrow, other) = (Escrow::start(folder), new_key(folder, "other.key"));
    for account in [&account, &other] {
        escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", account, "--amount", "1000", "--reference", "cash"]);
    }
    let [customer, provider] =
        ["party.key", "other.key"].map(|name| Client::connect(&escrow.url, key(folder, name), Patience::default()).unwrap());
    let [first, second] = [1, 2].map(|number| customer.open(round(customer.account(), provider.account(), number)).unwrap());
    let (_, before) = escrow.run(folder, "party.key", &["account", "balance"]);
    let held = before["agreements"][0]["held"].as_u64().unwrap();
    assert!(held > 0 && before["balance"] == 1000 - 2 * held, "{before}");

    let take_back = ["account", "take-back", &first.to_string()];
    let (code, refused) = escrow.run(folder, "other.key", &take_back);
    assert_eq!(code, 2, "only who has proposed it: {refused}");
    let (code, taken) = escrow.run(folder, "party.key", &take_back);
    assert_eq!((code, &taken["balance"]), (0, &Value::from(1000 - held)), "{taken}");
    let (code, refused) = escrow.run(folder, "party.key", &take_back);
    assert!(code == 2 && refused["error"]["message"].as_str().unwrap().contains("only a proposal that nobody has accepted"), "{refused}");
    provider.act(second, Move::Serving(serving::Move::Accept)).unwrap();
    let (code, refused) = escrow.run(folder, "party.key", &["account", "take-back", &second.to_string()]);
    assert!(code == 2 && refused["error"]["message"].as_str().unwrap().contains("only a proposal that nobody has accepted"), "{refused}");
    let (_, after) = escrow.run(folder, "party.key", &["account", "balance"]);
    assert_eq!(after["balance"], 1000 - held);
    // What the escrow has signed about it is there.
    let (code, kept) = run(folder, &["escrow", "receipts", "party.key.receipts", "--json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&kept).unwrap()["receipts"]), (0, &Value::from(1)));
}

#[test]
fn operator_that_forgets_a_withdrawal_is_convicted_by_its_receipt() {
    let (folder, account) = keys();
    let folder = folder.path();
    let (_, shown) = run(folder, &["keys", "show", "escrow.key", "--json"]);
    let operator = serde_json::from_str::<Value>(&shown).unwrap()["account"].as_str().unwrap().to_owned();
    let deposit = ["escrow", "deposit", "--account", &account, "--amount", "1000", "--reference", "invoice 17"];
    let escrow = Escrow::start(folder);
    escrow.run(folder, "escrow.key", &deposit);
    drop(escrow);
    let names = || std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let database = || names().filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("escrow.db"));
    let before: Vec<_> = database().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    let escrow = Escrow::start(folder);
    let (code, paid) = escrow.run(folder, "party.key", &["account", "withdraw", "--amount", "300", "--reference", "november"]);
    assert_eq!((code, &paid["entry"], &paid["receipts"]), (0, &Value::from(3), &Value::from("party.key.receipts")));
    drop(escrow);
    // The operator goes back to a copy, and removes what would keep it from that.
    database().for_each(|path| std::fs::remove_file(path).unwrap());
    before.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let marks = names().filter(|path| path.extension().is_some_and(|extension| extension == "head"));
    marks.for_each(|path| std::fs::remove_file(path).unwrap());
    let escrow = Escrow::start(folder);
    let (code, refused) = escrow.run(folder, "party.key", &["account", "balance"]);
    assert_eq!(code, 3, "{refused}");
    drop(escrow);

    // A judge needs nothing but the file and the escrow's account.
    let (code, _) = run(folder, &["escrow", "receipts", "party.key.receipts", "shown.json"]);
    assert_eq!(code, 0);
    let judge = |file: &str, account: &str| {
        let (code, text) = run(folder, &["escrow", "receipts", file, "--escrow-account", account, "--json"]);
        (code, serde_json::from_str::<Value>(&text).unwrap())
    };
    let (code, shown) = judge("shown.json", &operator);
    assert!(code == 0 && shown["contradiction"].as_str().unwrap().contains("has taken entries back"), "{shown}");
    let (code, shown) = judge("shown.json", &account);
    assert!(
        code == 1 && shown["contradiction"].is_null() && shown["faults"][0].as_str().unwrap().contains("it is of the escrow"),
        "{shown}"
    );
    let text = std::fs::read_to_string(folder.join("shown.json")).unwrap();
    std::fs::write(folder.join("forged.json"), text.replace("november", "december")).unwrap();
    let (code, shown) = judge("forged.json", &operator);
    let fault = shown["faults"][0].as_str().unwrap();
    assert!(code == 1 && fault.starts_with("receipt 1: ") && fault.contains("the signature is not that of account"), "{shown}");
    assert!(shown["contradiction"].is_string(), "that is proved all the same: {shown}");
    std::fs::write(folder.join("old.json"), text.replace("\"version\": 3,\n  \"head\"", "\"head\"")).unwrap();
    let (code, refused) = judge("old.json", &operator);
    assert!(
        code == 2 && refused["error"]["message"].as_str().unwrap().contains("receipts of version 1, this program reads version 3"),
        "{refused}"
    );
}

#[test]
fn withdrawal_whose_answer_was_lost_has_its_receipt_when_the_command_is_given_again() {
    let (folder, account) = keys();
    let folder = folder.path();
    let escrow = Escrow::start(folder);
    escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", &account, "--amount", "1000", "--reference", "cash"]);
    let between = Between::start(escrow.url.strip_prefix("http://").unwrap().parse().unwrap());
    between.spoil(|_, answer| if String::from_utf8_lossy(answer).contains("\"entry\":") { Vec::new() } else { answer.to_vec() });
    let withdraw = ["account", "withdraw", "--amount", "300", "--reference", "november"];
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(withdraw).args(["--key", "party.key", "--escrow", &between.url()]).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let begun = std::time::Instant::now();
    while escrow.run(folder, "escrow.key", &["escrow", "payouts"]).1["payments"].as_array().unwrap().is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "it has not withdrawn");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, again) = escrow.run(folder, "party.key", &withdraw);
    assert_eq!((code, &again["entry"], &again["balance"]), (0, &Value::from(3), &Value::from(700)));
    let (_, kept) = run(folder, &["escrow", "receipts", "party.key.receipts", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap()["receipts"], 1);
    // After that it is as with every command that is repeated.
    let (code, again) = escrow.run(folder, "party.key", &withdraw);
    assert_eq!((code, &again["entry"], &again["balance"]), (0, &Value::Null, &Value::from(700)));
}

#[test]
fn receipt_key_that_the_operator_certifies_serves_in_its_place() {
    let (folder, account) = keys();
    let folder = folder.path();
    let (_, shown) = run(folder, &["keys", "show", "escrow.key", "--json"]);
    let operator = serde_json::from_str::<Value>(&shown).unwrap()["account"].as_str().unwrap().to_owned();
    let (receipts, _) = (new_key(folder, "receipts.key"), new_key(folder, "other.key"));
    let certify = ["escrow", "certify", "--key", "escrow.key", "--receipt-account", &receipts, "--days", "2", "certificate.json", "--json"];
    let (code, certified) = run(folder, &certify);
    let certified: Value = serde_json::from_str(&certified).unwrap();
    assert_eq!((code, &certified["account"], &certified["receipt_account"]), (0, &Value::from(operator.as_str()), &Value::from(receipts)));
    // The escrow's own key is where nobody serves.
    let escrow = Escrow::signing(folder, &["--receipt-key", "receipts.key", "--certificate", "certificate.json"]);
    let deposit = ["escrow", "deposit", "--account", &account, "--amount", "1000", "--reference", "cash"];
    let (code, _) = escrow.run(folder, "escrow.key", &[&deposit[..], &["--escrow-account", &operator]].concat());
    assert_eq!(code, 0);
    let balance = ["account", "balance", "--escrow-account"];
    let (code, found) = escrow.run(folder, "party.key", &[&balance[..], &[&operator]].concat());
    assert_eq!((code, &found["balance"]), (0, &Value::from(1000)));
    let (code, refused) = escrow.run(folder, "party.key", &[&balance[..], &[&account]].concat());
    assert!(code == 2 && refused["error"]["message"].as_str().unwrap().contains("it is of the escrow"), "{refused}");
    // The receipt key records no deposits.
    let (code, refused) =
        escrow.run(folder, "receipts.key", &["escrow", "deposit", "--account", &account, "--amount", "1", "--reference", "x"]);
    assert_eq!(code, 2, "{refused}");
    drop(escrow);
    // It certifies one key.
    let serve =
        ["escrow", "serve", "--db", "sqlite:escrow.db", "--certificate", "certificate.json", "--receipt-key", "other.key", "--json"];
    let (code, refused) = run(folder, &serve);
    assert!(code == 2 && refused.contains("is for the receipt key"), "{refused}");
}

/// Begins a command by way of somebody in between, and kills it when that is what has come of it.
fn interrupted(folder: &Path, between: &Between, arguments: &[&str], until: impl Fn() -> bool) {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).args(["--key", "party.key", "--escrow", &between.url()]).stderr(Stdio::null());
    let (mut child, begun) = (command.spawn().unwrap(), std::time::Instant::now());
    while !until() {
        assert!(begun.elapsed().as_secs() < 60, "nothing has come of it");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn take_back_that_is_given_again_does_not_break_off_what_was_accepted_meanwhile() {
    let (folder, account) = keys();
    let folder = folder.path();
    let (escrow, other) = (Escrow::start(folder), new_key(folder, "other.key"));
    for account in [&account, &other] {
        escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", account, "--amount", "1000", "--reference", "cash"]);
    }
    let [customer, provider] =
        ["party.key", "other.key"].map(|name| Client::connect(&escrow.url, key(folder, name), Patience::default()).unwrap());
    let [first, second] = [1, 2].map(|number| customer.open(round(customer.account(), provider.account(), number)).unwrap());
    let between = Between::start(escrow.url.strip_prefix("http://").unwrap().parse().unwrap());
    // Of what becomes of a request nothing is heard, if it comes to the escrow at all.
    let is_sent = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let sent = is_sent.clone();
    between.spoil(move |_, answer| {
        let text = String::from_utf8_lossy(answer);
        let is_asked = text.contains("\"other_body\"") || text.contains("\"entry\":");
        sent.fetch_or(is_asked, std::sync::atomic::Ordering::SeqCst);
        if is_asked { Vec::new() } else { answer.to_vec() }
    });
    between.pass(|server, asked| {
        use std::io::Write;
        let mut asked = asked.to_vec();
        if asked.starts_with(b"POST") {
            *asked.last_mut().unwrap() = b' ';
        }
        server.write_all(&asked).unwrap();
    });
    let take_back = ["account", "take-back", &first.to_string()];
    interrupted(folder, &between, &take_back, || is_sent.load(std::sync::atomic::Ordering::SeqCst));
    provider.act(first, Move::Serving(serving::Move::Accept)).unwrap();
    let accepted = customer.agreement(first).unwrap();
    for rest in [true, false] {
        let (code, refused) = escrow.run(folder, "party.key", &take_back);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(code == 2 && message.contains("only a proposal that nobody has accepted"), "{refused}");
        assert_eq!(message.contains("may still reach the escrow within"), rest, "{refused}");
    }
    assert_eq!(customer.agreement(first).unwrap().stage, accepted.stage, "nobody has broken it off");

    // One that was carried out has its receipt when it is given again.
    between.leave_alone();
    between.spoil(|_, answer| if String::from_utf8_lossy(answer).contains("\"entry\":") { Vec::new() } else { answer.to_vec() });
    let take_back = ["account", "take-back", &second.to_string()];
    interrupted(folder, &between, &take_back, || customer.agreement(second).unwrap().ended);
    let (code, taken) = escrow.run(folder, "party.key", &take_back);
    assert!(code == 0 && taken["entry"].is_number(), "{taken}");
    let (_, kept) = run(folder, &["escrow", "receipts", "party.key.receipts", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap()["receipts"], 1);
}

#[test]
fn accounts_that_share_a_file_of_receipts_count_their_requests_apart() {
    let (folder, account) = keys();
    let folder = folder.path();
    let (escrow, other) = (Escrow::start(folder), new_key(folder, "other.key"));
    for account in [&account, &other] {
        escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", account, "--amount", "1000", "--reference", "cash"]);
    }
    let run = |key: &str, arguments: &[&str]| {
        let (code, answer) = escrow.run(folder, key, &[arguments, &["--receipts", "shared"]].concat());
        assert_eq!(code, 0, "{answer}");
    };
    let withdraw = |key: &str, reference: &str| run(key, &["account", "withdraw", "--amount", "1", "--reference", reference]);
    withdraw("party.key", "one");
    withdraw("party.key", "two");
    run("other.key", &["account", "balance"]);
    withdraw("other.key", "one");
    run("party.key", &["account", "balance"]);
    let (code, kept) = self::run(folder, &["escrow", "receipts", "shared", "--json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&kept).unwrap()["receipts"]), (0, &Value::from(3)));
}

#[test]
fn party_begins_again_when_what_a_stolen_receipt_key_has_signed_is_set_aside() {
    let (folder, account) = keys();
    let folder = folder.path();
    let (_, shown) = run(folder, &["keys", "show", "escrow.key", "--json"]);
    let operator = serde_json::from_str::<Value>(&shown).unwrap()["account"].as_str().unwrap().to_owned();
    let receipts = new_key(folder, "receipts.key");
    let certify = ["escrow", "certify", "--key", "escrow.key", "--receipt-account", &receipts, "--days", "2", "certificate.json", "--json"];
    assert_eq!(run(folder, &certify).0, 0);
    let escrow = Escrow::signing(folder, &["--receipt-key", "receipts.key", "--certificate", "certificate.json"]);
    escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", &account, "--amount", "1000", "--reference", "cash"]);
    let withdraw = ["account", "withdraw", "--amount", "300", "--reference", "november"];
    assert_eq!(escrow.run(folder, "party.key", &withdraw).0, 0);
    // The thief says once that the log is long.
    let between = Between::start(escrow.url.strip_prefix("http://").unwrap().parse().unwrap());
    let certificate: SignedCertificate = serde_json::from_slice(&std::fs::read(folder.join("certificate.json")).unwrap()).unwrap();
    let (thief, lies) = (key(folder, "receipts.key"), std::sync::atomic::AtomicBool::new(true));
    between.spoil(move |_, answer| {
        let lies = lies.swap(false, std::sync::atomic::Ordering::SeqCst);
        let lie = |answer: &mut Answer, _: &mut String| answer.head.position += 1_000_000;
        if lies { between::certified(&thief, Some(certificate.clone()), answer, lie) } else { answer.to_vec() }
    });
    let balance = ["account", "balance", "--escrow-account", &operator];
    let url = between.url();
    let through = [&balance[..], &["--key", "party.key", "--escrow", &url, "--json"]].concat();
    assert_eq!(run(folder, &through).0, 3);
    let (code, refused) = escrow.run(folder, "party.key", &balance);
    assert_eq!(code, 3, "the honest escrow, too: {refused}");
    let (code, shown) = run(folder, &["escrow", "receipts", "party.key.receipts", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let signer = &shown["signers"][0];
    assert!(code == 0 && signer["account"] == receipts.as_str() && signer["signed_contradiction"] == true, "{shown}");
    assert!(signer["certified"][0].as_u64() < signer["certified"][1].as_u64(), "{shown}");

    let set_aside = ["escrow", "receipts", "party.key.receipts", "stolen.json", "--set-aside", "--json"];
    assert_eq!(run(folder, &set_aside[..4]).0, 0);
    assert_eq!(run(folder, &set_aside).0, 2, "nothing is replaced");
    std::fs::remove_file(folder.join("stolen.json")).unwrap();
    assert_eq!(run(folder, &set_aside).0, 0);
    let (code, found) = escrow.run(folder, "party.key", &balance);
    assert_eq!((code, &found["balance"]), (0, &Value::from(700)));
    let (code, shown) = run(folder, &["escrow", "receipts", "stolen.json", "--escrow-account", &operator, "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(code == 0 && shown["receipts"] == 1 && shown["contradiction"].is_string(), "{shown}");
    let (_, shown) = run(folder, &["escrow", "receipts", "party.key.receipts", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["receipts"], 0);
    assert_eq!(run(folder, &["escrow", "receipts", "stolen.json", "again.json", "--set-aside"]).0, 2, "it is no state");
}
