//! An agreement about accuracy on three examples: one is tried, two are proved, both must be correct.

use verinfer_protocols::accuracy::{self, Evidence, Form, Move, Periods, Prices, STAGE, State};
use verinfer_protocols::agreement::{self, Terms};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::member::{LabelSalt, Member, OpenedLabel, example_entry};
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::stake;
use verinfer_protocols::statement::{Output, Statement, context};

use super::{PERIOD, World, customer, digest, honest_transfer, honest_transfer_move, provider, transfer_moves, units};

pub const CUSTOMERS_SHARE: Share = Share([4; 32]);
pub const PROVIDERS_SHARE: Share = Share([5; 32]);
pub const EXAMPLES: u32 = 3;
pub const E: u64 = 50;
pub const Z: u64 = 20;
pub const P: u64 = 5;
pub const FEE: u64 = 3;

pub fn input(index: u32) -> Digest {
    digest(&format!("input {index}"))
}

pub fn label(index: u32) -> OpenedLabel {
    OpenedLabel { class: index, salt: LabelSalt([9; 32]) }
}

/// What stands for a label in the test set.
pub fn label_digest(index: u32, evidence: Evidence) -> Digest {
    match evidence {
        Evidence::Outputs => label(index).digest(),
        Evidence::Count => digest(&format!("commitment to label {index}")),
    }
}

pub fn test_set(evidence: Evidence) -> Tree {
    let entries: Vec<Digest> = (0..EXAMPLES).map(|index| example_entry(&input(index), &label_digest(index, evidence))).collect();
    Tree::new(&entries).unwrap()
}

pub fn terms(evidence: Evidence) -> accuracy::Terms {
    accuracy::Terms {
        customer: customer().account(),
        provider: provider().account(),
        model: digest("model"),
        test_set: test_set(evidence).root(),
        form: Form { input: digest("form"), classes: 10 },
        first: 1,
        evidence,
        top: 1,
        target: 2,
        prices: Prices { example: units(E), proof: units(Z), inference: units(P) },
        fee: units(FEE),
        stake: AgreementId([8; 32]),
        coin: CUSTOMERS_SHARE.commit(),
        periods: Periods { respond: PERIOD, decide: PERIOD, prove: PERIOD },
        nonce: digest("nonce"),
    }
}

pub fn world(evidence: Evidence) -> World {
    World::open(Terms::Accuracy(terms(evidence)))
}

pub fn stake(state: stake::State) -> Facts {
    let terms = stake::Terms {
        provider: provider().account(),
        model: digest("model"),
        amount: units(1000 * E),
        lock: PERIOD,
        covers: 1,
        nonce: digest("stake"),
    };
    Facts::Stake { terms, state, covered: 0 }
}

/// A proof of some examples: in those of `correct` the label comes first.
pub fn prove(id: AgreementId, evidence: Evidence, indices: &[u32], correct: &[bool]) -> (Move, Facts) {
    let tree = test_set(evidence);
    let examples = indices.iter().map(|&index| Member { index, path: tree.path(index).unwrap() });
    let output = Output::Correct {
        labels: indices.iter().map(|&index| label_digest(index, evidence)).collect(),
        k: 1,
        count: u32::try_from(correct.iter().filter(|&&correct| correct).count()).unwrap(),
    };
    let labels = (evidence == Evidence::Outputs).then(|| digest("labels"));
    let inputs = indices.iter().map(|&index| input(index)).collect();
    let statement = Statement { model: digest("model"), context: context(id, STAGE), inputs, output };
    (Move::Prove { proof: digest("proof"), labels, examples: examples.collect() }, Facts::Proof(statement))
}

/// Every move of either party, right and wrong, with its facts.
pub fn moves(world: &World, evidence: Evidence) -> Vec<(agreement::Move, Facts)> {
    let mut moves = vec![
        (Move::Accept { share: PROVIDERS_SHARE }, stake(stake::State::Active)),
        (Move::Reveal { share: CUSTOMERS_SHARE }, Facts::Nothing),
        (Move::Reveal { share: PROVIDERS_SHARE }, Facts::Nothing),
        (Move::Proceed, Facts::Nothing),
        (Move::Abort, Facts::Nothing),
    ];
    for items in [1, 2] {
        moves.extend(transfer_moves(items).into_iter().map(|(action, facts)| (Move::Transfer(action), facts)));
    }
    for index in 0..EXAMPLES {
        moves.extend([true, false].map(|correct| prove(world.agreement.id, evidence, &[index], &[correct])));
        moves.extend((0..EXAMPLES).map(|other| prove(world.agreement.id, evidence, &[index, other], &[true, true])));
    }
    moves.into_iter().map(|(action, facts)| (agreement::Move::Accuracy(action), facts)).collect()
}

/// The move of an honest party whose turn it is. The model is right on every example; who gets bad data says so.
pub fn honest(world: &World, who: AccountId, evidence: Evidence) -> Option<(agreement::Move, Facts)> {
    let (agreement::Terms::Accuracy(terms), agreement::State::Accuracy(state)) = (&world.agreement.terms, &world.agreement.state) else {
        panic!("not about accuracy")
    };
    if state.awaits(terms) != Some(who) {
        return None;
    }
    let transfer = |state, items| {
        let (action, facts) = honest_transfer_move(state, items);
        (Move::Transfer(action), facts)
    };
    let (action, facts) = match state {
        State::Proposed { .. } => (Move::Accept { share: PROVIDERS_SHARE }, stake(stake::State::Active)),
        State::Revealing { .. } => (Move::Reveal { share: CUSTOMERS_SHARE }, Facts::Nothing),
        State::First { transfer: state, .. } => transfer(state, terms.first),
        State::Deciding { .. } => (Move::Proceed, Facts::Nothing),
        State::Second { transfer: state, .. } => transfer(state, terms.second()),
        State::Proving { seed, proved, .. } => {
            let rest: Vec<u32> = terms.second_part(seed).into_iter().filter(|index| !proved.contains(index)).collect();
            prove(world.agreement.id, evidence, &rest, &[true, true])
        }
        State::Ended(_) => return None,
    };
    Some((agreement::Move::Accuracy(action), facts))
}

/// A world in which the second part is to be proved.
pub fn proving(evidence: Evidence) -> (World, Vec<u32>) {
    let mut world = world(evidence);
    let mut act = |by, action, facts| world.act(&by, agreement::Move::Accuracy(action), facts);
    act(provider(), Move::Accept { share: PROVIDERS_SHARE }, stake(stake::State::Active));
    act(customer(), Move::Reveal { share: CUSTOMERS_SHARE }, Facts::Nothing);
    for items in [1, 2] {
        for (by_sender, action) in honest_transfer(items) {
            act(if by_sender { customer() } else { provider() }, Move::Transfer(action), Facts::Nothing);
        }
        if items == 1 {
            act(provider(), Move::Proceed, Facts::Nothing);
        }
    }
    let agreement::State::Accuracy(State::Proving { seed, .. }) = &world.agreement.state else { panic!("{:?}", world.agreement) };
    let due = terms(evidence).second_part(seed);
    (world, due)
}
