//! Whether a statement says anything: what it says of the outputs, against what they can be at all.

use std::collections::HashMap;

use verinfer_graph::{DataType, Influence, Reach, Shape};
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::OutputClaim;

use crate::error::VerifyError;

/// Refuses what the architecture of a hidden model, which its owner chooses, makes true by itself.
pub(crate) fn check_content(claim: &OutputClaim, reach: &Reach, dtype: DataType) -> Result<(), VerifyError> {
    match reach.influence() {
        Influence { input: false, learned: false } => return Err(VerifyError::ConstantOutput),
        Influence { input: false, learned: true } => return Err(VerifyError::OutputIgnoresInput),
        Influence { input: true, learned: false } => return Err(VerifyError::OutputIgnoresWeights),
        Influence { input: true, learned: true } => {}
    }
    // What any output has, the caller has demanded, or has demanded nothing.
    let by_architecture = always_holds(claim, &class_bounds(reach)) && !always_holds(claim, &any_outputs(reach.shape(), dtype));
    if by_architecture { Err(VerifyError::PredicateAlwaysHolds) } else { Ok(()) }
}

/// Smallest and largest score of each class.
pub fn class_bounds(reach: &Reach) -> Vec<(i16, i16)> {
    (0..reach.shape().channels).map(|channel| reach.channel(channel).bounds()).collect()
}

/// As [`class_bounds`] of a network that can give every output of a shape and type.
pub fn any_outputs(shape: Shape, dtype: DataType) -> Vec<(i16, i16)> {
    (0..shape.channels).map(|_| (dtype.min(), dtype.max())).collect()
}

/// Whether a predicate holds for every output whose classes have scores between these bounds. Never of values or commitments, which are no predicates.
pub fn always_holds(claim: &OutputClaim, bounds: &[(i16, i16)]) -> bool {
    let of = |class: u32| usize::try_from(class).ok();
    match claim {
        OutputClaim::Shown(_) | OutputClaim::Hidden(_) => false,
        OutputClaim::AtLeast { class, value } => of(*class).and_then(|class| bounds.get(class)).is_some_and(|(low, _)| low >= value),
        OutputClaim::Rank { labels, k } => {
            let ahead = possibly_ahead(bounds);
            labels.iter().all(|&label| of(label).and_then(|label| ahead.get(label)).is_some_and(|ahead| ahead < k))
        }
        OutputClaim::Correct { k, .. } => possibly_ahead(bounds).iter().all(|ahead| ahead < k),
        OutputClaim::Decided { predicate, holds } => {
            decision(predicate, bounds).is_some_and(|always| holds.iter().all(|&holds| holds == always))
        }
    }
}

/// What a predicate is of every output whose classes have scores between these bounds, if it is the same of all.
fn decision(predicate: &Predicate, bounds: &[(i16, i16)]) -> Option<bool> {
    let (always, never) = match *predicate {
        Predicate::AtLeast { class, value } => {
            let (low, high) = *bounds.get(usize::try_from(class).ok()?)?;
            (low >= value, high < value)
        }
        Predicate::Top { class, k } => {
            let class = usize::try_from(class).ok()?;
            (*possibly_ahead(bounds).get(class)? < k, certainly_ahead(bounds, class)? >= k)
        }
    };
    if always { Some(true) } else { never.then_some(false) }
}

/// How many others are ahead of a class in every output: their smallest score is above its largest, or equal for those before it.
fn certainly_ahead(bounds: &[(i16, i16)], class: usize) -> Option<u32> {
    let (_, high) = *bounds.get(class)?;
    let is_ahead = |(other, (low, _)): (usize, &(i16, i16))| other != class && (*low > high || (*low == high && other < class));
    u32::try_from(bounds.iter().enumerate().filter(|&bound| is_ahead(bound)).count()).ok()
}

/// For each class how many others can be ahead of it: their largest score is above its smallest, or equal for those before it.
fn possibly_ahead(bounds: &[(i16, i16)]) -> Vec<u32> {
    // How many classes have each largest score.
    let mut counts: HashMap<i16, u32> = HashMap::new();
    for (_, high) in bounds {
        add_one(counts.entry(*high).or_default());
    }
    let mut above: HashMap<i16, u32> = HashMap::new();
    let mut before: HashMap<i16, u32> = HashMap::new();
    bounds
        .iter()
        .map(|(low, high)| {
            let greater =
                |low: &i16| counts.iter().filter(|(high, _)| *high > low).fold(0u32, |sum, (_, count)| sum.saturating_add(*count));
            let others = above.entry(*low).or_insert_with(|| greater(low)).saturating_sub(u32::from(high > low));
            let equal = before.get(low).copied().unwrap_or(0);
            add_one(before.entry(*high).or_default());
            others.saturating_add(equal)
        })
        .collect()
}

fn add_one(count: &mut u32) {
    *count = count.saturating_add(1);
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use super::*;

    /// Whether class `j` can be ahead of `t`, tried with every pair of scores.
    fn can_be_ahead(bounds: &[(i16, i16)], j: usize, t: usize) -> bool {
        let scores = |class: usize| bounds[class].0..=bounds[class].1;
        scores(j).any(|other| scores(t).any(|own| other > own || (other == own && j < t)))
    }

    #[test]
    fn classes_possibly_ahead_are_those_of_some_output() {
        let mut state = 3_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i16::try_from((state >> 33) % below).unwrap()
        };
        for _ in 0..500 {
            let bounds: Vec<(i16, i16)> = (0..1 + random(7))
                .map(|_| {
                    let low = random(6);
                    (low, low + random(4))
                })
                .collect();
            let expected: Vec<u32> = (0..bounds.len())
                .map(|t| (0..bounds.len()).filter(|&j| j != t && can_be_ahead(&bounds, j, t)).count().try_into().unwrap())
                .collect();
            assert_eq!(possibly_ahead(&bounds), expected, "{bounds:?}");
            // Certainly ahead is who cannot be behind.
            let behind = |j: usize, t: usize| can_be_ahead(&bounds, t, j);
            for t in 0..bounds.len() {
                let certain = (0..bounds.len()).filter(|&j| j != t && !behind(j, t)).count();
                assert_eq!(certainly_ahead(&bounds, t), u32::try_from(certain).ok(), "{bounds:?}");
            }
        }
    }

    #[test]
    fn predicates_hold_always_where_no_output_breaks_them() {
        let any = any_outputs(Shape::new(1, 1, 4), DataType::I8);
        let narrow = [(20, 90), (-128, 19), (-128, 20), (-128, 20)];
        let rank = |labels: Vec<u32>, k| OutputClaim::Rank { labels, k };
        let least = |class, value| OutputClaim::AtLeast { class, value };
        let correct = |k| OutputClaim::Correct { labels: Vec::new(), k, count: 3 };
        let decided = |predicate, holds: [bool; 2]| OutputClaim::Decided { predicate, holds: holds.to_vec() };
        let (top, reaches) = (|class, k| Predicate::Top { class, k }, |class, value| Predicate::AtLeast { class, value });
        for (claim, expected) in [
            (rank(vec![0], 1), [false, true]),
            (rank(vec![0, 1], 1), [false, false]),
            (rank(vec![1], 2), [false, false]),
            (rank(vec![3, 1], 4), [true, true]),
            (least(0, 20), [false, true]),
            (least(0, 21), [false, false]),
            (least(3, -128), [true, true]),
            (least(4, -128), [false, false]),
            (correct(3), [false, false]),
            (correct(4), [true, true]),
            (decided(top(0, 1), [true, true]), [false, true]),
            (decided(top(0, 1), [true, false]), [false, false]),
            (decided(top(1, 1), [false, false]), [false, true]),
            (decided(top(1, 2), [false, false]), [false, false]),
            (decided(top(2, 1), [false, false]), [false, true]),
            (decided(top(1, 4), [true, true]), [true, true]),
            (decided(reaches(0, 20), [true, true]), [false, true]),
            (decided(reaches(1, 20), [false, false]), [false, true]),
            (decided(reaches(1, 19), [false, false]), [false, false]),
            (decided(reaches(3, -128), [true, true]), [true, true]),
        ] {
            assert_eq!([always_holds(&claim, &any), always_holds(&claim, &narrow)], expected, "{claim:?}");
        }
    }
}
