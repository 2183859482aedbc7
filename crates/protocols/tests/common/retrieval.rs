//! The retrieval of documents of class 1 from a corpus of three, of which two are sampled. The one in the middle matches.

use std::collections::BTreeSet;

use verinfer_protocols::agreement::{self, Terms};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::member::{Member, document_entry};
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::retrieval::{self, Document, Move, Periods, Predicate, STAGE, State, sign_document};
use verinfer_protocols::statement::{Output, Statement, context};

use super::{PERIOD, World, customer, digest, honest_transfer_move, provider, transfer_moves, units};

pub const REQUESTERS_SHARE: Share = Share([4; 32]);
pub const RESPONDERS_SHARE: Share = Share([5; 32]);
pub const DOCUMENTS: u32 = 3;
pub const PRICE: u64 = 100;
pub const BOND: u64 = 1000;
pub const MATCH: u32 = 1;
pub const PREDICATE: Predicate = Predicate::Top { class: 1, k: 1 };

pub fn source() -> SecretKey {
    SecretKey::from_seed(&[6; 32])
}

pub fn document(index: u32) -> Digest {
    digest(&format!("document {index}"))
}

fn corpus() -> Tree {
    let entries: Vec<Digest> = (0..DOCUMENTS).map(|index| document_entry(&document(index))).collect();
    Tree::new(&entries).unwrap()
}

pub fn world() -> World {
    World::open(Terms::Retrieval(retrieval::Terms {
        requester: customer().account(),
        responder: provider().account(),
        model: digest("model"),
        corpus: corpus().root(),
        source: Some(source().account()),
        predicate: PREDICATE,
        sample: 2,
        price: units(PRICE),
        bond: units(BOND),
        coin: REQUESTERS_SHARE.commit(),
        periods: Periods { respond: PERIOD, declare: PERIOD, prove: PERIOD },
        nonce: digest("nonce"),
    }))
}

/// A proof of what the model gives for some documents.
pub fn prove(id: AgreementId, indices: &[u32], signer: &SecretKey) -> (Move, Facts) {
    let tree = corpus();
    let documents = indices.iter().map(|&index| Document {
        member: Member { index, path: tree.path(index).unwrap() },
        signature: Some(sign_document(signer, &document(index))),
    });
    let output = Output::Decided { predicate: PREDICATE, holds: indices.iter().map(|&index| index == MATCH).collect() };
    let inputs = indices.iter().map(|&index| document(index)).collect();
    let statement = Statement { model: digest("model"), context: context(id, STAGE), inputs, output };
    (Move::Prove { proof: digest("proof"), documents: documents.collect() }, Facts::Proof(statement))
}

/// Every move of either party, right and wrong, with its facts.
pub fn moves(world: &World) -> Vec<(agreement::Move, Facts)> {
    let mut moves = vec![
        (Move::Accept { share: RESPONDERS_SHARE }, Facts::Nothing),
        (Move::Reveal { share: REQUESTERS_SHARE }, Facts::Nothing),
        (Move::Reveal { share: RESPONDERS_SHARE }, Facts::Nothing),
        (Move::Abort, Facts::Nothing),
        (Move::Declare { matches: BTreeSet::new() }, Facts::Nothing),
        (Move::Declare { matches: BTreeSet::from([MATCH]) }, Facts::Nothing),
        (Move::Declare { matches: BTreeSet::from([0, MATCH]) }, Facts::Nothing),
        (Move::Declare { matches: BTreeSet::from([DOCUMENTS]) }, Facts::Nothing),
    ];
    for items in [1, 2] {
        moves.extend(transfer_moves(items).into_iter().map(|(action, facts)| (Move::Transfer(action), facts)));
    }
    for index in 0..DOCUMENTS {
        moves.push(prove(world.agreement.id, &[index], &source()));
        moves.push(prove(world.agreement.id, &[index], &provider()));
        moves.extend((0..DOCUMENTS).map(|other| prove(world.agreement.id, &[index, other], &source())));
    }
    moves.into_iter().map(|(action, facts)| (agreement::Move::Retrieval(action), facts)).collect()
}

/// The move of an honest party whose turn it is.
pub fn honest(world: &World, who: AccountId) -> Option<(agreement::Move, Facts)> {
    let (agreement::Terms::Retrieval(terms), agreement::State::Retrieval(state)) = (&world.agreement.terms, &world.agreement.state) else {
        panic!("not about retrieval")
    };
    if state.awaits(terms) != Some(who) {
        return None;
    }
    let (action, facts) = match state {
        State::Proposed { .. } => (Move::Accept { share: RESPONDERS_SHARE }, Facts::Nothing),
        State::Declaring { .. } => (Move::Declare { matches: BTreeSet::from([MATCH]) }, Facts::Nothing),
        State::Revealing { .. } => (Move::Reveal { share: REQUESTERS_SHARE }, Facts::Nothing),
        State::Proving { seed, proved, .. } => {
            let rest: Vec<u32> = terms.sampled(seed).into_iter().filter(|index| !proved.contains(index)).collect();
            prove(world.agreement.id, &rest, &source())
        }
        State::Delivering { matches, transfer } => {
            let (action, facts) = honest_transfer_move(transfer, u32::try_from(matches.len()).unwrap());
            (Move::Transfer(action), facts)
        }
        State::Ended(_) => return None,
    };
    Some((agreement::Move::Retrieval(action), facts))
}
