use std::array;
use std::hint::black_box;
use std::time::Instant;

use p3_field::{Field, PackedValue};
use p3_goldilocks::default_goldilocks_poseidon2_16;
use p3_symmetric::{CryptographicHasher, PaddingFreeSponge, Permutation};

use super::*;
use crate::eq::eq_range;
use crate::field::{K, from_signed};
use crate::transcript::Transcript;

const LENGTHS: [usize; 7] = [1, 127, 128, 129, 65_536, 65_537, 200_000];

/// Uniform bytes from a number.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    blake3::Hasher::new_derive_key("verinfer commitment tests").update(&seed.to_le_bytes()).finalize_xof().fill(&mut out);
    out
}

fn salt(seed: u64) -> [u8; SALT_CELLS] {
    let bytes = bytes(seed, SALT_CELLS);
    array::from_fn(|i| bytes[i])
}

fn values(seed: u64, len: usize) -> Vec<i16> {
    bytes(seed, len).into_iter().map(i16::from).collect()
}

fn challenges(seed: u64, len: usize) -> Vec<K> {
    let mut transcript = Transcript::new();
    transcript.absorb("seed", &seed.to_le_bytes());
    transcript.challenges("challenges", len)
}

fn check(plan: Plan, seed: u64) -> Check {
    let drawn = challenges(seed, 2);
    Check::new(plan, drawn[0], drawn[1])
}

/// The functional of cells.
fn functional(weights: &Weights, values: &[i16], opening: &Opening) -> K {
    let mut of_values = vec![K::ZERO; values.len()];
    weights.add_values(K::ONE, 0, &mut of_values);
    let values = values.iter().map(|&value| i64::from(value));
    let bytes = opening.digests.iter().chain(&opening.salt).map(|&byte| i64::from(byte));
    assert_eq!((weights.digests.len(), weights.salt.len()), (opening.digests.len(), opening.salt.len()));
    of_values.iter().chain(&weights.digests).chain(&weights.salt).zip(values.chain(bytes)).map(|(&w, value)| w * from_signed(value)).sum()
}

#[test]
fn honest_cells_meet_the_target_and_changed_ones_do_not() {
    for (seed, len) in (0..).zip(LENGTHS) {
        let plan = Plan::new(len).unwrap();
        let (values, salt) = (values(seed, len), salt(seed));
        let (commitment, opening) = commit(&values, &salt).unwrap();
        assert_eq!((opening.digests.len(), opening.salt.len()), (plan.digest_cells(), plan.salt_cells()));
        let check = check(plan, seed);
        let (weights, target) = (check.weights(), check.target(&commitment));
        assert_eq!(functional(&weights, &values, &opening), target, "{len} values");

        for cell in [0, 1, len / 3, len / 2, len - 1].map(|cell| cell.min(len - 1)) {
            let mut changed = values.clone();
            changed[cell] = if changed[cell] == 255 { 254 } else { changed[cell] + 1 };
            assert_ne!(functional(&weights, &changed, &opening), target, "value {cell} of {len}");
        }
        for cell in (0..opening.digests.len()).step_by(173) {
            let mut changed = opening.clone();
            changed.digests[cell] ^= 1;
            assert_ne!(functional(&weights, &values, &changed), target, "digest byte {cell} of {len} values");
        }
        for cell in (0..SALT_CELLS).step_by(97) {
            let mut changed = opening.clone();
            changed.salt[cell] ^= 128;
            assert_ne!(functional(&weights, &values, &changed), target, "byte {cell} of the salt");
        }
        for t in 0..DEGREE {
            let mut changed = commitment;
            changed.0[t] += F::ONE;
            assert_ne!(check.target(&changed), target, "coordinate {t}");
        }
    }
}

/// Moving a change from a block to its digest needs the level above to notice, and swapping equal parts of two blocks theirs.
#[test]
fn blocks_and_levels_do_not_make_up_for_each_other() {
    let len = 3 * BLOCK_CELLS;
    let (first, salt) = (values(1, len), salt(1));
    let (commitment, opening) = commit(&first, &salt).unwrap();
    let check = check(Plan::new(len).unwrap(), 1);
    let (weights, target) = (check.weights(), check.target(&commitment));

    let mut swapped = first.clone();
    let (left, right) = swapped.split_at_mut(BLOCK_CELLS);
    left.swap_with_slice(&mut right[..BLOCK_CELLS]);
    let (_, of_swapped) = commit(&swapped, &salt).unwrap();
    assert_ne!(functional(&weights, &swapped, &opening), target);
    assert_ne!(functional(&weights, &swapped, &of_swapped), target);

    let mut changed = first;
    changed[5] ^= 1;
    let (root_of_changed, of_changed) = commit(&changed, &salt).unwrap();
    assert_ne!(functional(&weights, &changed, &of_changed), target);
    assert_eq!(functional(&weights, &changed, &of_changed), check.target(&root_of_changed));
}

#[test]
fn evaluation_is_the_inner_product_with_the_equality_table() {
    for (seed, len) in (0..).zip(LENGTHS) {
        let plan = Plan::new(len).unwrap();
        let check = check(plan, seed);
        let weights = check.weights();
        let mut of_values = vec![K::ZERO; len];
        weights.add_values(K::ONE, 0, &mut of_values);
        let bases = Bases { salt: 3 * DEGREE, values: 17 * DEGREE, digests: (17 + len.div_ceil(DEGREE) + 1) * DEGREE };
        let at = challenges(seed + 100, 19);
        let region = |base: usize, weights: &[K]| crate::dot::dot(&eq_range(&at, base, weights.len()), weights);
        let expected = region(bases.values, &of_values) + region(bases.digests, &weights.digests) + region(bases.salt, &weights.salt);
        assert_eq!(check.evaluate(bases, &at), expected, "{len} values");
    }
}

#[test]
fn weights_can_be_added_in_pieces_and_scaled() {
    let len = 2 * BLOCK_CELLS + 1000;
    let check = check(Plan::new(len).unwrap(), 9);
    let (weights, scale) = (check.weights(), challenges(10, 1)[0]);
    let (mut whole, mut pieces) = (vec![K::ZERO; len], vec![K::ONE; len]);
    weights.add_values(K::ONE, 0, &mut whole);
    for (piece, cells) in pieces.chunks_mut(7 * DEGREE).enumerate() {
        weights.add_values(scale, 7 * piece, cells);
    }
    assert!(whole.iter().zip(&pieces).all(|(&whole, &piece)| piece == K::ONE + scale * whole));
}

#[test]
fn a_commitment_has_one_encoding() {
    let (commitment, opening) = commit(&values(3, 1000), &salt(3)).unwrap();
    let encoded = commitment.to_bytes();
    assert_eq!(encoded.len(), COMMITMENT_BYTES);
    assert_eq!(Commitment::from_bytes(&encoded), Ok(commitment));
    assert_eq!(Commitment::from_bytes(&encoded[1..]), Err(CommitmentError::Bytes { len: 1023 }));
    let mut beyond = encoded;
    beyond[8..16].fill(255);
    assert_eq!(Commitment::from_bytes(&beyond), Err(CommitmentError::NotCanonical { coordinate: 1 }));
    assert_eq!(format!("{opening:?}"), "Opening { 0 digest cells, .. }");
}

#[test]
fn lengths_and_values_outside_of_the_ranges_are_refused() {
    assert_eq!(Plan::new(0), Err(CommitmentError::Nothing));
    let most = MAX_BLOCKS * BLOCK_CELLS;
    assert_eq!(Plan::new(most + 1), Err(CommitmentError::Length { cells: most + 1 }));
    assert_eq!(Plan::new(most).map(|plan| plan.blocks()), Ok(MAX_BLOCKS));
    let refused = |values: &[i16]| commit(values, &salt(0)).unwrap_err();
    assert_eq!(refused(&[0, 256]), CommitmentError::Range { cell: 1, value: 256 });
    // A range that is wider than a byte would make collisions longer.
    assert_eq!(refused(&[0, -1]), CommitmentError::Range { cell: 1, value: -1 });
    assert!(commit(&[0, 255], &salt(0)).is_ok());
}

#[test]
fn a_tag_moves_a_commitment_and_back() {
    let (root, _) = commit(&values(5, 300), &salt(5)).unwrap();
    let [one, other] = [[1; 32], [2; 32]];
    assert_eq!(root.bound_to(&one).root(&one), root);
    let wrong = root.bound_to(&one).root(&other);
    assert!(wrong.0.iter().zip(&root.0).all(|(a, b)| a != b), "a commitment under another tag is to something else");
}

/// The definition, term by term, for a length with a short column and a short block.
#[test]
fn the_root_is_the_sum_of_the_definition() {
    let len = BLOCK_CELLS + 300;
    let (values, salt) = (values(4, len), salt(4));
    let (commitment, opening) = commit(&values, &salt).unwrap();
    let slow = |level: Level, cells: &[i64], t: usize| -> F {
        let theta = ring::slots()[t];
        let column = |cells: &[i64]| cells.iter().rev().fold(F::ZERO, |sum, &cell| sum * theta + from_signed(cell));
        cells.chunks(DEGREE).zip(level.columns()).map(|(cells, key)| key[t] * column(cells)).sum()
    };
    let values: Vec<i64> = values.into_iter().map(i64::from).collect();
    let digests: Vec<i64> = opening.digests.iter().map(|&byte| i64::from(byte)).collect();
    let salt: Vec<i64> = salt.iter().map(|&byte| i64::from(byte)).collect();
    for t in [0, 1, 77, 127] {
        for (block, digest) in values.chunks(BLOCK_CELLS).zip(opening.digests.chunks(DIGEST_CELLS)) {
            let element = digest.as_chunks::<F_BYTES>().0[t];
            assert_eq!(decode_base(element), Some(slow(Level::Values, block, t)));
        }
        assert_eq!(commitment.0[t], slow(Level::Digests, &digests, t) + slow(Level::Salt, &salt, t));
    }
}

/// 2000 salts of one message: bits of the coordinates are balanced one by one, and so are pairs of neighbours' low bits.
#[test]
fn roots_of_one_message_look_uniform() {
    const SALTS: u64 = 2000;
    let message = values(5, 300);
    let roots: Vec<Vec<u8>> = (0..SALTS).map(|seed| commit(&message, &salt(1000 + seed)).unwrap().0.to_bytes()).collect();
    let low = |root: &[u8], t: usize| root[8 * t];
    let expected = SALTS as f64;
    // The statistic of 128 coordinates, each over `cells` classes, has mean 128 (cells - 1) and variance twice that.
    let within_six_deviations = |statistic: f64, cells: f64| {
        let freedom = 128.0 * (cells - 1.0);
        assert!((statistic - freedom).abs() < 6.0 * (2.0 * freedom).sqrt(), "{statistic} for {freedom} degrees of freedom");
    };
    for (classes, class) in [
        (2usize, &(|root: &[u8], t: usize| usize::from(low(root, t) & 1)) as &dyn Fn(&[u8], usize) -> usize),
        (16, &|root, t| usize::from(low(root, t) & 15)),
        (4, &|root, t| usize::from(low(root, t) & 1 | (low(root, (t + 1) % DEGREE) & 1) << 1)),
    ] {
        let statistic: f64 = (0..DEGREE)
            .map(|t| {
                let mut counts = vec![0f64; classes];
                roots.iter().for_each(|root| counts[class(root, t)] += 1.0);
                let mean = expected / classes as f64;
                counts.iter().map(|count| (count - mean).powi(2) / mean).sum::<f64>()
            })
            .sum();
        within_six_deviations(statistic, classes as f64);
    }
}

/// `cargo test -p verinfer-relation --release -- --ignored --nocapture commitment`: times of 2.6 million bytes, beside a hash in the field.
#[test]
#[ignore = "prints times"]
fn times() {
    const LEN: usize = 2_600_000;
    const RUNS: u32 = 5;
    let (values, salt) = (values(6, LEN), salt(6));
    let clock = Instant::now();
    let keys: usize = [Level::Values, Level::Digests, Level::Salt].into_iter().map(|level| level.columns().count()).sum();
    println!("key, {keys} columns: {:?}", clock.elapsed());
    let time = |name: &str, work: &mut dyn FnMut()| {
        work();
        let clock = Instant::now();
        (0..RUNS).for_each(|_| work());
        println!("{name}: {:?}", clock.elapsed() / RUNS);
    };
    time("commit", &mut || drop(black_box(commit(black_box(&values), &salt))));
    let check = check(Plan::new(LEN).unwrap(), 6);
    let mut cells = vec![K::ZERO; LEN];
    time("weights", &mut || check.weights().add_values(K::ONE, 0, black_box(&mut cells)));
    let (at, bases) = (challenges(7, 23), Bases { values: 0, digests: 1 << 22, salt: 1 << 20 });
    time("evaluate", &mut || assert_ne!(black_box(check.evaluate(bases, &at)), K::ZERO));

    // The same bytes as field elements of seven bytes, absorbed by Poseidon2 of width 16 and rate 12: in sequence, and as many permutations of
    // independent states, as a tree of hashes would have them.
    let packed: Vec<F> = bytes(8, LEN.next_multiple_of(7))
        .chunks(7)
        .map(|seven| F::from_u64(seven.iter().fold(0, |sum, &b| sum << 8 | u64::from(b))))
        .collect();
    let permutation = default_goldilocks_poseidon2_16();
    let sponge: PaddingFreeSponge<_, 16, 12, 4> = PaddingFreeSponge::new(permutation.clone());
    time("Poseidon2, sponge", &mut || drop(black_box::<[F; 4]>(sponge.hash_iter(black_box(&packed).iter().copied())).to_vec()));
    type Packed = <F as Field>::Packing;
    let permutations = packed.len().div_ceil(12);
    time("Poseidon2, vectorised", &mut || {
        let mut state = [Packed::from(packed[0]); 16];
        (0..permutations.div_ceil(Packed::WIDTH)).for_each(|_| permutation.permute_mut(&mut state));
        assert_ne!(black_box(state)[0], Packed::default());
    });
    println!("{} elements, {permutations} permutations, {} at once", packed.len(), Packed::WIDTH);
}
