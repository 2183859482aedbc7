//! Zero knowledge of the opening: what it shows of the masked part, computed plainly, and a simulator of it that knows no cells.
//!
//! For given challenges the coins of [`simulate`] are affine functions of the cells and the masks. The masks' part is onto
//! (`coins_are_uniform`), so the coins are uniform whatever the cells are; everything else follows from them
//! (`views_follow_from_their_coins`) and from the claim. Given the coins of one vector, masks of any other vector with the same coins are found by linear
//! algebra (`another_vector_shows_the_same_if_it_has_other_masks`).

use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing};
use verinfer_relation::dot::dot;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::parameters::{Oracle, Parameters, mask_cells};
use verinfer_relation::steps;
use verinfer_relation::transcript::{Transcript, VerifierTranscript};

use super::tests::{Case, SMALLEST, element, generator};
use super::{Masks, horner, mask_weights};

/// Challenges of an opening, up to the queries of the first codeword.
struct Challenges {
    points: [K; 2],
    scale: K,
    rounds: Vec<K>,
    blinding: K,
    rows: Vec<usize>,
}

/// What is uniform.
#[derive(Debug, PartialEq)]
struct Coins {
    mask_sum: K,
    rounds: Vec<[K; 2]>,
    /// The rows opened, without the blinding vector.
    rows: Vec<Vec<F>>,
    /// The folded and blinded vector, of which all later messages are functions.
    folded: Vec<K>,
}

/// What follows.
#[derive(Debug, PartialEq)]
struct Rest {
    blinding_sum: K,
    blinding_rows: Vec<K>,
}

/// The claim's weights with those of the mask cells.
fn all_weights(weights: &[K], challenges: &Challenges, num_masks: usize) -> Vec<K> {
    let mut out = weights.to_vec();
    let start = out.len() - num_masks;
    for (to, weight) in out[start..].iter_mut().zip(mask_weights(challenges.points, num_masks)) {
        *to += challenges.scale * weight;
    }
    out
}

/// Folds the rows of a matrix.
fn fold_rows(matrix: &[K], challenges: &[K]) -> Vec<K> {
    let reversed: Vec<K> = challenges.iter().rev().copied().collect();
    let eq = eq_table(&reversed, 1 << challenges.len());
    matrix.chunks_exact(eq.len()).map(|row| dot(row, &eq)).collect()
}

/// The messages of the first codeword's rounds.
fn rounds(mut f: Vec<K>, mut w: Vec<K>, challenges: &[K]) -> Vec<[K; 2]> {
    let round = |(index, &c): (usize, &K)| {
        let half = 1 << (challenges.len() - 1 - index);
        let mut sums = [K::ZERO; 2];
        for (f, w) in f.chunks_exact(2 * half).zip(w.chunks_exact(2 * half)) {
            for i in 0..half {
                sums[0] += f[i] * w[i];
                sums[1] += (f[i + half] - f[i]) * (w[i + half] - w[i]);
            }
        }
        f = fold_rows_once(&f, half, c);
        w = fold_rows_once(&w, half, c);
        sums
    };
    challenges.iter().enumerate().map(round).collect()
}

fn fold_rows_once(values: &[K], half: usize, c: K) -> Vec<K> {
    let pairs = values.chunks_exact(2 * half).map(|row| row.split_at(half));
    pairs.flat_map(|(low, high)| low.iter().zip(high).map(move |(&low, &high)| low + c * (high - low))).collect()
}

/// The encoded row of a matrix whose first row is `first`.
fn encoded_row(oracle: &Oracle, cells: &[F], first: usize, row: usize) -> Vec<F> {
    let x = oracle.domain.point(row);
    let mut sums = vec![F::ZERO; 1 << oracle.fold];
    let mut power = x.exp_u64(first as u64);
    for cells in cells.chunks_exact(1 << oracle.fold) {
        sums.iter_mut().zip(cells).for_each(|(sum, &cell)| *sum += power * cell);
        power *= x;
    }
    sums
}

/// The coins that masks lead to.
fn coins(parameters: &Parameters, cells: &[F], weights: &[K], blinding: &[K], challenges: &Challenges) -> Coins {
    let num_masks = mask_cells(parameters.log_cells);
    let masks = &cells[cells.len() - num_masks..];
    let f: Vec<K> = cells.iter().map(|&cell| K::from(cell)).collect();
    let mut folded = fold_rows(&f, &challenges.rounds);
    folded.iter_mut().zip(blinding).for_each(|(value, &g)| *value += challenges.blinding * g);
    Coins {
        mask_sum: masks.iter().zip(mask_weights(challenges.points, num_masks)).map(|(&cell, weight)| weight * cell).sum(),
        rounds: rounds(f, all_weights(weights, challenges, num_masks), &challenges.rounds),
        rows: challenges.rows.iter().map(|&row| encoded_row(&parameters.oracles[0], cells, 0, row)).collect(),
        folded,
    }
}

/// The simulator: no cells, only the claim about them.
fn simulate(parameters: &Parameters, weights: &[K], claim: K, challenges: &Challenges, coins: &Coins) -> Rest {
    let oracle = &parameters.oracles[0];
    let mut claim = claim + challenges.scale * coins.mask_sum;
    for (&[at_zero, leading], &c) in coins.rounds.iter().zip(&challenges.rounds) {
        claim = at_zero + c * (claim - at_zero.double() - leading + leading * c);
    }
    let weights = all_weights(weights, challenges, mask_cells(parameters.log_cells));
    let scale = challenges.blinding.inverse();
    let blinding_row = |(&index, row): (&usize, &Vec<F>)| {
        let row: Vec<K> = row.iter().map(|&value| K::from(value)).collect();
        let value = horner(&coins.folded, K::from(oracle.domain.point(index)));
        scale * (value - fold_rows(&row, &challenges.rounds)[0])
    };
    Rest {
        blinding_sum: scale * (dot(&coins.folded, &fold_rows(&weights, &challenges.rounds)) - claim),
        blinding_rows: challenges.rows.iter().zip(&coins.rows).map(blinding_row).collect(),
    }
}

/// Challenges of a proof, and what it shows of the masked part except for the folded vector, which it commits to.
fn read(parameters: &Parameters, body: &[u8]) -> (Challenges, Coins, Rest) {
    let mut transcript = VerifierTranscript::new(Transcript::new(), body);
    let _: [u8; 32] = transcript.receive_bytes(steps::COMMITMENT).unwrap();
    let points = [transcript.state().challenge(steps::MASK_POINTS), transcript.state().challenge(steps::MASK_POINTS)];
    let [mask_sum] = transcript.receive(steps::MASK_SUM).unwrap();
    let scale = transcript.state().challenge(steps::MASK_SUM);
    let oracle = &parameters.oracles[0];
    let round = |_| (transcript.receive(steps::FOLD_ROUND).unwrap(), transcript.state().challenge(steps::FOLD_ROUND));
    let (messages, rounds) = (0..oracle.fold).map(round).unzip();
    let [blinding_sum] = transcript.receive(steps::BLINDING).unwrap();
    let blinding = transcript.state().challenge(steps::BLINDING);
    let _: [u8; 32] = transcript.receive_bytes(steps::FOLDED_COMMITMENT).unwrap();
    let _ = transcript.state().challenge(steps::OUT_OF_DOMAIN);
    transcript.receive_many(steps::OUT_OF_DOMAIN, 1).unwrap();
    let _: [u8; 8] = transcript.receive_bytes(steps::GRINDING).unwrap();
    let indices = transcript.state().indices(steps::QUERIES, oracle.domain.size(), oracle.num_queries);
    let mut row = |_: &usize| {
        let mut row = transcript.hint(steps::ROW, parameters.row_len(0)).unwrap();
        let last = row.split_off(1 << oracle.fold);
        (row, from_coordinates([last[0], last[1], last[2]]))
    };
    let (rows, blinding_rows) = indices.iter().map(&mut row).unzip();
    let coins = Coins { mask_sum, rounds: messages, rows, folded: Vec::new() };
    (Challenges { points, scale, rounds, blinding, rows: indices }, coins, Rest { blinding_sum, blinding_rows })
}

#[test]
fn views_follow_from_their_coins() {
    let mut random = generator();
    for num_stored in [SMALLEST, 10 << 10, 1 << 14] {
        let case = Case::new(num_stored, &mut random);
        for masks in [Masks::random(num_stored, &mut random).unwrap(), Masks::zero(num_stored).unwrap()] {
            let (body, _, cells) = case.open(&masks);
            let (challenges, shown, rest) = read(&case.parameters, &body);
            let coins = coins(&case.parameters, &cells, &case.weights, &masks.blinding, &challenges);
            assert_eq!((&shown.mask_sum, &shown.rounds, &shown.rows), (&coins.mask_sum, &coins.rounds, &coins.rows));
            assert_eq!(rest, simulate(&case.parameters, &case.weights, case.claim, &challenges, &coins));
        }
    }
}

/// The matrix of the coins as a linear function of the mask cells: one row for each cell.
fn masks_to_coins(parameters: &Parameters, challenges: &Challenges) -> Vec<Vec<F>> {
    let oracle = &parameters.oracles[0];
    let num_masks = mask_cells(parameters.log_cells);
    let first_row = parameters.num_rows - (num_masks >> oracle.fold);
    let weights = mask_weights(challenges.points, num_masks);
    let coordinates = |value: &K| -> Vec<F> { value.as_basis_coefficients_slice().to_vec() };
    let row = |cell: usize| {
        let mut unit = vec![F::ZERO; num_masks];
        unit[cell] = F::ONE;
        let f = unit.iter().map(|&value| K::from(value)).collect();
        let messages = rounds(f, weights.clone(), &challenges.rounds);
        let mut row = coordinates(&weights[cell]);
        row.extend(messages.as_flattened().iter().flat_map(coordinates));
        row.extend(challenges.rows.iter().flat_map(|&row| encoded_row(oracle, &unit, first_row, row)));
        row
    };
    (0..num_masks).map(row).collect()
}

fn rank(mut matrix: Vec<Vec<F>>) -> usize {
    let mut rank = 0;
    for column in 0..matrix[0].len() {
        let Some(pivot) = (rank..matrix.len()).find(|&row| matrix[row][column] != F::ZERO) else { continue };
        matrix.swap(rank, pivot);
        let (upper, lower) = matrix.split_at_mut(rank + 1);
        let pivot = &upper[rank];
        let inverse = pivot[column].inverse();
        for row in lower {
            let factor = row[column] * inverse;
            row[column..].iter_mut().zip(&pivot[column..]).for_each(|(value, &of_pivot)| *value -= factor * of_pivot);
        }
        rank += 1;
    }
    rank
}

fn random_challenges(parameters: &Parameters, num_rows: usize) -> Challenges {
    let mut random = generator();
    let oracle = &parameters.oracles[0];
    let points = [element(&mut random), element(&mut random)];
    let rounds = (0..oracle.fold).map(|_| element(&mut random)).collect();
    let rows = (0..num_rows).map(|i| 2 * i).collect();
    Challenges { points, scale: element(&mut random), rounds, blinding: element(&mut random), rows }
}

#[test]
fn coins_are_uniform_even_beside_a_row_that_is_not_opened() {
    let parameters = Parameters::for_cells(SMALLEST, 128).unwrap();
    let oracle = &parameters.oracles[0];
    let mut challenges = random_challenges(&parameters, oracle.num_queries + 1);
    let matrix = masks_to_coins(&parameters, &challenges);
    let num_coins = matrix[0].len();
    assert_eq!(num_coins, 3 + 6 * oracle.fold + ((oracle.num_queries + 1) << oracle.fold));
    assert_eq!(rank(matrix), num_coins);

    // One geometric sequence of weights would not do: each round's message would show one element that no mask hides.
    challenges.points[1] = challenges.points[0];
    assert_eq!(rank(masks_to_coins(&parameters, &challenges)), num_coins - 3 * oracle.fold);
}

/// All coins but the folded vector.
fn flatten(coins: &Coins) -> Vec<F> {
    let elements = std::iter::once(&coins.mask_sum).chain(coins.rounds.as_flattened());
    let mut flat: Vec<F> = elements.flat_map(|value| BasedVectorSpace::<F>::as_basis_coefficients_slice(value).to_vec()).collect();
    flat.extend(coins.rows.iter().flatten());
    flat
}

/// A solution `x` of `sum_i x_i columns[i] = target`, zero where it is free.
fn solve(columns: &[Vec<F>], target: &[F]) -> Vec<F> {
    let row = |i: usize| columns.iter().map(|column| column[i]).chain([target[i]]).collect();
    let mut rows: Vec<Vec<F>> = (0..target.len()).map(row).collect();
    let mut pivots = Vec::new();
    for column in 0..columns.len() {
        let done = pivots.len();
        let Some(pivot) = (done..rows.len()).find(|&row| rows[row][column] != F::ZERO) else { continue };
        rows.swap(done, pivot);
        let inverse = rows[done][column].inverse();
        rows[done].iter_mut().for_each(|value| *value *= inverse);
        let of_pivot = rows[done].clone();
        for (index, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if index != done && factor != F::ZERO {
                row[column..].iter_mut().zip(&of_pivot[column..]).for_each(|(value, &of_pivot)| *value -= factor * of_pivot);
            }
        }
        pivots.push(column);
    }
    assert_eq!(pivots.len(), rows.len());
    let mut solution = vec![F::ZERO; columns.len()];
    rows.iter().zip(pivots).for_each(|(row, pivot)| solution[pivot] = row[columns.len()]);
    solution
}

#[test]
fn another_vector_shows_the_same_if_it_has_other_masks() {
    let mut random = generator();
    let mut case = Case::new(SMALLEST, &mut random);
    let parameters = case.parameters.clone();
    let challenges = random_challenges(&parameters, parameters.oracles[0].num_queries);
    let coins_of = |cells: &[F], weights: &[K], masks: &Masks| {
        let mut cells = cells.to_vec();
        masks.write(&mut cells);
        coins(&parameters, &cells, weights, &masks.blinding, &challenges)
    };
    let masks = Masks::random(SMALLEST, &mut random).unwrap();
    let shown = coins_of(&case.cells, &case.weights, &masks);
    let rest = simulate(&parameters, &case.weights, case.claim, &challenges, &shown);

    // Another vector of the same claim: three cells make up for the others.
    let (first, others) = (&case.cells, Case::new(SMALLEST, &mut random).cells);
    let mut second = others;
    let difference: K = first.iter().zip(&second).zip(&case.weights).map(|((&a, &b), &weight)| weight * (a - b)).sum();
    let coordinates = |value: &K| -> Vec<F> { value.as_basis_coefficients_slice().to_vec() };
    let columns: Vec<Vec<F>> = case.weights[..3].iter().map(coordinates).collect();
    second.iter_mut().zip(solve(&columns, &coordinates(&difference))).for_each(|(cell, change)| *cell += change);
    case.cells = second;
    let claim: K = case.cells.iter().zip(&case.weights).map(|(&cell, &weight)| weight * cell).sum();
    assert_eq!(claim, case.claim);

    // What its masks have to add to the coins, and what each mask cell adds.
    let mut other = Masks::zero(SMALLEST).unwrap();
    let without = coins_of(&case.cells, &case.weights, &other);
    assert_ne!(flatten(&without), flatten(&shown));
    let zeros = (vec![F::ZERO; SMALLEST], vec![K::ZERO; SMALLEST]);
    let unit = |cell: usize| {
        let mut masks = Masks::zero(SMALLEST).unwrap();
        masks.cells[cell] = F::ONE;
        flatten(&coins_of(&zeros.0, &zeros.1, &masks))
    };
    let columns: Vec<Vec<F>> = (0..other.cells.len()).map(unit).collect();
    let missing: Vec<F> = flatten(&shown).iter().zip(flatten(&without)).map(|(&shown, without)| shown - without).collect();
    other.cells = solve(&columns, &missing);
    // The blinding vector makes up for the difference of the folded vectors.
    let folded = coins_of(&case.cells, &case.weights, &other).folded;
    let inverse = challenges.blinding.inverse();
    other.blinding = shown.folded.iter().zip(folded).map(|(&shown, folded)| inverse * (shown - folded)).collect();

    assert_ne!(other.cells, masks.cells);
    assert_eq!(coins_of(&case.cells, &case.weights, &other), shown);
    // Of the real blinding vectors, too, it is what follows.
    let mut cells = case.cells.clone();
    other.write(&mut cells);
    let f: Vec<K> = cells.iter().map(|&cell| K::from(cell)).collect();
    let weights = all_weights(&case.weights, &challenges, other.cells.len());
    assert_eq!(dot(&other.blinding, &fold_rows(&weights, &challenges.rounds)), rest.blinding_sum);
    assert_eq!(dot(&f, &weights), case.claim + challenges.scale * shown.mask_sum);
}
