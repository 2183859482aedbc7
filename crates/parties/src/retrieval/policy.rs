use verinfer_escrow_client::MAX_FILE_BYTES;
use verinfer_graph::{DataType, Graph, Shape};
use verinfer_protocols::money::Money;
use verinfer_protocols::retrieval::Terms;
use verinfer_protocols::statement::Predicate;

use crate::load::Load;
use crate::model::form_of;
use crate::size::Size;
use crate::time::{Time, Work};

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
    /// Cells of its largest proof: some hundred bytes of memory for each.
    pub cells: usize,
    /// Most classes of a requester's model.
    pub classes: u32,
}

impl Policy {
    /// What an agreement about its corpus, of which all documents have so many bytes, may demand with a model of this size, with `batch` documents in one proof.
    ///
    /// # Errors
    ///
    /// Why it is not for this responder.
    pub fn judge(&self, terms: &Terms, corpus: u64, size: Size, batch: usize) -> Result<Load, &'static str> {
        if terms.price < self.price {
            return Err("the price is too low");
        }
        if terms.bond > self.bond {
            return Err("the bond is too large");
        }
        if size.cells > self.cells {
            return Err("the model is too large");
        }
        let millions = u64::try_from(size.cells.div_ceil(1_000_000).max(1)).unwrap_or(u64::MAX);
        let load = self.time.scaled(millions).load(&[
            (terms.periods.respond, Work { items: terms.corpus.len, ..Work::default() }),
            (terms.periods.declare, Work { inferences: terms.corpus.len, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.sample, ..Work::default() }),
        ])?;
        Ok(load
            .with_files(corpus.saturating_add(size.proofs_bytes(terms.sample, batch)))?
            .keeping(corpus.saturating_add(MAX_FILE_BYTES as u64)))
    }
}

/// Why a responder with documents of this shape and type, that takes models of so many classes at most, cannot do with a network what the terms promise.
pub fn objection_to_network(terms: &Terms, network: &Graph, (shape, dtype): (Shape, DataType), classes: u32) -> Option<&'static str> {
    let (input, output) = (network.spec(network.input()), network.spec(network.output()));
    if (input.shape, input.dtype) != (shape, dtype) {
        Some("the model does not take the documents of the corpus")
    } else if output.shape.num_pixels() != 1 {
        Some("the model's outputs are not the scores of classes")
    } else if output.shape.channels > classes as usize {
        Some("the model has too many classes")
    } else if terms.predicate.class() >= form_of(network).classes {
        Some("the model has no such class")
    } else {
        objection_to_predicate(terms.predicate, form_of(network).classes, output.dtype)
    }
}

/// A predicate that some scores meet and others do not: of another one there is no proof, or it selects the whole corpus or nothing of it.
fn objection_to_predicate(predicate: Predicate, classes: u32, dtype: DataType) -> Option<&'static str> {
    match predicate {
        Predicate::Top { k, .. } if k > classes => Some("the model has fewer classes than the predicate's rank"),
        Predicate::Top { k, .. } if k == classes => Some("every document meets the predicate"),
        Predicate::AtLeast { score, .. } if score == dtype.min() => Some("every document meets the predicate"),
        Predicate::AtLeast { score, .. } if !(dtype.min()..=dtype.max()).contains(&score) => Some("the model has no such scores"),
        Predicate::Top { .. } | Predicate::AtLeast { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_without_a_proof_or_a_choice_are_refused() {
        let objection = |predicate| objection_to_predicate(predicate, 10, DataType::I8);
        let top = |k| objection(Predicate::Top { class: 0, k });
        assert_eq!([1, 9].map(top), [None; 2]);
        assert!([10, 11, u32::MAX].map(top).iter().all(Option::is_some));
        let at_least = |score| objection(Predicate::AtLeast { class: 0, score });
        assert_eq!([-127, 0, 127].map(at_least), [None; 3]);
        assert!([i16::MIN, -1000, -129, -128, 128, 1000, i16::MAX].map(at_least).iter().all(Option::is_some));
    }
}
