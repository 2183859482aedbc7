//! An account's money through commands, each a process of its own, with an escrow that is killed meanwhile. Entry 1 of its log has the rules.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_verinfer");

/// An escrow process, and where it is.
struct Escrow {
    child: Child,
    url: String,
}

impl Escrow {
    fn start(folder: &Path) -> Self {
        let serve = ["--json", "escrow", "serve", "--db", "sqlite:escrow.db", "--key", "escrow.key", "--listen", "127.0.0.1:0"];
        let mut child = Command::new(PROGRAM).current_dir(folder).args(serve).stdout(Stdio::piped()).spawn().unwrap();
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

/// A folder with keys of an escrow and a party; the party's account.
fn keys() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["keys", "new", "escrow.key"]);
    let (_, text) = run(folder.path(), &["keys", "new", "party.key", "--json"]);
    let account = serde_json::from_str::<Value>(&text).unwrap()["account"].as_str().unwrap().to_owned();
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
    use verinfer_escrow_client::{Client, Patience};
    use verinfer_protocols::agreement::Terms;
    use verinfer_protocols::digest::Digest;
    use verinfer_protocols::keys::SecretKey;
    use verinfer_protocols::rules::Rules;
    use verinfer_protocols::stake;

    let (folder, account) = keys();
    let folder = folder.path();
    let escrow = Escrow::start(folder);
    escrow.run(folder, "escrow.key", &["escrow", "deposit", "--account", &account, "--amount", "100000", "--reference", "invoice 17"]);
    let seed: Digest = std::fs::read_to_string(folder.join("party.key")).unwrap().trim().parse().unwrap();
    let key = SecretKey::from_seed(&seed.0);
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
