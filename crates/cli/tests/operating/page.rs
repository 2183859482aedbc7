//! Every command of docs/operating.md, in its order, by an operator who has only the page.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::postgres::Server;
use super::{PROGRAM, Serving, message, run, serve_with};

const PAGE: &str = include_str!("../../../../docs/operating.md");

/// The commands in the page's `sh` blocks.
fn commands() -> Vec<&'static str> {
    let (mut commands, mut is_inside) = (Vec::new(), false);
    for line in PAGE.lines() {
        match line {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            line if is_inside && !line.is_empty() && !line.starts_with('#') => commands.push(line),
            _ => {}
        }
    }
    commands
}

/// Those that ask an escrow, which is elsewhere here.
const ASKING: [&str; 7] =
    ["escrow rules", "escrow deposit", "escrow reverse", "escrow payouts", "escrow paid", "escrow returned", "account withdraw"];

/// As a shell runs it.
fn shell(folder: &Path, command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.current_dir(folder).args(["-c", command]).env_remove("VERINFER_ESCROW_DB").env_remove("PGPASSFILE");
    shell
}

#[test]
fn every_command_of_the_page_for_operators_does_what_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let account = |key: &str, what: &str| run(folder, &["keys", what, key]).1["account"].as_str().unwrap().to_owned();
    let party = account("party.key", "new");
    let mut rules = serde_json::to_value(verinfer_protocols::rules::Rules::default()).unwrap();
    rules["fee_divisor"] = Value::from(50);
    std::fs::write(folder.join("rules.json"), rules.to_string()).unwrap();
    let server = Server::start();
    let (mut serving, mut skipped): (Option<(Serving, Value)>, usize) = (None, 0);
    let commands = commands();
    assert!(commands.len() >= 19, "{commands:?}");
    for command in &commands {
        let mut command = command.replace(" ACCOUNT", &format!(" {party}"));
        if command.contains(" RECEIPTS") {
            command = command.replace(" RECEIPTS", &format!(" {}", account("receipts.key", "show")));
        }
        if let Some(program) = command.strip_prefix("verinfer ") {
            command = format!("'{PROGRAM}' {program} --json");
        }
        if command.contains("postgres://") {
            let Some(server) = &server else {
                skipped += 1;
                continue;
            };
            command = command.replace("postgres://escrow@db.example/escrow", &server.url);
        }
        if command.contains(" escrow serve ") {
            drop(serving.take());
            let command = command.replace("0.0.0.0:8700", "127.0.0.1:0").replace("127.0.0.1:9700", "127.0.0.1:0");
            let listen = if command.contains("--listen") { "" } else { " --listen 127.0.0.1:0" };
            serving = Some(serve_with(folder, shell(folder, &format!("exec {command}{listen}"))));
            continue;
        }
        if ["rm ", "cp "].iter().any(|file| command.starts_with(file)) {
            // "With every process of the escrow stopped."
            drop(serving.take());
        }
        if ASKING.iter().any(|asking| command.contains(asking)) {
            let url = serving.as_ref().expect("an escrow serves by then").1["url"].as_str().unwrap();
            if command.contains("escrow payouts") {
                for reference in ["2026-11", "2026-12"] {
                    let withdraw =
                        ["account", "withdraw", "--escrow", url, "--key", "party.key", "--amount", "100", "--reference", reference];
                    assert_eq!(run(folder, &withdraw).0, 0);
                }
            }
            command = format!("{command} --escrow {url}");
        }
        let output = shell(folder, &command).output().unwrap();
        if command.contains("fees of november") {
            // Nobody has paid any.
            let refused: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(message(&refused).contains("account fees does not have 500 units"), "{refused}");
            continue;
        }
        assert!(output.status.success(), "{command}: {output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if command.contains("escrow payouts") {
            assert_eq!(report["payments"].as_array().unwrap().len(), 2, "{report}");
        }
        if command.contains("escrow audit") {
            // Rules, rules, a deposit, a reversal, two withdrawals, one paid and one returned.
            assert_eq!((&report["entries"], &report["issued"]), (&Value::from(8), &Value::from(900)), "{report}");
        }
    }
    if skipped > 0 {
        eprintln!("SKIPPED on PostgreSQL: {skipped} commands");
    }
}
