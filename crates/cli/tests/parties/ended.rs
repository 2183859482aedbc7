//! What a provider still has of an agreement that has ended.

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use verinfer_escrow_client::messages::AgreementView;
use verinfer_parties::drive::Step;
use verinfer_parties::host::{self, Desk, Host};
use verinfer_parties::http::{Refused, Room, Service};
use verinfer_parties::provider::Provider;
use verinfer_parties::queue::Job;
use verinfer_parties::wire::{About, Ask, Topic};
use verinfer_parties::{Pace, PartyError};
use verinfer_protocols::agreement::Move;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::serving;
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_sealing::Envelope;

use crate::several::{LIMIT, World, provider, wait};

/// A provider whose proofs take until it is told to go on.
struct Proving {
    honest: Arc<Provider>,
    begun: Sender<()>,
    ended: Mutex<Receiver<()>>,
}

impl Host for Proving {
    fn desk(&self) -> Desk<'_> {
        self.honest.desk()
    }

    fn step(&self, view: &AgreementView) -> Result<Step, PartyError> {
        self.honest.step(view)
    }

    fn prove(&self, _: &Job) -> Result<Vec<u8>, PartyError> {
        self.begun.send(()).unwrap();
        self.ended.lock().unwrap().recv().unwrap();
        Ok(vec![1])
    }
}

impl Service for Proving {
    fn about(&self) -> Result<About, Refused> {
        self.honest.about()
    }

    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused> {
        self.honest.take(agreement, topic, envelope)
    }

    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused> {
        self.honest.give(agreement, topic, ask, room)
    }
}

#[test]
fn nothing_stays_of_an_agreement_that_has_ended_while_its_proofs_are_made() {
    let (world, (begin, begun), (end, ended)) = (World::start(), channel(), channel());
    let (honest, model) = provider(&world);
    let honest = Arc::new(honest);
    let host = Proving { honest: honest.clone(), begun: begin, ended: ended.into() };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    thread::spawn(|| host::run(host, listener, Pace { poll: Duration::from_millis(20), once: false }));
    let [id, other] = [1, 2].map(|number| world.propose(model, number, Millis(3_600_000)));
    let desk = honest.desk();
    for id in [id, other] {
        world.wait_for(id, "sending");
    }
    let next = |id, due: &[u32], deadline| desk.queue.next(id, due, 1, Timestamp(deadline)).unwrap();
    desk.store.put(&format!("{id}/inputs"), "0", "what it was sent").unwrap();
    assert_eq!(next(id, &[0, 1], 1), None);
    begun.recv_timeout(LIMIT).unwrap();
    world.customer.act(id, Move::Serving(serving::Move::Abort)).unwrap();
    wait(|| !desk.store.has("open", &id.to_string()));
    // The proof is made all the same, and the next one is that of the other agreement.
    assert_eq!(next(other, &[0], 2), None);
    for _ in 0..2 {
        end.send(()).unwrap();
    }
    wait(|| next(other, &[0], 2).is_some());
    wait(|| desk.store.names("queue").is_empty());
    for scope in ["inputs", "proofs"] {
        assert!(desk.store.names(&format!("{id}/{scope}")).is_empty(), "{scope}");
    }
    assert!(!desk.places.taken().contains(&id) && desk.places.taken().contains(&other));
}
