//! How many limbs each remainder is cut into, and of how many bits.
//!
//! Wide limbs make few cells but large range tables. The widest limb of the graph is chosen to minimise the number of cells.

use std::collections::BTreeSet;

use verinfer_graph::Graph;

use super::requantize::Plan;
use crate::error::RelationError;

/// Widths of the limbs of each node, least significant first; the plans are brought to the sum of their limbs.
pub fn choose(graph: &Graph, plans: &mut [Option<Plan>]) -> Result<Vec<Vec<usize>>, RelationError> {
    let elements: Vec<usize> = graph.nodes().iter().map(|node| graph.spec(node.output).shape.num_elements()).collect();
    let cut_all =
        |widest: usize| -> Vec<Option<(usize, usize)>> { plans.iter().map(|plan| plan.as_ref().map(|plan| cut(plan, widest))).collect() };
    let cost = |widest: usize| -> usize {
        let cuts = cut_all(widest);
        let tables: BTreeSet<usize> = cuts.iter().flatten().map(|&(_, bits)| bits).collect();
        let cells: usize = cuts.iter().zip(&elements).map(|(cut, &n)| cut.map_or(0, |(count, _)| count * n)).sum();
        cells + tables.iter().map(|&bits| 1 << bits).sum::<usize>()
    };
    let widest = (8..=22).min_by_key(|&widest| cost(widest)).unwrap_or(16);
    let cuts = cut_all(widest);
    let mut limbs = Vec::new();
    for (index, (plan, cut)) in plans.iter_mut().zip(cuts).enumerate() {
        let Some((plan, (count, bits))) = plan.as_mut().zip(cut) else {
            limbs.push(Vec::new());
            continue;
        };
        let (needed, room) = (count * bits, plan.max_bits());
        if needed > room || plan.shift > needed {
            let op = graph.nodes()[index].source.clone();
            return Err(RelationError::TooWide { node: index, op, bits: needed, room });
        }
        plan.widen(needed);
        limbs.push(vec![bits; count]);
    }
    Ok(limbs)
}

/// Number and width of the limbs of one remainder, at most `widest` bits each: all of the widest width where there is room for that.
fn cut(plan: &Plan, widest: usize) -> (usize, usize) {
    let count = plan.shift.div_ceil(widest);
    if count * widest <= plan.max_bits() { (count, widest) } else { (count, plan.shift.div_ceil(count)) }
}
