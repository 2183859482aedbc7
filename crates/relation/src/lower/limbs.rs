//! How many limbs each remainder is cut into, and of how many bits.
//!
//! Wide limbs make few cells but large range tables. The widest limb of the graph is chosen to minimise the number of cells, among those with which
//! every remainder has room.
//!
//! The equation `key * 2^shift + remainder = multiplier * acc + constant - sign_factor * sign` is checked modulo p. It holds over the integers
//! because neither side leaves 62 bits, for any key of the table, which may be shared with nodes of larger keys.

use std::collections::BTreeSet;

use verinfer_graph::{Graph, Node, Requantization};

use super::lines::INTEGER_BITS;
use super::requantize::Plan;
use super::tables::Tables;
use super::{clamp_key, key_offset, requantization};
use crate::envelope::Envelope;
use crate::error::RelationError;

/// Most keys of a node that shows its constants.
const MAX_KEYS: u64 = 1 << 22;

/// Most rows of a table: as many as an envelope may have keys, with zero points.
const MAX_TABLE_ROWS: u64 = (2 << 22) + (2 << 20) + (1 << 10);

/// Lets nodes share tables of clamps and signs, unless the keys of one would leave the remainder of another no room: the crowded ones then take the next table.
///
/// # Errors
///
/// A node has no room beside its own keys, or too many of them for a table.
pub fn share_tables(graph: &Graph, plans: &mut [Option<Plan>]) -> Result<Tables, RelationError> {
    loop {
        let mut tables = Tables::default();
        for (plan, node) in plans.iter().zip(graph.nodes()) {
            if let (Some(plan), Some(requantization)) = (plan, requantization(&node.op)) {
                let offset = key_offset(plan, requantization);
                tables.announce_clamp(clamp_key(plan, requantization), (plan.keys.0 + offset, plan.keys.1 + offset));
                if plan.signed {
                    tables.announce_sign(plan.table, plan.keys);
                }
            }
        }
        let mut all_have_room = true;
        for (index, (plan, node)) in plans.iter_mut().zip(graph.nodes()).enumerate() {
            let (Some(plan), Some(requantization)) = (plan, requantization(&node.op)) else { continue };
            if shared_room(plan, requantization, &tables) < plan.shift {
                let op = || node.source.clone();
                let rows = plan.keys.1.abs_diff(plan.keys.0) + 1;
                if rows > MAX_KEYS {
                    return Err(RelationError::TableTooLarge { node: index, op: op(), rows, max: MAX_KEYS });
                }
                let alone = room(plan, plan.keys, 0);
                if alone < plan.shift {
                    return Err(RelationError::TooWide { node: index, op: op(), bits: plan.shift, room: alone });
                }
                plan.table += 1;
                all_have_room = false;
            }
        }
        if all_have_room {
            return Ok(tables);
        }
    }
}

/// Largest remainder of a node, in bits, beside the keys of the tables it uses; none if a table has too many rows.
fn shared_room(plan: &Plan, requantization: &Requantization, tables: &Tables) -> usize {
    let clamp = (tables.clamp_range(clamp_key(plan, requantization)), key_offset(plan, requantization));
    let sign = plan.signed.then(|| (tables.sign_range(plan.table), 0));
    let mut least = INTEGER_BITS;
    for (range, offset) in [Some(clamp), sign].into_iter().flatten() {
        if range.1.abs_diff(range.0) + 1 > MAX_TABLE_ROWS {
            return 0;
        }
        least = least.min(room(plan, range, offset));
    }
    least
}

/// Widths of the limbs of each node, least significant first; the plans are brought to the sum of their limbs. Nodes with hidden constants have
/// those of the envelope.
pub fn choose(
    graph: &Graph,
    plans: &mut [Option<Plan>],
    tables: &Tables,
    envelope: Option<&Envelope>,
) -> Result<Vec<Vec<usize>>, RelationError> {
    let room_of = |(plan, node): (&Option<Plan>, &Node)| match (plan, requantization(&node.op)) {
        (Some(plan), Some(requantization)) => shared_room(plan, requantization, tables),
        (Some(_), None) | (None, _) => 0,
    };
    let rooms: Vec<usize> = plans.iter().zip(graph.nodes()).map(room_of).collect();
    let hidden = envelope.map(|envelope| vec![usize::from(envelope.limb_bits); usize::from(envelope.num_limbs)]);
    let cut_all = |plans: &[Option<Plan>], widest: usize| -> Vec<Vec<usize>> {
        let cut = |plan: &Plan, room| hidden.clone().filter(|_| plan.values.is_none()).unwrap_or_else(|| cut(plan.shift, room, widest));
        plans.iter().zip(&rooms).map(|(plan, &room)| plan.as_ref().map_or_else(Vec::new, |plan| cut(plan, room))).collect()
    };
    let elements: Vec<usize> = graph.nodes().iter().map(|node| graph.spec(node.output).shape.num_elements()).collect();
    let cost = |widest: usize| -> usize {
        let cuts = cut_all(plans, widest);
        let tables: BTreeSet<usize> = cuts.iter().flatten().copied().collect();
        let cells: usize = cuts.iter().zip(&elements).map(|(cut, &n)| cut.len() * n).sum();
        cells + tables.iter().map(|&bits| 1 << bits).sum::<usize>()
    };
    let widest = (8..=22).min_by_key(|&widest| cost(widest)).unwrap_or(16);
    let cuts = cut_all(plans, widest);
    for (index, (plan, cut)) in plans.iter_mut().zip(&cuts).enumerate() {
        let Some(plan) = plan else { continue };
        let bits = cut.iter().sum();
        if bits > rooms[index] {
            let op = graph.nodes()[index].source.clone();
            return Err(RelationError::TooWide { node: index, op, bits, room: rooms[index] });
        }
        plan.widen(bits);
    }
    Ok(cuts)
}

/// Largest remainder, in bits, for which no key of `range` and no accumulator makes a side of the equation leave [`INTEGER_BITS`].
fn room(plan: &Plan, range: (i64, i64), key_offset: i64) -> usize {
    let key = (range.0 - key_offset).unsigned_abs().max((range.1 - key_offset).unsigned_abs());
    let by_key = INTEGER_BITS.saturating_sub((key + 2).next_power_of_two().trailing_zeros() as usize);
    by_key.min(plan.max_bits(INTEGER_BITS as u32))
}

/// Widths of the limbs of a remainder of at least `shift` bits, at most `widest` each: all of the widest width where there is room for that, else all of
/// one width, else no more bits than needed.
fn cut(shift: usize, room: usize, widest: usize) -> Vec<usize> {
    let count = shift.div_ceil(widest);
    let even = shift.div_ceil(count);
    match [widest, even].into_iter().find(|width| count * width <= room) {
        Some(width) => vec![width; count],
        None => (0..count).map(|index| shift / count + usize::from(index < shift % count)).collect(),
    }
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
        assert_eq!(cut(37, 38, 20), [19, 19]);
        assert_eq!(cut(37, 40, 20), [20, 20]);
        assert_eq!(cut(46, 46, 16), [16, 15, 15]);
    }
}
