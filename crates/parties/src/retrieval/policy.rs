use verinfer_graph::{DataType, Shape};
use verinfer_protocols::money::Money;
use verinfer_protocols::retrieval::{Predicate, Terms};

use crate::model::Model;
use crate::time::{Time, Work};

/// Which agreements a responder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Least price.
    pub price: Money,
    /// Largest bond.
    pub bond: Money,
    /// Least time for what it has to do.
    pub time: Time,
    /// Most agreements at once.
    pub agreements: u16,
    /// How many documents one proof is about: fewer if escrows do not verify so large a proof.
    pub batch: usize,
}

impl Policy {
    /// Why an agreement about its corpus is not for this responder.
    pub fn objection(&self, terms: &Terms) -> Option<&'static str> {
        let periods = [
            (terms.periods.respond, Work { items: terms.corpus.len, ..Work::default() }),
            (terms.periods.declare, Work { inferences: terms.corpus.len, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.sample, ..Work::default() }),
        ];
        if terms.price < self.price {
            Some("the price is too low")
        } else if terms.bond > self.bond {
            Some("the bond is too large")
        } else if !self.time.suffices(&periods) {
            Some("the time is too short")
        } else {
            None
        }
    }
}

/// Why a responder with documents of this shape and type cannot do with a model what the terms promise.
pub fn objection_to_model(terms: &Terms, model: &Model, input: (Shape, DataType)) -> Option<&'static str> {
    let (Predicate::Top { class, .. } | Predicate::AtLeast { class, .. }) = terms.predicate;
    if model.input() != input {
        Some("the model does not take the documents of the corpus")
    } else if class >= model.form().classes {
        Some("the model has no such class")
    } else {
        None
    }
}
