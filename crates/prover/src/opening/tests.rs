use p3_field::PrimeCharacteristicRing;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use verinfer_relation::dot::dot;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::parameters::{MIN_LOG_CELLS, Parameters, mask_cells, stored_cells};
use verinfer_relation::steps;
use verinfer_relation::transcript::{Message, ProverTranscript, Transcript, VerifierTranscript};
use verinfer_verifier::VerifyError;

use super::*;
use crate::random::random_element;

/// Length of the smallest vector.
pub(super) const SMALLEST: usize = 1 << MIN_LOG_CELLS;

/// What is opened in a test.
pub(super) struct Case {
    pub parameters: Parameters,
    pub cells: Vec<F>,
    pub weights: Vec<K>,
    pub claim: K,
}

impl Case {
    /// Random cells and weights; no proof of work.
    pub(super) fn new(num_stored: usize, random: &mut ChaCha20Rng) -> Self {
        let parameters = Parameters { grinding_bits: 0, ..Parameters::for_cells(num_stored, 128).unwrap() };
        let used = num_stored - mask_cells(parameters.log_cells);
        let mut cells: Vec<F> = (0..used).map(|_| random_element(random)).collect();
        let mut weights: Vec<K> = (0..used).map(|_| element(random)).collect();
        let claim = cells.iter().zip(&weights).map(|(&cell, &weight)| weight * cell).sum();
        cells.resize(num_stored, F::ZERO);
        weights.resize(num_stored, K::ZERO);
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

pub(super) fn generator() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

#[test]
fn openings_verify() {
    let mut random = generator();
    for log_cells in [MIN_LOG_CELLS, 14, 16, 18, 20] {
        let masks = mask_cells(log_cells);
        // Just above and below a power of two, at one, and two where the last polynomial has an odd length or the rate is high.
        let least = stored_cells(log_cells, (1 << (log_cells - 1)) - masks + 1).max(SMALLEST);
        let power = 1 << log_cells;
        for num_stored in [least, least + masks, power / 8 * 5, power - masks, power] {
            let num_stored = num_stored.clamp(SMALLEST, power);
            let case = Case::new(num_stored, &mut random);
            assert_eq!((case.parameters.log_cells, case.parameters.num_stored()), (log_cells, num_stored));
            for masks in [Masks::random(num_stored, &mut random).unwrap(), Masks::zero(num_stored).unwrap()] {
                let (body, ..) = case.open(&masks);
                assert_eq!(case.verify(&body, case.claim), Ok(()), "{num_stored}");
                assert_eq!(case.verify(&body, case.claim + K::ONE), Err(VerifyError::CombinedClaim), "{num_stored}");
            }
        }
    }
}

#[test]
fn openings_verify_where_no_number_of_rows_is_a_multiple() {
    // 34.5 * 2^10 rows: 35 coefficients of the last polynomial, of which the prover leaves half a unit empty.
    let mut random = generator();
    let num_stored = 69 << 14;
    let case = Case::new(num_stored, &mut random);
    assert_eq!((case.parameters.num_rows, case.parameters.oracles[0].degree), (69 << 9, 35 << 10));
    assert_eq!((case.parameters.final_len, case.parameters.final_variables), (35, 6));
    let (body, ..) = case.open(&Masks::random(num_stored, &mut random).unwrap());
    assert_eq!(case.verify(&body, case.claim), Ok(()));
}

impl Case {
    /// An opening of a vector with `more` rows of random cells of weight zero after the mask rows, on the same domains.
    fn open_longer(&self, masks: &Masks, more: usize, random: &mut ChaCha20Rng, alter: impl Fn(usize, &mut Folding)) -> Vec<u8> {
        let (dft, oracle) = (Dft::default(), &self.parameters.oracles[0]);
        let mut cells = self.cells.clone();
        masks.write(&mut cells);
        cells.extend((0..more << oracle.fold).map(|_| random_element(random)));
        let mut longer = masks.clone();
        longer.blinding.extend((0..more).map(|_| element(random)));
        let codeword = Codeword::of_base(&dft, oracle, &cells, &longer);
        let mut transcript = ProverTranscript::default();
        transcript.send_bytes(steps::COMMITMENT, &codeword.root());
        let mut weights = pack(&self.weights);
        add_mask_weights(&mut transcript, &self.parameters, &cells[..self.cells.len()], &mut weights);
        weights.resize(cells.len() / WIDTH, ZERO);
        let mut folding = rows::fold(&mut transcript, oracle.fold, cells, weights);
        folding.blind(&mut transcript, &longer.blinding);
        finish_altering(&mut transcript, &dft, &self.parameters, codeword, folding, alter);
        transcript.finish().0
    }
}

#[test]
fn coefficients_beyond_the_degree_bound_are_refused() {
    let mut random = generator();
    for num_stored in [10 << 10, 1 << 14] {
        let case = Case::new(num_stored, &mut random);
        let masks = Masks::random(num_stored, &mut random).unwrap();
        let (oracles, final_len) = (&case.parameters.oracles, case.parameters.final_len);
        assert_eq!((oracles.len(), final_len << oracles[1].fold), (2, case.parameters.num_rows));
        let mut open =
            |more, alter: &dyn Fn(usize, &mut Folding)| case.verify(&case.open_longer(&masks, more, &mut random, alter), case.claim);
        assert_eq!(open(0, &|_, _| ()), Ok(()));
        // Sixteen rows more: one coefficient more of the last polynomial.
        let more = 1 << oracles[1].fold;
        if num_stored < 1 << 14 {
            // A last polynomial that is too long is read as the messages after it.
            assert!(open(more, &|_, _| ()).is_err());
        }
        // Cut at the end, it is not what the second codeword folds to.
        let cut_last = |index: usize, folding: &mut Folding| {
            if index == 1 {
                folding.resize(final_len)
            }
        };
        assert!(matches!(open(more, &cut_last), Err(VerifyError::FinalPolynomial { oracle: 1, .. })));
        // Cut at the first codeword, its rows are claims that the second polynomial does not satisfy.
        let cut_first = |index: usize, folding: &mut Folding| {
            if index == 0 {
                folding.resize(case.parameters.num_rows)
            }
        };
        assert_eq!(open(more, &cut_first), Err(VerifyError::CombinedClaim));
    }
}

#[test]
fn mask_cells_have_their_weights_where_the_vector_ends() {
    let mut random = generator();
    let num_stored = 10 << 10;
    let case = Case::new(num_stored, &mut random);
    let num_masks = mask_cells(case.parameters.log_cells);
    // The sum is taken over the last cells; weights of any other block are not the verifier's.
    for first in (0..num_stored).step_by(num_masks) {
        let masks = Masks::random(num_stored, &mut random).unwrap();
        let mut cells = case.cells.clone();
        masks.write(&mut cells);
        let dft = Dft::default();
        let codeword = Codeword::of_base(&dft, &case.parameters.oracles[0], &cells, &masks);
        let mut transcript = ProverTranscript::default();
        transcript.send_bytes(steps::COMMITMENT, &codeword.root());
        let points = [transcript.state().challenge(steps::MASK_POINTS), transcript.state().challenge(steps::MASK_POINTS)];
        let block = mask_weights(points, num_masks);
        let sum: K = cells[first..].iter().zip(&block).map(|(&cell, &weight)| weight * cell).sum();
        transcript.send(steps::MASK_SUM, &[sum]);
        let scale = transcript.state().challenge(steps::MASK_SUM);
        let mut weights = case.weights.clone();
        weights[first..].iter_mut().zip(block).for_each(|(weight, mask)| *weight += scale * mask);
        let mut folding = rows::fold(&mut transcript, case.parameters.oracles[0].fold, cells, pack(&weights));
        folding.blind(&mut transcript, &masks.blinding);
        folding.resize(case.parameters.oracles[0].degree);
        finish(&mut transcript, &dft, &case.parameters, codeword, folding);
        let expected = if first == num_stored - num_masks { Ok(()) } else { Err(VerifyError::CombinedClaim) };
        assert_eq!(case.verify(&transcript.finish().0, case.claim), expected, "block at {first}");
    }
}

/// What a prover says that is not so.
#[derive(Clone, Copy, Default)]
struct Lies {
    mask_sum: K,
    blinding_sum: K,
    /// Folds with another blinding vector than the committed one.
    blinding: K,
}

impl Case {
    /// [`prove`] with lies.
    fn open_lying(&self, masks: &Masks, lies: Lies) -> Vec<u8> {
        let dft = Dft::default();
        let mut cells = self.cells.clone();
        masks.write(&mut cells);
        let codeword = Codeword::of_base(&dft, &self.parameters.oracles[0], &cells, masks);
        let mut transcript = ProverTranscript::default();
        transcript.send_bytes(steps::COMMITMENT, &codeword.root());
        let mut weights = self.weights.clone();
        let points = [transcript.state().challenge(steps::MASK_POINTS), transcript.state().challenge(steps::MASK_POINTS)];
        let mask_weights = mask_weights(points, masks.cells.len());
        let sum: K = masks.cells.iter().zip(&mask_weights).map(|(&cell, &weight)| weight * cell).sum();
        transcript.send(steps::MASK_SUM, &[sum + lies.mask_sum]);
        let scale = transcript.state().challenge(steps::MASK_SUM);
        let start = weights.len() - mask_weights.len();
        weights[start..].iter_mut().zip(mask_weights).for_each(|(weight, mask)| *weight += scale * mask);
        let mut folding = rows::fold(&mut transcript, self.parameters.oracles[0].fold, cells, pack(&weights));
        let blinding: Vec<K> = masks.blinding.iter().map(|&value| value + lies.blinding).collect();
        let sum = blinding.iter().zip(unpack(&folding.weights)).map(|(&value, weight)| value * weight).sum::<K>();
        transcript.send(steps::BLINDING, &[sum + lies.blinding_sum]);
        let scale = transcript.state().challenge(steps::BLINDING);
        folding.values.iter_mut().zip(pack(&blinding)).for_each(|(value, blinding)| *value += blinding * splat(scale));
        folding.resize(self.parameters.oracles[0].degree);
        finish(&mut transcript, &dft, &self.parameters, codeword, folding);
        transcript.finish().0
    }
}

#[test]
fn lies_about_masks_are_found_and_make_up_for_no_false_claim() {
    let mut random = generator();
    let case = Case::new(SMALLEST, &mut random);
    let masks = Masks::random(SMALLEST, &mut random).unwrap();
    assert_eq!(case.verify(&case.open_lying(&masks, Lies::default()), case.claim), Ok(()));
    let lie = element(&mut random);
    let lies = [
        Lies { mask_sum: lie, ..Lies::default() },
        Lies { blinding_sum: lie, ..Lies::default() },
        Lies { blinding: lie, ..Lies::default() },
    ];
    for lies in lies {
        let body = case.open_lying(&masks, lies);
        for claim in [case.claim, case.claim - lie] {
            assert_eq!(case.verify(&body, claim), Err(VerifyError::CombinedClaim));
        }
    }
}

#[test]
fn altered_rows_are_not_in_the_tree() {
    let mut random = generator();
    let case = Case::new(SMALLEST, &mut random);
    let (body, messages, _) = case.open(&Masks::random(SMALLEST, &mut random).unwrap());
    let row = messages.iter().find(|message| message.label == steps::ROW).unwrap();
    let blinding = row.len - 24;
    for place in [0, blinding - 8, blinding, row.len - 8] {
        let mut body = body.clone();
        body[row.offset + place] ^= 1;
        assert_eq!(case.verify(&body, case.claim), Err(VerifyError::MerkleRoot { oracle: 0 }), "byte {place}");
    }
}

/// Largest chi-square statistic (7 degrees of freedom) of the low three bits of the words that openings of two vectors show.
fn largest_difference(cases: [&Case; 2], num_openings: usize, mut masks: impl FnMut() -> Masks) -> f64 {
    const NUM_ROWS: usize = 8;
    let shown = [(steps::MASK_SUM, 1), (steps::FOLD_ROUND, 5), (steps::BLINDING, 1), (steps::OUT_OF_DOMAIN, 1), (steps::ROW, NUM_ROWS)];
    let mut counts = [Vec::new(), Vec::new()];
    for (case, counts) in cases.iter().zip(&mut counts) {
        for _ in 0..num_openings {
            let (body, messages, _) = case.open(&masks());
            let words: Vec<u8> = shown
                .iter()
                .flat_map(|&(label, count)| messages.iter().filter(move |message| message.label == label).take(count))
                .flat_map(|message| body[message.offset..][..message.len].iter().step_by(8).copied())
                .collect();
            counts.resize(words.len(), [0u32; 8]);
            counts.iter_mut().zip(words).for_each(|(count, word)| count[usize::from(word & 7)] += 1);
        }
    }
    let statistic = |(a, b): (&[u32; 8], &[u32; 8])| -> f64 {
        let term = |(&a, &b): (&u32, &u32)| if a + b == 0 { 0.0 } else { (f64::from(a) - f64::from(b)).powi(2) / f64::from(a + b) };
        a.iter().zip(b).map(term).sum()
    };
    counts[0].iter().zip(&counts[1]).map(statistic).fold(0.0, f64::max)
}

#[test]
fn openings_of_two_vectors_with_the_same_claim_look_alike() {
    let mut random = generator();
    let mut case = Case::new(SMALLEST, &mut random);
    let num_cells = SMALLEST - mask_cells(MIN_LOG_CELLS);
    for pair in case.weights[..num_cells].chunks_exact_mut(2) {
        pair[1] = pair[0].double();
    }
    case.cells[..num_cells].fill(F::ZERO);
    case.claim = K::ZERO;
    let mut other = Case { parameters: case.parameters.clone(), cells: case.cells.clone(), weights: case.weights.clone(), claim: K::ZERO };
    for (i, pair) in other.cells[..num_cells].chunks_exact_mut(2).enumerate() {
        let value = F::from_u64(i as u64 % 255);
        pair.copy_from_slice(&[-value.double(), value]);
    }
    let cases = [&case, &other];
    // About 150 words; one of them above 40 has probability 2e-4 (and the generator is the same at each run).
    let difference = largest_difference(cases, 200, || Masks::random(SMALLEST, &mut random).unwrap());
    assert!(difference < 40.0, "{difference}");
    let unmasked = largest_difference(cases, 20, || Masks::zero(SMALLEST).unwrap());
    assert!(unmasked >= 40.0, "{unmasked}");
}
