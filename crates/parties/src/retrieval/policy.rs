use verinfer_graph::{DataType, Shape};
use verinfer_protocols::money::Money;
use verinfer_protocols::retrieval::{Predicate, Terms};

use crate::model::Model;
use crate::time::{Load, Time, Work};

/// Which agreements a responder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Least price.
    pub price: Money,
    /// Largest bond.
    pub bond: Money,
    /// Least time for what it has to do; for an inference and a proof, with a model of which a proof about one document has up to a million cells.
    pub time: Time,
    /// Most agreements at once.
    pub agreements: u16,
    /// How many documents one proof is about: fewer if escrows do not verify so large a proof.
    pub batch: usize,
}

impl Policy {
    /// What an agreement about its corpus may demand if a proof about one document has so many cells.
    ///
    /// # Errors
    ///
    /// Why it is not for this responder.
    pub fn judge(&self, terms: &Terms, cells: usize) -> Result<Load, &'static str> {
        if terms.price < self.price {
            return Err("the price is too low");
        }
        if terms.bond > self.bond {
            return Err("the bond is too large");
        }
        let millions = u64::try_from(cells.div_ceil(1_000_000).max(1)).unwrap_or(u64::MAX);
        self.time.scaled(millions).load(&[
            (terms.periods.respond, Work { items: terms.corpus.len, ..Work::default() }),
            (terms.periods.declare, Work { inferences: terms.corpus.len, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.sample, ..Work::default() }),
        ])
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
