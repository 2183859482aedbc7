//! The share of masks in the committed vector: exact counts.

use verinfer_prover::measure::parameters_without_masks;
use verinfer_relation::parameters::{BLINDING_COLUMNS, Parameters, mask_cells};
use verinfer_relation::relation::Role;
use verinfer_relation::{Relation, RelationError};

/// What the elements that are committed to are for.
pub struct Cells {
    /// Values of the computation, multiplicities and commitments.
    pub computed: usize,
    /// Pads, their products, triples and the spare denominator.
    secrets: usize,
    /// Random rows of the opening.
    mask_rows: usize,
    /// Zeros between the cells in use and the mask rows.
    alignment: usize,
    /// Base elements of the blinding vector.
    blinding: usize,
    /// Base elements of the first codeword.
    encoded: usize,
    /// The same if `computed` cells were all there is.
    encoded_bare: usize,
}

impl Cells {
    /// Of proofs of a relation at a level in bits.
    pub fn new(relation: &Relation, security_level: usize) -> Result<Self, RelationError> {
        let is_secret = |role| matches!(role, Role::Secrets | Role::Spare);
        let secrets = relation.columns.iter().filter(|column| is_secret(column.role)).map(|column| column.channels * column.pixels).sum();
        let parameters = Parameters::for_cells(relation.layout.num_stored(), security_level)?;
        let mask_rows = mask_cells(parameters.log_cells);
        let computed = relation.num_cells() - secrets;
        let bare = parameters_without_masks(computed, security_level)?.oracles[0];
        Ok(Self {
            computed,
            secrets,
            mask_rows,
            alignment: parameters.num_stored() - relation.num_cells() - mask_rows,
            blinding: BLINDING_COLUMNS * parameters.num_rows,
            encoded: parameters.row_len(0) * parameters.oracles[0].domain.size(),
            encoded_bare: bare.domain.size() << bare.fold,
        })
    }

    /// One line for each part.
    pub fn print(&self) {
        let all = self.computed + self.secrets + self.mask_rows + self.alignment + self.blinding;
        for (name, number) in [
            ("computation", self.computed),
            ("secrets", self.secrets),
            ("mask rows", self.mask_rows),
            ("alignment", self.alignment),
            ("blinding", self.blinding),
        ] {
            println!("{name:<14}{number:>10} committed elements, {:>6.2} %", 100.0 * number as f64 / all as f64);
        }
        let ratio = |with: usize, without: usize| with as f64 / without as f64;
        println!("{:<14}{:>10.3} times the computation's", "committed", ratio(all, self.computed));
        println!("{:<14}{:>10.3} times a bare vector's", "encoded", ratio(self.encoded, self.encoded_bare));
    }
}
