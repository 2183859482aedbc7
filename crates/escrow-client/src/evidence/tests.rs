use verinfer_protocols::answer::{Answer, LogHead, VERSION};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::money::Money;
use verinfer_protocols::signed::{self, Body, Request};
use verinfer_protocols::time::Timestamp;

use super::*;
use crate::memory::{Export, Judgement, KeptFault};
use crate::messages::{Receipt, RequestReceipt};

const SALT: NonceSalt = NonceSalt([7; 32]);

fn keys() -> (SecretKey, SecretKey) {
    (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]))
}

fn head(position: u64, byte: u8) -> LogHead {
    LogHead { position, digest: Digest([byte; 32]) }
}

fn answer(target: &str, head: LogHead, body: &str) -> Answer {
    Answer {
        version: VERSION,
        escrow: keys().0.account(),
        question: Question { method: "GET", target, ..Question::default() }.digest(),
        nonce: None,
        status: 200,
        body: Digest::of_bytes(body.as_bytes()),
        now: Timestamp(50_000),
        head,
        known: None,
    }
}

fn sign(answer: Answer) -> SignedAnswer {
    SignedAnswer::sign(answer, None, &keys().0)
}

/// What a change of the later one of two answers, and of its salt, shows.
fn shown(change: fn(&mut Answer, &SignedAnswer)) -> Result<Contradiction, EvidenceFault> {
    let earlier = sign(answer("/v1/about", head(5, 5), ""));
    let mut later = answer("/v1/about", head(6, 6), "");
    (later.known, later.nonce) = (Some(head(5, 5)), Some(SALT.nonce(Some(&earlier))));
    change(&mut later, &earlier);
    Evidence::Answers { earlier, later: sign(later), salt: Some(SALT) }.check(keys().0.account())
}

#[test]
fn two_answers_show_anybody_a_contradiction_that_they_are() {
    assert_eq!(shown(|_, _| ()), Err(EvidenceFault::Nothing));
    let other = shown(|later, _| (later.known, later.nonce) = (Some(head(5, 9)), None));
    assert!(matches!(other, Ok(Contradiction::OtherLog { .. })), "{other:?}");
    let shorter = shown(|later, _| (later.head, later.known) = (head(4, 4), None));
    assert!(matches!(shorter, Ok(Contradiction::Shorter { .. })), "{shorter:?}");
    let time = shown(|later, _| later.now = Timestamp(0));
    assert!(matches!(time, Ok(Contradiction::Time { .. })), "{time:?}");
}

#[test]
fn a_log_is_shorter_only_if_the_answer_that_says_so_was_asked_for_later() {
    // Without the nonce that holds the first answer, it may be the older one.
    assert_eq!(shown(|later, _| (later.head, later.nonce) = (head(4, 4), None)), Err(EvidenceFault::Order));
    assert_eq!(shown(|later, _| (later.now, later.nonce) = (Timestamp(0), Some(SALT.nonce(None)))), Err(EvidenceFault::Order));
}

#[test]
fn answers_that_the_escrow_has_not_signed_show_nothing() {
    let (earlier, mut later) = (sign(answer("/v1/about", head(5, 5), "")), sign(answer("/v1/about", head(5, 5), "")));
    later.answer.head = head(5, 9);
    let evidence = Evidence::Answers { earlier, later, salt: None };
    let key = keys().0.account();
    assert_eq!(evidence.check(key), Err(AnswerFault::Signature { key }.into()));
    let other = keys().1.account();
    assert!(matches!(evidence.check(other), Err(EvidenceFault::Unsigned { fault: AnswerFault::OtherEscrow { .. } })));
}

/// What an answer to a request says, as it is kept.
fn receipt(request: Request, entry: Receipt, body: String) -> KeptReceipt {
    let question = Question { method: "POST", target: REQUESTS, authorization: "by whom", content_type: JSON, content_length: "3" };
    let answer = sign(Answer { question: question.digest(), ..answer("", head(5, 5), &body) });
    KeptReceipt { request, authorization: "by whom".to_owned(), content_length: 3, entry, answer, body }
}

/// A receipt, and an answer of a log with so many entries that the next number is that.
fn gone(entries: u64, next: u64) -> Evidence {
    let (escrow, party) = keys();
    let header = Header {
        version: signed::VERSION,
        escrow: escrow.account(),
        signer: party.account(),
        agreement: AgreementId::NONE,
        sequence: 1,
        expires: Timestamp(9),
    };
    let body = Body::Withdraw { amount: Money::new(5).unwrap(), reference: "bank".to_owned() };
    let request = Request::sign(header, body, &party);
    let entry = Receipt { position: 5, head: Digest([5; 32]), at: Timestamp(1) };
    let body = serde_json::to_string(&RequestReceipt { request: request.id(), entry }).unwrap();
    let receipt = receipt(request, entry, body);
    let (account, balance) = (party.account(), Money::new(5).unwrap());
    let view = AccountView { account, balance, next_sequence: next, outcomes: Vec::new(), agreements: Vec::new() };
    let (target, body) = (format!("/v1/accounts/{account}"), serde_json::to_string(&view).unwrap());
    let later = sign(answer(&target, head(entries, 6), &body));
    Evidence::Gone { receipt, target, later, body }
}

#[test]
fn request_that_was_carried_out_and_is_not_counted_is_gone() {
    let escrow = keys().0.account();
    let shown = gone(6, 1).check(escrow);
    assert!(matches!(shown, Ok(Contradiction::MoveGone { position: 5, sequence: 1, next: 1, .. })), "{shown:?}");
    assert_eq!(gone(6, 2).check(escrow), Err(EvidenceFault::Nothing));
    assert_eq!(gone(4, 1).check(escrow), Err(EvidenceFault::Order), "the answer may be older than the request");
    let changed = |change: fn(&mut KeptReceipt, &mut String, &mut String)| {
        let Evidence::Gone { mut receipt, mut target, later, mut body } = gone(6, 1) else { panic!() };
        change(&mut receipt, &mut target, &mut body);
        Evidence::Gone { receipt, target, later, body }.check(escrow).unwrap_err()
    };
    assert!(matches!(changed(|receipt, _, _| receipt.request.header.sequence = 3), EvidenceFault::Request { .. }));
    assert!(matches!(changed(|receipt, _, _| receipt.entry.position = 1), EvidenceFault::OtherReceipt { .. }));
    assert!(matches!(changed(|receipt, _, _| receipt.body.push(' ')), EvidenceFault::OtherReceipt { .. }));
    assert!(matches!(changed(|_, target, _| target.push('?')), EvidenceFault::OtherAnswer { .. }));
    assert!(matches!(changed(|_, _, body| body.push(' ')), EvidenceFault::OtherAnswer { .. }));
}

/// What is wrong with a receipt that was changed, where the escrow signs the change.
fn signed_fault(change: impl FnOnce(&mut KeptReceipt)) -> Option<EvidenceFault> {
    let Evidence::Gone { mut receipt, .. } = gone(6, 1) else { panic!() };
    change(&mut receipt);
    receipt.answer.answer.body = Digest::of_bytes(receipt.body.as_bytes());
    receipt.answer = sign(receipt.answer.answer);
    receipt.check(keys().0.account()).err()
}

#[test]
fn only_the_answer_to_the_posted_request_is_its_receipt_whatever_others_say() {
    assert_eq!(signed_fault(|_| ()), None);
    // A file that somebody has left with an agreement, and asked for.
    let file = signed_fault(|receipt| {
        let target = format!("/v1/agreements/{}/files/{}", AgreementId::NONE, Digest::of_bytes(receipt.body.as_bytes()));
        receipt.answer.answer.question =
            Question { method: "GET", target: &target, authorization: "by whom", ..Question::default() }.digest();
    });
    assert!(matches!(file, Some(EvidenceFault::OtherQuestion { .. })), "{file:?}");
    let changes: [fn(&mut KeptReceipt); 2] = [|receipt| receipt.content_length = 4, |receipt| receipt.authorization.push('r')];
    for change in changes {
        assert!(matches!(signed_fault(change), Some(EvidenceFault::OtherQuestion { .. })));
    }
    let created = signed_fault(|receipt| receipt.answer.answer.status = 201);
    assert!(matches!(created, Some(EvidenceFault::OtherReceipt { .. })), "{created:?}");
}

#[test]
fn receipt_names_an_entry_of_the_log_that_its_answer_speaks_of() {
    let fault = |end: LogHead| signed_fault(|receipt| receipt.answer.answer.head = end);
    assert_eq!(fault(head(6, 6)), None);
    assert!(matches!(fault(head(4, 4)), Some(EvidenceFault::OutsideLog { position: 5, end: 4, .. })));
    assert!(matches!(fault(head(5, 9)), Some(EvidenceFault::OutsideLog { position: 5, end: 5, .. })));
}

#[test]
fn contradiction_is_proved_whatever_is_wrong_with_other_things_that_are_kept() {
    let (evidence, escrow) = (gone(6, 1), keys().0.account());
    let Evidence::Gone { receipt, later, .. } = evidence.clone() else { panic!() };
    let spoilt = KeptReceipt { content_length: 9, ..receipt.clone() };
    let kept = Export { head: Some(later), receipts: vec![receipt, spoilt], evidence: Some(evidence), ..Export::default() };
    let Judgement { contradiction, faults } = kept.judge(escrow);
    assert!(matches!(contradiction, Some(Contradiction::MoveGone { .. })), "{contradiction:?}");
    assert!(matches!(faults[..], [KeptFault::Receipt { number: 2, fault: EvidenceFault::OtherQuestion { .. } }]), "{faults:?}");
    // Of another escrow, nothing is.
    let other = kept.judge(keys().1.account());
    let others = matches!(
        other.faults[..],
        [KeptFault::Head { .. }, KeptFault::Receipt { number: 1, .. }, KeptFault::Receipt { .. }, KeptFault::Evidence { .. }]
    );
    assert!(others && other.contradiction.is_none(), "{other:?}");
}
