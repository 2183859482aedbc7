//! Random events at random times, random lists, random changes of signed requests.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test panics on what it does not expect")]

mod common;

use common::{World, accuracy, customer, digest, provider, retrieval, serving, stranger, units};
use proptest::prelude::*;
use proptest::sample::Index;
use verinfer_protocols::accuracy::Evidence;
use verinfer_protocols::agreement::{Event, Move};
use verinfer_protocols::coin::{Seed, Share};
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::event::Facts;
use verinfer_protocols::ledger::{Account, Ledger, Posting};
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::signed::{Body, Header, Request, RequestFault, VERSION};
use verinfer_protocols::time::Timestamp;

/// One attempt: who, which move (or the deadline), how much later.
type Attempt = (u8, Index, u64);

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    prop::collection::vec((0_u8..8, any::<Index>(), 0_u64..60), 0..120)
}

/// Tries everything in order; what is refused changes nothing. The books are checked after each event, and deadlines lead to the end from wherever it got.
fn play(mut world: World, attempts: &[Attempt], moves: impl Fn(&World) -> Vec<(Move, Facts)>, right: impl Fn(&World) -> Vec<Event>) {
    for (who, which, later) in attempts {
        let now = Timestamp(world.now.0 + later);
        let candidates = moves(&world);
        let (action, facts) = candidates[which.index(candidates.len())].clone();
        let event = match who {
            0 => Event::Deadline,
            1 => Event::Move { by: customer().account(), action, facts },
            2 => Event::Move { by: provider().account(), action, facts },
            3 => Event::Move { by: stranger().account(), action, facts },
            // Otherwise the agreement would seldom get far.
            _ => match right(&world).into_iter().next() {
                Some(event) => event,
                None => continue,
            },
        };
        let before = canonical(&world.agreement);
        match world.after(&event, now) {
            Ok(next) => world = next,
            Err(_) => assert_eq!(canonical(&world.agreement), before),
        }
        world.now = now;
    }
    let mut left = 20;
    while let Some(deadline) = world.agreement.state.deadline() {
        world = world.after(&Event::Deadline, deadline).expect("the deadline leads on");
        left -= 1;
        assert!(left > 0, "deadlines do not lead to the end");
    }
    assert!(world.agreement.state.has_ended());
}

/// The moves that honest parties would make.
fn right(world: &World, honest: impl Fn(&World, verinfer_protocols::keys::AccountId) -> Option<(Move, Facts)>) -> Vec<Event> {
    let parties = [customer().account(), provider().account()];
    parties.into_iter().filter_map(|by| honest(world, by).map(|(action, facts)| Event::Move { by, action, facts })).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn accuracy_survives_anything(attempts in attempts(), count: bool) {
        let evidence = if count { Evidence::Count } else { Evidence::Outputs };
        let honest = |world: &World, who| accuracy::honest(world, who, evidence);
        play(accuracy::world(evidence), &attempts, |world| accuracy::moves(world, evidence), |world| right(world, honest));
    }

    #[test]
    fn serving_survives_anything(attempts in attempts()) {
        play(serving::world(), &attempts, serving::moves, |world| right(world, serving::honest));
    }

    #[test]
    fn retrieval_survives_anything(attempts in attempts()) {
        play(retrieval::world(), &attempts, retrieval::moves, |world| right(world, retrieval::honest));
    }

    #[test]
    fn ledger_conserves_money(postings in prop::collection::vec((0_u8..6, 0_u8..6, 0_u64..100), 0..60)) {
        let account = |number| match number {
            0 => Account::Outside,
            1 => Account::Fees,
            2 => Account::Holding(AgreementId([1; 32])),
            3 => Account::Due,
            other => Account::Party(verinfer_protocols::keys::AccountId([other; 32])),
        };
        let mut ledger = Ledger::default();
        for (from, to, amount) in postings {
            let before = ledger.clone();
            let made = ledger.post(&[Posting { from: account(from), to: account(to), amount: units(amount) }]);
            if made.is_err() {
                prop_assert_eq!(&ledger, &before);
            }
            let sum: u64 = ledger.balances().map(|(_, balance)| balance.units()).sum();
            prop_assert_eq!(sum, ledger.balance(Account::Outside).units());
        }
    }

    #[test]
    fn lists_hold_their_entries_and_no_others(len in 1_u32..200, place: Index, other in any::<u64>()) {
        let entries: Vec<Digest> = (0..len).map(|entry| digest(&entry.to_string())).collect();
        let tree = Tree::new(&entries).unwrap();
        let place = place.index(entries.len());
        let index = u32::try_from(place).unwrap();
        let path = tree.path(index).unwrap();
        prop_assert!(tree.root().holds(index, &entries[place], &path));
        let absent = digest(&format!("other {other}"));
        prop_assert!(!tree.root().holds(index, &absent, &path));
        prop_assert!(!tree.root().holds(index ^ 1, &entries[place], &path));
        if let Some(first) = path.0.first().copied() {
            let mut spoilt = path.clone();
            spoilt.0[0] = Digest(first.0.map(|byte| byte ^ 1));
            prop_assert!(!tree.root().holds(index, &entries[place], &spoilt));
        }
    }

    #[test]
    fn subsets_are_sorted_and_of_their_size(bytes: [u8; 32], len in 1_u32..500, size in 0_u32..500) {
        let subset = Seed::new(AgreementId(bytes), &Share([1; 32]), &Share([2; 32])).subset(len, size);
        prop_assert_eq!(subset.len(), size.min(len) as usize);
        prop_assert!(subset.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(subset.iter().all(|&index| index < len));
    }

    #[test]
    fn nothing_of_a_signed_request_can_be_changed(place: Index, bit in 0_u8..8) {
        let header = Header {
            version: VERSION,
            escrow: provider().account(),
            signer: customer().account(),
            agreement: AgreementId([7; 32]),
            sequence: 5,
            expires: Timestamp(1_000_000),
        };
        let body = Body::Withdraw { amount: units(5), reference: "bank".to_owned() };
        let request = Request::sign(header, body, &customer());
        prop_assert_eq!(request.check(provider().account()), Ok(()));
        let mut bytes = canonical(&request);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        // Bytes that are no request, or another spelling of one, do not count.
        if let Ok(changed) = postcard::from_bytes::<Request>(&bytes)
            && changed != request
        {
            prop_assert!(changed.check(provider().account()).is_err());
        }
    }

    #[test]
    fn requests_travel_as_json(amount in 0_u64..1000, reference in ".{0,20}") {
        let header = Header {
            version: VERSION,
            escrow: provider().account(),
            signer: customer().account(),
            agreement: AgreementId::NONE,
            sequence: 1,
            expires: Timestamp(1),
        };
        let request = Request::sign(header, Body::Withdraw { amount: units(amount), reference }, &customer());
        let read: Request = serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap();
        prop_assert_eq!(&read, &request);
        prop_assert_eq!(read.check(provider().account()), Ok(()));
        prop_assert_eq!(read.id(), request.id());
    }
}

#[test]
fn moves_of_all_kinds_travel_as_json() {
    let worlds = [accuracy::world(Evidence::Outputs), serving::world(), retrieval::world()];
    let moves = [accuracy::moves(&worlds[0], Evidence::Outputs), serving::moves(&worlds[1]), retrieval::moves(&worlds[2])];
    for (action, _) in moves.into_iter().flatten() {
        let json = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<Move>(&json).unwrap(), action, "{json}");
        assert_eq!(postcard::from_bytes::<Move>(&canonical(&action)).unwrap(), action);
    }
}

#[test]
fn numbers_are_used_once_and_in_order() {
    let header = |sequence| Header {
        version: VERSION,
        escrow: provider().account(),
        signer: customer().account(),
        agreement: AgreementId::NONE,
        sequence,
        expires: Timestamp(1),
    };
    assert_eq!(header(3).check_sequence(2), Ok(()));
    assert_eq!(header(2).check_sequence(2), Err(RequestFault::Replayed { found: 2, expected: 3 }));
    assert_eq!(header(4).check_sequence(2), Err(RequestFault::OutOfOrder { found: 4, expected: 3 }));
}
