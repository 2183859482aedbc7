//! What commitment and opening would cost without masks: the work alone. No proof comes of it, and no verifier takes such messages.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::RelationError;
use verinfer_relation::field::{F, K};
use verinfer_relation::parameters::{MIN_LOG_CELLS, Parameters};
use verinfer_relation::steps;
use verinfer_relation::transcript::{ProverTranscript, Transcript};

use super::{finish, powers, rows};
use crate::codeword::{Codeword, Dft};
use crate::packed::{WIDTH, pack};
use crate::prove::Phase;

/// Shape of the opening of `num_cells` cells without mask rows: the vector ends with the last register of rows that they fill.
pub fn parameters_without_masks(num_cells: usize, security_level: usize) -> Result<Parameters, RelationError> {
    let num_cells = num_cells.max(1 << MIN_LOG_CELLS);
    let fold = Parameters::for_cells(num_cells, security_level)?.oracles[0].fold;
    Parameters::for_cells(num_cells.next_multiple_of(WIDTH << fold), security_level)
}

/// Commits to `num_cells` cells and opens them, with neither mask rows nor blinding vector; cells and weights are made up, as the work does not depend
/// on them, and all messages are thrown away. `started` hears of [`Phase::Commit`] and [`Phase::Open`].
pub fn commit_and_open_without_masks(num_cells: usize, security_level: usize, started: &dyn Fn(Phase)) -> Result<(), RelationError> {
    let parameters = parameters_without_masks(num_cells, security_level)?;
    let dft = Dft::default();
    let mut transcript = ProverTranscript::new(Transcript::new());
    let cells: Vec<F> = (0..parameters.num_stored()).map(F::from_usize).collect();
    let ratio = transcript.state().challenge(steps::CLAIM_COMBINATION);
    let weights: Vec<K> = powers(K::ONE, ratio).take(cells.len()).collect();
    let weights = pack(&weights);

    started(Phase::Commit);
    let codeword = Codeword::unmasked(&dft, &parameters.oracles[0], &cells);
    transcript.send_bytes(steps::COMMITMENT, &codeword.root());

    started(Phase::Open);
    let mut folding = rows::fold(&mut transcript, parameters.oracles[0].fold, cells, weights);
    folding.resize(parameters.oracles[0].degree);
    finish(&mut transcript, &dft, &parameters, codeword, folding);
    Ok(())
}
