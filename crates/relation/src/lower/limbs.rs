//! How many limbs each remainder is cut into, and of how many bits.
//!
//! Wide limbs make few cells but large range tables. The widest limb of the graph is chosen to minimise the number of cells, among those with which
//! every remainder has room.
//!
//! The equation `key * 2^shift + remainder = multiplier * acc + constant - sign_factor * sign` is checked modulo p. It holds over the integers
//! because neither side leaves 62 bits, for any key of the table, which may be shared with nodes of larger keys.

use std::collections::BTreeSet;

use verinfer_graph::Graph;

use super::requantize::Plan;
use super::tables::Tables;
use super::{clamp_key, key_offset, requantization};
use crate::envelope::Envelope;
use crate::error::RelationError;

/// Most rows of a table.
const MAX_TABLE_ROWS: u64 = 1 << 22;

/// Bits that no side of the equation may leave.
const INTEGER_BITS: u32 = 62;

/// Number and width of the limbs of one remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    count: usize,
    bits: usize,
}

/// Widths of the limbs of each node, least significant first; the plans are brought to the sum of their limbs. Nodes with hidden constants have
/// those of the envelope.
pub fn choose(
    graph: &Graph,
    plans: &mut [Option<Plan>],
    tables: &Tables,
    envelope: Option<&Envelope>,
) -> Result<Vec<Vec<usize>>, RelationError> {
    let mut rooms = Vec::new();
    for (index, (plan, node)) in plans.iter().zip(graph.nodes()).enumerate() {
        let (Some(plan), Some(requantization)) = (plan, requantization(&node.op)) else {
            rooms.push(0);
            continue;
        };
        let clamp = (tables.clamp_range(clamp_key(plan, requantization)), key_offset(plan, requantization));
        let sign = plan.signed.then(|| (tables.sign_range(plan.long_remainder), 0));
        let mut least = INTEGER_BITS as usize;
        for (range, offset) in [Some(clamp), sign].into_iter().flatten() {
            let rows = range.1.abs_diff(range.0) + 1;
            if rows > MAX_TABLE_ROWS {
                return Err(RelationError::TableTooLarge { node: index, op: node.source.clone(), rows, max: MAX_TABLE_ROWS });
            }
            least = least.min(room(plan, range, offset));
        }
        rooms.push(least);
    }
    let hidden = envelope.map(|envelope| Cut { count: usize::from(envelope.num_limbs), bits: usize::from(envelope.limb_bits) });
    let cut_all = |plans: &[Option<Plan>], widest: usize| -> Vec<Option<Cut>> {
        let cut = |plan: &Plan, room| hidden.filter(|_| plan.values.is_none()).unwrap_or_else(|| cut(plan.shift, room, widest));
        plans.iter().zip(&rooms).map(|(plan, &room)| plan.as_ref().map(|plan| cut(plan, room))).collect()
    };
    let elements: Vec<usize> = graph.nodes().iter().map(|node| graph.spec(node.output).shape.num_elements()).collect();
    let cost = |widest: usize| -> (bool, usize) {
        let cuts = cut_all(plans, widest);
        let too_wide = cuts.iter().zip(&rooms).any(|(cut, &room)| cut.is_some_and(|cut| cut.count * cut.bits > room));
        let tables: BTreeSet<usize> = cuts.iter().flatten().map(|cut| cut.bits).collect();
        let cells: usize = cuts.iter().zip(&elements).map(|(cut, &n)| cut.map_or(0, |cut| cut.count * n)).sum();
        (too_wide, cells + tables.iter().map(|&bits| 1 << bits).sum::<usize>())
    };
    let widest = (8..=22).min_by_key(|&widest| cost(widest)).unwrap_or(16);
    let cuts = cut_all(plans, widest);
    let mut limbs = Vec::new();
    for (index, (plan, cut)) in plans.iter_mut().zip(cuts).enumerate() {
        let Some((plan, Cut { count, bits })) = plan.as_mut().zip(cut) else {
            limbs.push(Vec::new());
            continue;
        };
        if count * bits > rooms[index] {
            let op = graph.nodes()[index].source.clone();
            return Err(RelationError::TooWide { node: index, op, bits: count * bits, room: rooms[index] });
        }
        plan.widen(count * bits);
        limbs.push(vec![bits; count]);
    }
    Ok(limbs)
}

/// Largest remainder, in bits, for which no key of `range` and no accumulator makes a side of the equation leave [`INTEGER_BITS`].
fn room(plan: &Plan, range: (i64, i64), key_offset: i64) -> usize {
    let key = (range.0 - key_offset).unsigned_abs().max((range.1 - key_offset).unsigned_abs());
    let by_key = INTEGER_BITS.saturating_sub((key + 2).next_power_of_two().trailing_zeros()) as usize;
    by_key.min(plan.max_bits(INTEGER_BITS))
}

/// Limbs for a remainder of `shift` bits, at most `widest` bits each: all of the widest width where there is room for that.
fn cut(shift: usize, room: usize, widest: usize) -> Cut {
    let count = shift.div_ceil(widest);
    if count * widest <= room { Cut { count, bits: widest } } else { Cut { count, bits: shift.div_ceil(count) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_of_a_shared_table_can_wrap_around_the_field() {
        let plan = Plan::hidden(false, 37, (0, 0));
        for (range, offset) in [((-10, 20), 0), ((-200_000, 30_000), 0), ((-300, 4_000_000), 128), ((0, 0), -100)] {
            let room = room(&plan, range, offset);
            let largest = i128::from((range.0 - offset).abs().max((range.1 - offset).abs()));
            assert!((largest + 2) << room <= 1i128 << INTEGER_BITS);
        }
        assert_eq!(cut(37, 38, 20), Cut { count: 2, bits: 19 });
        assert_eq!(cut(37, 40, 20), Cut { count: 2, bits: 20 });
    }
}
