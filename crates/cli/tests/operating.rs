//! What an operator does: databases with passwords, backups, and what is refused after a restore. Entry 1 of a log has the rules.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

#[path = "operating/page.rs"]
mod page;
#[path = "operating/postgres.rs"]
mod postgres;

const PROGRAM: &str = env!("CARGO_BIN_EXE_verinfer");

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).env_remove("VERINFER_ESCROW_DB").env_remove("PGPASSFILE");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let Output { status, stdout, .. } = command(folder, &[arguments, &["--json"]].concat()).output().unwrap();
    (status.code().unwrap(), serde_json::from_slice(&stdout).unwrap())
}

fn message(report: &Value) -> &str {
    report["error"]["message"].as_str().unwrap()
}

/// A folder with the escrow's key.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["keys", "new", "escrow.key"]).0, 0);
    folder
}

const SERVE: [&str; 8] = ["escrow", "serve", "--db", "sqlite:escrow.db", "--key", "escrow.key", "--listen", "127.0.0.1:0"];

/// An escrow's process, which ends with the test, also where that fails.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn serve(folder: &Path, more: &[&str]) -> (Serving, Value) {
    serve_by(folder, &[&SERVE, more].concat())
}

/// What it tells the operator is in the file `told`.
fn serve_by(folder: &Path, arguments: &[&str]) -> (Serving, Value) {
    serve_with(folder, command(folder, &[arguments, &["--json"]].concat()))
}

fn serve_with(folder: &Path, mut command: Command) -> (Serving, Value) {
    let told = std::fs::File::create(folder.join("told")).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(told).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Serving(child), serde_json::from_str(&line).unwrap())
}

/// Records so many deposits, each with a name of its own.
fn deposit(folder: &Path, report: &Value, names: &[&str]) {
    let account = "11".repeat(32);
    for name in names {
        let escrow = report["url"].as_str().unwrap();
        let deposit =
            ["escrow", "deposit", "--key", "escrow.key", "--escrow", escrow, "--account", &account, "--amount", "5", "--reference", name];
        assert_eq!(run(folder, &deposit).0, 0);
    }
}

#[test]
fn a_backup_is_whole_and_its_owners_alone_and_an_older_log_is_not_served_silently() {
    let folder = folder();
    let folder = folder.path();
    let (child, report) = serve(folder, &[]);
    deposit(folder, &report, &["one", "two"]);
    let backup = ["escrow", "backup", "--db", "sqlite:escrow.db", "--out", "copy.db"];
    let (code, copy) = run(folder, &backup);
    assert_eq!((code, &copy["entries"]), (0, &Value::from(3)), "{copy}");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&folder.join("copy.db").metadata().unwrap().permissions()) & 0o777, 0o600);
    let (code, refused) = run(folder, &backup);
    assert_eq!(code, 2);
    assert!(message(&refused).contains("overwrites nothing"), "{refused}");
    deposit(folder, &report, &["three"]);
    // Written down once a second.
    let head_file = format!("{}.head", report["account"].as_str().unwrap());
    let head = || std::fs::read_to_string(folder.join(&head_file)).unwrap_or_default();
    assert!(
        (0..100).any(|_| {
            sleep(Duration::from_millis(100));
            head().starts_with("4:")
        }),
        "{}",
        head()
    );
    drop(child);
    let (code, audit) = run(folder, &["escrow", "audit", "--db", "sqlite:copy.db"]);
    assert_eq!((code, &audit["entries"]), (0, &Value::from(3)));

    for side in ["escrow.db", "escrow.db-wal", "escrow.db-shm"] {
        let _ = std::fs::remove_file(folder.join(side));
    }
    std::fs::copy(folder.join("copy.db"), folder.join("escrow.db")).unwrap();
    let (code, refused) = run(folder, &SERVE);
    assert_eq!(code, 2);
    let expected = "the log ends with entry 3, and went on to entry 4 before";
    assert!(message(&refused).contains(expected) && message(&refused).contains(&head_file), "{refused}");

    // Without the file it is what somebody knows by which it is measured.
    std::fs::remove_file(folder.join(&head_file)).unwrap();
    let other = format!("3:{}", "0".repeat(64));
    let (code, refused) = run(folder, &[&SERVE[..], &["--not-before", &other]].concat());
    assert_eq!(code, 2);
    assert!(message(&refused).contains("entry 3 of the log is another one"), "{refused}");
    let (child, report) = serve(folder, &["--not-before", copy["mark"].as_str().unwrap()]);
    deposit(folder, &report, &["two", "other"]);
    drop(child);
    let told = std::fs::read_to_string(folder.join("told")).unwrap();
    assert!(told.contains(&format!("{head_file} is missing, and the log has 3 entries")), "{told}");
    let (code, audit) = run(folder, &["escrow", "audit", "--db", "sqlite:escrow.db"]);
    assert_eq!((code, &audit["entries"]), (0, &Value::from(4)));
}

#[test]
fn a_backup_of_nothing_leaves_no_file() {
    let folder = folder();
    let (code, _) = run(folder.path(), &["escrow", "backup", "--db", "sqlite:none.db", "--out", "copy.db"]);
    assert_eq!((code, std::fs::read_dir(folder.path()).unwrap().count()), (2, 1), "the key alone");
}

/// What a server has been told: whether TLS was asked for, the first message, and the password.
type Told = (bool, Vec<u8>, Vec<u8>);

/// What a server that speaks PostgreSQL's protocol, without TLS, has been told before it hangs up.
fn listen() -> (u16, JoinHandle<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let message = |stream: &mut std::net::TcpStream, kind: usize| {
            let mut head = vec![0; kind + 4];
            if stream.read_exact(&mut head).is_err() {
                return Vec::new();
            }
            let len = usize::try_from(u32::from_be_bytes(head[kind..].try_into().unwrap())).unwrap();
            let mut content = vec![0; len - 4];
            stream.read_exact(&mut content).unwrap();
            content
        };
        let mut first = message(&mut stream, 0);
        let asks_for_tls = first == 80_877_103_u32.to_be_bytes();
        if asks_for_tls {
            stream.write_all(b"N").unwrap();
            first = message(&mut stream, 0);
        }
        if first.is_empty() {
            return (asks_for_tls, first, Vec::new());
        }
        // A password in clear is wanted.
        stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).unwrap();
        let password = message(&mut stream, 1);
        (asks_for_tls, first, password)
    });
    (port, told)
}

#[test]
fn a_database_server_without_tls_is_refused_where_tls_is_demanded_and_told_nothing() {
    let folder = folder();
    let (port, told) = listen();
    let url = format!("postgres://escrow@127.0.0.1:{port}/escrow?sslmode=require");
    let (code, refused) = run(folder.path(), &["escrow", "audit", "--db", &url]);
    assert_eq!(code, 2);
    assert!(message(&refused).contains("server does not support TLS"), "{refused}");
    assert_eq!(told.join().unwrap(), (true, Vec::new(), Vec::new()));
}

#[test]
fn passwords_of_databases_come_from_files_or_the_environment_and_not_from_arguments() {
    let folder = folder();
    let path = folder.path();
    std::fs::write(path.join("password"), "hunter 1\n").unwrap();
    let audit = |told: JoinHandle<(bool, Vec<u8>, Vec<u8>)>, mut command: Command| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let shown = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&shown).contains("hunter"), "{}", String::from_utf8_lossy(&shown));
        String::from_utf8(told.join().unwrap().2).unwrap()
    };
    let (port, told) = listen();
    let url = format!("postgres://escrow@127.0.0.1:{port}/escrow");
    let with_file = command(path, &["escrow", "audit", "--db", &url, "--db-password-file", "password"]);
    assert_eq!(audit(told, with_file), "hunter 1\0");

    let (port, told) = listen();
    let mut with_variable = command(path, &["escrow", "audit"]);
    with_variable.env("VERINFER_ESCROW_DB", format!("postgres://escrow:hunter%202@127.0.0.1:{port}/escrow"));
    assert_eq!(audit(told, with_variable), "hunter 2\0");

    let (port, told) = listen();
    std::fs::write(path.join("pgpass"), format!("127.0.0.1:{port}:escrow:escrow:hunter 3\n")).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path.join("pgpass"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut with_pgpass = command(path, &["escrow", "audit", "--db", &format!("postgres://escrow@127.0.0.1:{port}/escrow")]);
    with_pgpass.env("PGPASSFILE", path.join("pgpass"));
    assert_eq!(audit(told, with_pgpass), "hunter 3\0");

    let (code, refused) = run(path, &["escrow", "audit", "--db", "postgres://escrow:secret@127.0.0.1/escrow"]);
    assert_eq!(code, 2);
    assert!(message(&refused).contains("--db-password-file") && !message(&refused).contains("secret"), "{refused}");
}

#[test]
fn a_process_that_stands_by_is_told_from_one_that_is_broken() {
    let folder = folder();
    let (leader, _) = serve(folder.path(), &[]);
    let (standby, report) = serve(folder.path(), &["--metrics-listen", "127.0.0.1:0"]);
    let (public, own) = (report["url"].as_str().unwrap(), report["metrics"].as_str().unwrap());
    let expected = r#"{"condition":"standby","leads":false,"database":true,"time":false}"#;
    for url in [public, own] {
        assert_eq!(get(url, "/health"), (503, expected.to_owned()), "requests are for the other one");
        assert_eq!(get(url, "/health/live"), (200, expected.to_owned()));
    }
    assert_eq!(get(public, "/v1/about").0, 503);
    let (status, text) = get(own, "/metrics");
    assert_eq!(status, 200);
    for line in ["verinfer_escrow_leading 0", "verinfer_escrow_database 1", "verinfer_escrow_log_entries 1", "# EOF"] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    drop(leader);
    let takes_over = |_| {
        sleep(Duration::from_millis(100));
        get(public, "/health").0 == 200
    };
    assert!((0..100).any(takes_over));
    drop(standby);
}

/// Status and body of an answer.
fn get(url: &str, path: &str) -> (u16, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn an_operator_sees_how_the_escrow_is_on_an_address_of_its_own() {
    let folder = folder();
    let (child, report) = serve(folder.path(), &["--metrics-listen", "127.0.0.1:0"]);
    let (public, own) = (report["url"].as_str().unwrap(), report["metrics"].as_str().unwrap());
    deposit(folder.path(), &report, &["one"]);
    for url in [public, own] {
        let healthy = (0..100).any(|_| {
            sleep(Duration::from_millis(100));
            get(url, "/health").0 == 200
        });
        assert!(healthy, "{:?}", get(url, "/health"));
        assert_eq!(get(url, "/health").1, r#"{"condition":"leading","leads":true,"database":true,"time":true}"#);
        assert_eq!(get(url, "/health/live").0, 200);
    }
    assert_eq!(get(public, "/metrics").0, 404, "strangers do not see it");
    let (status, text) = get(own, "/metrics");
    assert_eq!(status, 200);
    for line in [
        r#"verinfer_escrow_requests_total{route="/v1/requests",method="POST",status="200"} 1"#,
        r#"verinfer_escrow_request_seconds_count{route="/v1/requests",method="POST"} 1"#,
        "verinfer_escrow_leading 1",
        "verinfer_escrow_database 1",
        "verinfer_escrow_log_entries 2",
        "verinfer_escrow_clock_stands 0",
        "verinfer_escrow_verification_queue 0",
        "verinfer_escrow_money_issued 5",
        "verinfer_escrow_money_due 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("verinfer_escrow_disk_free_bytes "), "{text}");
    drop(child);
}

/// Serves without the escrow's own key, with a certificate for a day.
fn serve_with_receipt_key(folder: &Path, more: &[&str]) -> (Serving, Value) {
    let (_, receipts) = run(folder, &["keys", "new", "receipts.key"]);
    let receipts = receipts["account"].as_str().unwrap();
    let certify = ["escrow", "certify", "--key", "escrow.key", "--receipt-account", receipts, "--days", "1", "receipts.json"];
    assert_eq!(run(folder, &certify).0, 0);
    let serve = ["escrow", "serve", "--db", "sqlite:escrow.db", "--receipt-key", "receipts.key", "--certificate", "receipts.json"];
    serve_by(folder, &[&serve[..], &["--listen", "127.0.0.1:0"], more].concat())
}

#[test]
fn a_receipt_key_is_certified_elsewhere_and_the_operator_sees_how_long_it_is_used() {
    let folder = folder();
    let folder = folder.path();
    let (child, report) = serve_with_receipt_key(folder, &["--metrics-listen", "127.0.0.1:0"]);
    deposit(folder, &report, &["one"]);
    let (_, text) = get(report["metrics"].as_str().unwrap(), "/metrics");
    let left = text.lines().find_map(|line| line.strip_prefix("verinfer_escrow_certificate_seconds ")).unwrap();
    let left: u64 = left.parse().unwrap();
    assert!((86_000..=86_100).contains(&left), "{left}: five minutes less than a day, for clocks of parties that are ahead");
    drop(child);
    let told = std::fs::read_to_string(folder.join("told")).unwrap();
    assert!(told.contains("the receipt key's certificate is used for 23 hours more"), "{told}");
}

#[test]
fn a_process_ends_when_its_log_is_not_the_one_that_is_written_down() {
    let folder = folder();
    let folder = folder.path();
    let (mut child, report) = serve(folder, &[]);
    deposit(folder, &report, &["one"]);
    let head = folder.join(format!("{}.head", report["account"].as_str().unwrap()));
    let is_there = |_| {
        sleep(Duration::from_millis(100));
        head.exists()
    };
    assert!((0..100).any(is_there));
    std::fs::write(&head, format!("9:{}\n", "0".repeat(64))).unwrap();
    let ended = (0..100).find_map(|_| {
        sleep(Duration::from_millis(100));
        child.0.try_wait().unwrap()
    });
    assert_eq!(ended.and_then(|status| status.code()), Some(2), "it goes on");
    let told = std::fs::read_to_string(folder.join("told")).unwrap();
    assert!(told.contains("the log ends with entry 2, and went on to entry 9 before"), "{told}");
}

#[test]
fn rules_are_set_by_who_has_the_escrows_key_wherever_it_is_served() {
    let folder = folder();
    let folder = folder.path();
    let (child, report) = serve_with_receipt_key(folder, &[]);
    let url = report["url"].as_str().unwrap();
    let about = || serde_json::from_str::<Value>(&get(url, "/v1/about").1).unwrap();
    let mut rules = about()["rules"].clone();
    rules["prices"]["example"] = Value::from(51);
    std::fs::write(folder.join("rules.json"), rules.to_string()).unwrap();
    let set = |key: &str| run(folder, &["escrow", "rules", "--escrow", url, "--key", key, "rules.json"]);
    let (code, refused) = set("receipts.key");
    assert!(code == 2 && message(&refused).contains("for the operator"), "{refused}");
    assert_eq!((set("escrow.key").1["entry"].clone(), about()["rules"].clone()), (Value::from(1), rules));
    assert_eq!(set("escrow.key").1["entry"], Value::Null, "the same again changes nothing");
    let (code, refused) = run(
        folder,
        &["escrow", "serve", "--db", "sqlite:escrow.db", "--receipt-key", "receipts.key", "--certificate", "receipts.json"]
            .into_iter()
            .chain(["--rules", "rules.json"])
            .collect::<Vec<_>>(),
    );
    assert!(code == 2 && message(&refused).contains("`escrow rules`"), "{refused}");
    drop(child);
}
