//! What customers name is what they get, or an error before any money moves; and a state belongs to one request.

use std::process::{Child, Command, Output, Stdio};

use verinfer_protocols::keys::AccountId;

use crate::address::free_address;
use crate::several::{World, wait};
use crate::world::{key, stop};

/// An escrow, a provider with a stake, and what its customers need to know.
struct Market {
    world: World,
    provider: Child,
    provider_url: String,
}

const ACCURACY: &str = "customer accuracy digits --example-price 50 --proof-price 20 --inference-price 5 --fee 3 --first 3 --target 6";

impl Market {
    fn open() -> Self {
        let world = World::start();
        for account in [world.customer.account(), world.provider.account()] {
            world.credit(account, 999_000);
        }
        let address = free_address();
        let path = |name: &str| world.folder.path().join(name).display().to_string();
        for name in ["model", "other"] {
            run(&format!("commit digits --public {} --secret {}", path(&format!("{name}.vcm")), path(&format!("{name}.vsk"))));
        }
        let serve = format!(
            "provider serve digits --secret {} --stake 150000 --proceed always --poll 20 --listen {address} --escrow {} --key {} --state {}",
            path("model.vsk"),
            world.url,
            path("provider.key"),
            path("provider.state"),
        );
        let log = std::fs::File::create(path("provider.log")).unwrap();
        let mut start = Command::new(env!("CARGO_BIN_EXE_verinfer"));
        start.args(serve.split_whitespace()).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        let provider = start.spawn().unwrap();
        wait(|| std::fs::read_to_string(path("provider.log")).unwrap().contains("listening"));
        let set: String = (0..10).map(|digit| format!("sample:{digit} {digit}\n")).collect();
        std::fs::write(path("set.txt"), set).unwrap();
        Self { world, provider, provider_url: format!("http://{address}") }
    }

    fn path(&self, name: &str) -> String {
        self.world.folder.path().join(name).display().to_string()
    }

    /// Gives a customer's command; words in capitals are files of the folder.
    fn ask(&self, command: &str, options: &str, state: &str) -> Output {
        let [set, model, other] = ["set.txt", "model.vcm", "other.vcm"].map(|name| self.path(name));
        let words = format!("{command} {options}").replace("SET", &set).replace("MODEL", &model).replace("OTHER", &other);
        verinfer(&format!(
            "{words} --provider {} --poll 20 --json --escrow {} --key {} --state {}",
            self.provider_url,
            self.world.url,
            self.path("customer.key"),
            self.path(state),
        ))
    }

    /// Gives it, and demands that it is an error which says so, after which there is no agreement.
    fn refused(&self, command: &str, options: &str, state: &str, because: &str) {
        let before = self.world.customer.own_account().unwrap();
        let output = self.ask(command, options, state);
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!matches!(output.status.code(), Some(0 | 1)), "{options}: {text}");
        assert!(text.contains(because), "{options}: {text}");
        assert_eq!(self.world.customer.own_account().unwrap(), before, "{options}");
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        stop(&mut self.provider);
    }
}

fn verinfer(words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_verinfer")).args(words.split_whitespace()).output().unwrap()
}

fn run(words: &str) -> Output {
    let output = verinfer(words);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn another_model_provider_or_escrow_than_was_named_is_refused_before_money_moves() {
    let market = Market::open();
    let stranger: AccountId = key(&market.path("stranger.key")).account();
    let accuracy = format!("{ACCURACY} --test-set SET");
    let serving = "customer serving digits sample:3 --proof-price 20 --prediction-price 5";
    for command in [accuracy.as_str(), serving] {
        market.refused(command, "--commitment OTHER", "state", "offers the model with the commitment");
        market.refused(command, "", "state", "nothing says which model is wanted");
        market.refused(command, &format!("--commitment MODEL --provider-account {stranger}"), "state", "the other party's account is");
        let other_escrow = format!("--commitment MODEL --escrow-account {stranger}");
        market.refused(command, &other_escrow, "state", "was signed by the escrow");
        market.refused(command, &other_escrow, "new.state", "it is of the escrow");
        market.refused(command, "--commitment SET", "state", "set.txt");
    }
    // The same state is good for what is right. Without a fee, it is the least that is allowed.
    let (escrow, provider) = (market.world.customer.escrow(), market.world.provider.account());
    let pins = format!("--commitment MODEL --provider-account {provider} --escrow-account {escrow}");
    let met = market.ask(&accuracy.replace(" --fee 3", ""), &pins, "state");
    assert_eq!(met.status.code(), Some(0), "{}", String::from_utf8_lossy(&met.stderr));
    assert!(String::from_utf8_lossy(&met.stdout).contains("target_met"));
}

#[test]
fn predictions_may_be_demanded_of_a_model_whose_accuracy_was_proved() {
    let market = Market::open();
    let serving = "customer serving digits sample:3 --proof-price 20 --prediction-price 5 --commitment MODEL";
    let demand = "--demand-accuracy 6/7";
    market.refused(serving, demand, "serving.state", "have it proved first");
    let met = market.ask(&format!("{ACCURACY} --test-set SET"), "--commitment MODEL", "accuracy.state");
    assert_eq!(met.status.code(), Some(0), "{}", String::from_utf8_lossy(&met.stderr));
    market.refused(serving, "--demand-accuracy 7/7", "serving.state", "is right on 7 of 7");
    market.refused(serving, "--demand-accuracy 6/8", "serving.state", "is right on 6 of 8");
    let provider = market.world.provider.account();
    market.refused(serving, &format!("{demand} --demand-by {provider}"), "serving.state", "have it proved first");
    let served = market.ask(serving, demand, "serving.state");
    assert_eq!(served.status.code(), Some(0), "{}", String::from_utf8_lossy(&served.stderr));
}

#[test]
fn provider_that_has_failed_too_often_is_not_turned_to() {
    let market = Market::open();
    let serving = "customer serving digits sample:3 --proof-price 20 --prediction-price 5 --commitment MODEL --max-failures 1";
    market.refused(serving, "--min-fees 1", "serving.state", "met targets that have cost it 0 in fees");
    market.refused(&serving.replace("failures 1", "failures 3"), "", "serving.state", "expected a number from 0 to 2");
    let met = market.ask(&format!("{ACCURACY} --test-set SET"), "--commitment MODEL", "accuracy.state");
    assert_eq!(met.status.code(), Some(0), "{}", String::from_utf8_lossy(&met.stderr));
    let served = market.ask(serving, "--min-fees 3", "serving.state");
    assert_eq!(served.status.code(), Some(0), "{}", String::from_utf8_lossy(&served.stderr));
    // A target that it cannot meet: it aborts, or misses it.
    std::fs::write(market.path("set.txt"), (0..10).map(|digit| format!("sample:{digit} {}\n", (digit + 1) % 10)).collect::<String>())
        .unwrap();
    let missed = market.ask(&format!("{ACCURACY} --test-set SET"), "--commitment MODEL", "missed.state");
    assert_eq!(missed.status.code(), Some(1), "{}", String::from_utf8_lossy(&missed.stderr));
    market.refused(
        serving,
        "",
        "again.state",
        "has failures that weigh 15, and met targets that have cost it 3 in fees; taken is at most 1 times",
    );
}

#[test]
fn state_file_gives_no_result_of_another_request() {
    let market = Market::open();
    let serving = |inputs: &str| format!("customer serving digits {inputs} --proof-price 20 --prediction-price 5 --commitment MODEL");
    let done = market.ask(&serving("sample:3"), "", "state");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    market.refused(&serving("sample:4"), "", "state", "another list of inputs");
    market.refused(&serving("sample:3"), "--beta 3", "state", "another beta");
    market.refused(&format!("{ACCURACY} --test-set SET"), "--commitment MODEL", "state", "begun by `customer serving`");
    // The same again is the same again.
    let again = market.ask(&serving("sample:3"), "", "state");
    assert_eq!((again.status.code(), again.stdout), (Some(0), done.stdout));
}

#[test]
fn another_corpus_or_source_than_was_named_is_refused_before_money_moves() {
    let world = World::start();
    world.credit(world.customer.account(), 1000);
    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let (source, stranger, address) = (key(&path("source.key")).account(), key(&path("stranger.key")).account(), free_address());
    let respond = format!(
        "retrieval respond digits sample:3 sample:4 --approve digits --question 3 --source-key {} --poll 20 --listen {address} --escrow {} --key {} --state {}",
        path("source.key"),
        world.url,
        path("provider.key"),
        path("responder.state"),
    );
    let log = std::fs::File::create(path("responder.log")).unwrap();
    let mut start = Command::new(env!("CARGO_BIN_EXE_verinfer"));
    start.args(respond.split_whitespace()).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
    let mut responder = start.spawn().unwrap();
    let printed = || std::fs::read_to_string(path("responder.log")).unwrap();
    wait(|| printed().contains("listening"));
    let corpus = printed().lines().find_map(|line| line.strip_prefix("corpus ")?.split(' ').next().map(str::to_owned)).unwrap();
    let ask = |options: &str| {
        verinfer(&format!(
            "retrieval request digits --class 3 --sample 2 --price 7 {options} --responder http://{address} --poll 20 --json --escrow {} --key {} --state {}",
            world.url,
            path("customer.key"),
            path("state"),
        ))
    };
    let before = world.customer.own_account().unwrap();
    for (options, because) in [
        (String::new(), "--corpus"),
        (format!("--corpus {stranger}"), "the responder offers the corpus"),
        (format!("--corpus {corpus} --source {stranger}"), "the responder's documents are signed by"),
        (format!("--any-corpus --source {stranger}"), "the responder's documents are signed by"),
    ] {
        let output = ask(&options);
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!matches!(output.status.code(), Some(0 | 1)) && text.contains(because), "{options}: {text}");
        assert_eq!(world.customer.own_account().unwrap(), before, "{options}");
    }
    let right = ask(&format!("--corpus {corpus} --source {source}"));
    let text = String::from_utf8_lossy(&right.stdout);
    assert_eq!(right.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&right.stderr));
    assert!([corpus, source.to_string()].iter().all(|named| text.contains(named)), "{text}");
    stop(&mut responder);
}
