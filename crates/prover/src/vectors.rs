//! Large vectors, made by all threads.

use rayon::prelude::*;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;

/// Elements that a thread writes at once.
const BLOCK: usize = 1 << 12;

/// A vector of equal elements. The first touch of memory takes longer than much of what is done with it, so that all threads share it.
pub fn filled<T: Copy + Send + Sync>(len: usize, value: T) -> Vec<T> {
    (0..len).into_par_iter().with_min_len(BLOCK).map(|_| value).collect()
}

/// As [`eq_table`]: `eq(point, i)` for `i < len`.
pub fn eq_weights(point: &[K], len: usize) -> Vec<K> {
    if len <= BLOCK {
        return eq_table(point, len);
    }
    let (low, high) = point.split_at(BLOCK.ilog2() as usize);
    let (low, high) = (eq_table(low, BLOCK), eq_table(high, len.div_ceil(BLOCK)));
    (0..len).into_par_iter().with_min_len(BLOCK).map(|i| low[i % BLOCK] * high[i / BLOCK]).collect()
}

#[cfg(test)]
mod tests {
    use verinfer_relation::transcript::Transcript;

    use super::*;

    #[test]
    fn weights_are_those_of_one_thread() {
        let point = Transcript::new().challenges("point", 15);
        for len in [1, 4096, 4097, 9000, 1 << 15] {
            assert_eq!(eq_weights(&point, len), eq_table(&point, len));
        }
    }
}
