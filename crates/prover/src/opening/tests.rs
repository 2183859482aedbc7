use p3_field::PrimeCharacteristicRing;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::functional::dot;
use verinfer_relation::parameters::{MIN_LOG_CELLS, Parameters, mask_cells};
use verinfer_relation::steps;
use verinfer_relation::transcript::{Message, ProverTranscript, Transcript, VerifierTranscript};
use verinfer_verifier::VerifyError;

use super::*;
use crate::random::random_element;

/// What is opened in a test.
pub(super) struct Case {
    pub parameters: Parameters,
    pub cells: Vec<F>,
    pub weights: Vec<K>,
    pub claim: K,
}

impl Case {
    /// Random cells and weights; no proof of work.
    pub(super) fn new(log_cells: usize, random: &mut ChaCha20Rng) -> Self {
        let parameters = Parameters { grinding_bits: 0, ..Parameters::new(log_cells, 128) };
        let used = (1 << log_cells) - mask_cells(log_cells);
        let mut cells: Vec<F> = (0..used).map(|_| random_element(random)).collect();
        let mut weights: Vec<K> = (0..used).map(|_| element(random)).collect();
        let claim = cells.iter().zip(&weights).map(|(&cell, &weight)| weight * cell).sum();
        cells.resize(1 << log_cells, F::ZERO);
        weights.resize(1 << log_cells, K::ZERO);
        Self { parameters, cells, weights, claim }
    }

    /// A proof; its messages; the vector with masks.
    pub(super) fn open(&self, masks: &Masks) -> (Vec<u8>, Vec<Message>, Vec<F>) {
        let dft = Dft::default();
        let mut cells = self.cells.clone();
        masks.write(&mut cells);
        let codeword = Codeword::of_base(&dft, &self.parameters.oracles[0], &cells, masks);
        let mut transcript = ProverTranscript::default();
        transcript.send_bytes(steps::COMMITMENT, &codeword.root());
        prove(&mut transcript, &dft, &self.parameters, codeword, cells.clone(), masks.clone(), pack(&self.weights));
        let (body, messages) = transcript.finish();
        (body, messages, cells)
    }

    pub(super) fn verify(&self, body: &[u8], claim: K) -> Result<(), VerifyError> {
        let mut transcript = VerifierTranscript::new(Transcript::new(), body);
        let root = transcript.receive_bytes(steps::COMMITMENT)?;
        let weights_at = |point: &[K]| dot(&self.weights, &eq_table(point, self.weights.len()));
        verinfer_verifier::opening::verify(&mut transcript, &self.parameters, root, claim, weights_at)?;
        transcript.finish()?;
        Ok(())
    }
}

pub(super) fn element(random: &mut ChaCha20Rng) -> K {
    from_coordinates([random_element(random), random_element(random), random_element(random)])
}

fn generator() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

#[test]
fn openings_verify() {
    let mut random = generator();
    for log_cells in [MIN_LOG_CELLS, 14, 16, 18, 20] {
        let case = Case::new(log_cells, &mut random);
        for masks in [Masks::random(log_cells, &mut random), Masks::zero(log_cells)] {
            let (body, ..) = case.open(&masks);
            assert_eq!(case.verify(&body, case.claim), Ok(()), "2^{log_cells}");
            assert_eq!(case.verify(&body, case.claim + K::ONE), Err(VerifyError::CombinedClaim), "2^{log_cells}");
        }
    }
}
