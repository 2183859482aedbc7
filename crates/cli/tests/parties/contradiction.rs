//! A party that serves does not go on with an escrow that contradicts itself.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::time::Millis;

use crate::between::{Between, lying};
use crate::several::{LIMIT, World, wait};
use crate::world::stop;

#[test]
fn provider_whose_escrow_contradicts_itself_about_one_agreement_ends_and_can_show_it() {
    let world = World::start();
    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let seed: Digest = std::fs::read_to_string(path("operator.key")).unwrap().trim().parse().unwrap();
    let operator = SecretKey::from_seed(&seed.0);
    let between = Between::start(world.url.strip_prefix("http://").unwrap().parse().unwrap());
    let (state, log) = (path("provider.state"), path("provider.log"));
    let mut start = Command::new(env!("CARGO_BIN_EXE_verinfer"));
    start.args(["provider", "serve", "digits", "--escrow", &between.url(), "--key", &path("provider.key"), "--state", &state]);
    start.args(["--poll", "20", "--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stderr(Stdio::null());
    let mut provider = start.stdout(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let printed = || std::fs::read_to_string(&log).unwrap();
    wait(|| printed().contains("listening"));
    let model = printed().lines().find_map(|line| line.strip_prefix("model ").map(str::to_owned)).unwrap().parse().unwrap();

    // Only agreements are lied about, which stewards ask for: the list of them is right.
    between.spoil(move |_, answer| {
        if !String::from_utf8_lossy(answer).contains("\"parties\":") {
            return answer.to_vec();
        }
        lying(&operator, answer, |answer, _| {
            answer.head.position -= 1;
            answer.known = None;
        })
    });
    world.propose(model, 1, Millis(3_600_000));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = provider.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > LIMIT {
            stop(&mut provider);
            panic!("it goes on:\n{}", printed());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(3), "{}", printed());
    let shown = Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["escrow", "receipts", &state, "--json"]).output().unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert!(shown["contradiction"].is_string() && shown["faults"].as_array().unwrap().is_empty(), "{shown}\n{}", printed());
}
