//! A random oracle that can be programmed: challenges are drawn first, and its answers at the states that the messages lead to are set afterwards.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;
use verinfer_relation::field::{F, K, decode_base, encode, encode_base, from_coordinates};
use verinfer_relation::steps;
use verinfer_relation::transcript::{Challenger, Transcript};

/// A step of a transcript whose challenges were drawn without looking at its messages.
#[derive(Clone, Debug)]
enum Event {
    Send(&'static str, Vec<u8>),
    Hint(Vec<u8>),
    Grind(usize),
    Answer(&'static str, Answer),
}

/// What the oracle says.
#[derive(Clone, Debug)]
enum Answer {
    Element(K),
    Indices(Vec<usize>),
}

/// Draws challenges and writes down what is said in which order.
#[derive(Clone)]
pub struct Tape(Rc<RefCell<Inner>>);

struct Inner {
    random: ChaCha20Rng,
    events: Vec<Event>,
}

impl Tape {
    pub fn new(random: ChaCha20Rng) -> Self {
        Self(Rc::new(RefCell::new(Inner { random, events: Vec::new() })))
    }

    pub fn base(&self) -> F {
        base(&mut self.0.borrow_mut().random)
    }

    pub fn element(&self) -> K {
        element(&mut self.0.borrow_mut().random)
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.borrow_mut().random.fill_bytes(&mut bytes);
        bytes
    }

    /// Sends elements. Returns which event this is.
    pub fn send(&mut self, label: &'static str, values: &[K]) -> usize {
        self.absorb(label, &encoded(values));
        self.0.borrow().events.len() - 1
    }

    /// Changes what was sent: challenges do not depend on it.
    pub fn replace(&self, event: usize, bytes: Vec<u8>) {
        if let Event::Send(_, sent) = &mut self.0.borrow_mut().events[event] {
            assert_eq!(sent.len(), bytes.len());
            *sent = bytes;
        }
    }

    pub fn hint(&self, values: &[F]) {
        let mut bytes = Vec::new();
        values.iter().for_each(|&value| encode_base(value, &mut bytes));
        self.push(Event::Hint(bytes));
    }

    pub fn hint_bytes(&self, bytes: &[u8]) {
        self.push(Event::Hint(bytes.to_vec()));
    }

    pub fn grind(&self, bits: usize) {
        self.push(Event::Grind(bits));
    }

    fn push(&self, event: Event) {
        self.0.borrow_mut().events.push(event);
    }

    /// The proof's body and the oracle under which its challenges are those that were drawn.
    pub fn program(self, start: Transcript) -> (Vec<u8>, Program) {
        let (mut state, mut body, mut program) = (start, Vec::new(), Program::default());
        for event in std::mem::take(&mut self.0.borrow_mut().events) {
            match event {
                Event::Send(label, bytes) => {
                    state.absorb(label, &bytes);
                    body.extend(bytes);
                }
                Event::Hint(bytes) => body.extend(bytes),
                Event::Grind(bits) => {
                    let nonce = (0u64..).find(|&nonce| state.grinds(bits, nonce)).unwrap().to_le_bytes();
                    state.absorb(steps::GRINDING, &nonce);
                    body.extend(nonce);
                }
                Event::Answer(label, answer) => {
                    assert!(program.answers.insert(ask(&mut state, label), answer).is_none());
                }
            }
        }
        (body, program)
    }
}

impl Challenger for Tape {
    fn absorb(&mut self, label: &'static str, bytes: &[u8]) {
        self.push(Event::Send(label, bytes.to_vec()));
    }

    fn challenge(&mut self, label: &'static str) -> K {
        let element = self.element();
        self.push(Event::Answer(label, Answer::Element(element)));
        element
    }

    fn indices(&mut self, label: &'static str, bound: usize, count: usize) -> Vec<usize> {
        let draw = || self.0.borrow_mut().random.random_range(0..bound);
        let mut indices: Vec<usize> = (0..count).map(|_| draw()).collect();
        indices.sort_unstable();
        indices.dedup();
        self.push(Event::Answer(label, Answer::Indices(indices.clone())));
        indices
    }

    fn grinds(&self, _: usize, _: u64) -> bool {
        true
    }
}

/// The oracle's answers at some states, by what the hash answers there; elsewhere it is the hash.
#[derive(Clone, Default)]
pub struct Program {
    answers: HashMap<Vec<u8>, Answer>,
}

impl Program {
    /// Number of states that are programmed.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// A verifier's transcript under this oracle.
    pub fn from(&self, start: Transcript) -> Programmed<'_> {
        Programmed { state: start, program: self }
    }
}

/// The verifier's side of a programmed oracle.
#[derive(Clone)]
pub struct Programmed<'a> {
    state: Transcript,
    program: &'a Program,
}

/// Asks the hash: the state goes on, and the answer stands for the state and label that it was asked in.
fn ask(state: &mut Transcript, label: &'static str) -> Vec<u8> {
    encoded(&[state.challenge(label)])
}

impl Challenger for Programmed<'_> {
    fn absorb(&mut self, label: &'static str, bytes: &[u8]) {
        self.state.absorb(label, bytes);
    }

    fn challenge(&mut self, label: &'static str) -> K {
        let hashed = self.state.clone().challenge(label);
        match self.program.answers.get(&ask(&mut self.state, label)) {
            Some(Answer::Element(element)) => *element,
            _ => hashed,
        }
    }

    fn indices(&mut self, label: &'static str, bound: usize, count: usize) -> Vec<usize> {
        let hashed = self.state.clone().indices(label, bound, count);
        match self.program.answers.get(&ask(&mut self.state, label)) {
            Some(Answer::Indices(indices)) => indices.clone(),
            _ => hashed,
        }
    }

    fn grinds(&self, bits: usize, nonce: u64) -> bool {
        self.state.grinds(bits, nonce)
    }
}

/// A uniform element of `F`.
pub fn base(random: &mut ChaCha20Rng) -> F {
    loop {
        if let Some(value) = decode_base(random.next_u64().to_le_bytes()) {
            return value;
        }
    }
}

/// A uniform element of `K`.
pub fn element(random: &mut ChaCha20Rng) -> K {
    from_coordinates(std::array::from_fn(|_| base(random)))
}

pub fn encoded(values: &[K]) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.iter().for_each(|&value| encode(value, &mut bytes));
    bytes
}
