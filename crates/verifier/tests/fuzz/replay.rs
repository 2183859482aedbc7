//! Challenges of a seed, replayed whatever is sent, and proof of work that always succeeds: a changed message is then judged by what it says.

use std::cell::RefCell;
use std::rc::Rc;

use verinfer_relation::field::K;
use verinfer_relation::transcript::{Challenger, Transcript};

/// What was answered, in order.
#[derive(Clone, Debug)]
enum Answer {
    Element(K),
    Indices(Vec<usize>),
}

/// The answers to one proof.
#[derive(Clone, Default)]
pub struct Answers(Rc<RefCell<Vec<Answer>>>);

impl Answers {
    /// A hash that notes its answers here.
    pub fn record(&self, transcript: Transcript) -> Recorded {
        Recorded { transcript, answers: self.clone(), replayed: None }
    }

    /// Gives the answers that were noted; beyond them, those of the hash.
    pub fn replay(&self, transcript: Transcript) -> Recorded {
        Recorded { transcript, answers: self.clone(), replayed: Some(0) }
    }
}

/// Notes or replays answers.
#[derive(Clone)]
pub struct Recorded {
    transcript: Transcript,
    answers: Answers,
    replayed: Option<usize>,
}

impl Recorded {
    /// The answer noted at this place, if this is a replay; else notes this one.
    fn answer(&mut self, answer: Answer) -> Answer {
        match &mut self.replayed {
            None => {
                self.answers.0.borrow_mut().push(answer.clone());
                answer
            }
            Some(place) => {
                *place += 1;
                self.answers.0.borrow().get(*place - 1).cloned().unwrap_or(answer)
            }
        }
    }
}

impl Challenger for Recorded {
    fn absorb(&mut self, label: &'static str, bytes: &[u8]) {
        self.transcript.absorb(label, bytes);
    }

    fn challenge(&mut self, label: &'static str) -> K {
        let hashed = self.transcript.challenge(label);
        match self.answer(Answer::Element(hashed)) {
            Answer::Element(element) => element,
            Answer::Indices(_) => hashed,
        }
    }

    fn indices(&mut self, label: &'static str, bound: usize, count: usize) -> Vec<usize> {
        let hashed = self.transcript.indices(label, bound, count);
        match self.answer(Answer::Indices(hashed.clone())) {
            // Another statement may have another domain.
            Answer::Indices(indices) if indices.iter().all(|&index| index < bound) => indices,
            Answer::Indices(_) | Answer::Element(_) => hashed,
        }
    }

    fn grinds(&self, bits: usize, nonce: u64) -> bool {
        self.replayed.is_some() || self.transcript.grinds(bits, nonce)
    }
}
