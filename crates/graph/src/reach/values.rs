//! Sets of 8-bit values, and functions of one.

use crate::shape::DataType;

/// The smallest value of either type.
const FIRST: i16 = -128;

/// How many integers the two types cover together: -128 to 255.
const COUNT: usize = 384;

/// A set of values of either 8-bit type, never empty where it stands for an element of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueSet {
    words: [u64; COUNT / 64],
}

impl ValueSet {
    /// No value.
    pub(super) const EMPTY: Self = Self { words: [0; COUNT / 64] };

    /// Every value of a type.
    pub fn all(dtype: DataType) -> Self {
        Self::interval(dtype.min(), dtype.max())
    }

    /// The values from `low` to `high`, as far as either type has them.
    pub fn interval(low: i16, high: i16) -> Self {
        (low..=high).collect()
    }

    /// Whether `value` is in the set.
    pub fn contains(&self, value: i16) -> bool {
        index(value).is_some_and(|index| self.words[index / 64] >> (index % 64) & 1 == 1)
    }

    /// The values in increasing order.
    pub fn iter(&self) -> impl Iterator<Item = i16> + '_ {
        self.words.iter().zip(0i16..).flat_map(|(&word, number)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = i16::try_from(left.trailing_zeros()).ok().filter(|&bit| bit < 64)?;
                left &= left - 1;
                Some(FIRST + number * 64 + bit)
            })
        })
    }

    /// Smallest and largest value.
    pub fn bounds(&self) -> (i16, i16) {
        let first = self.iter().next().unwrap_or(FIRST);
        let last = self.words.iter().zip(0i16..).filter(|(word, _)| **word != 0).last();
        (first, last.map_or(first, |(word, number)| FIRST + number * 64 + 63 - i16::try_from(word.leading_zeros()).unwrap_or(0)))
    }

    /// How many values.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no more than one value.
    pub fn is_constant(&self) -> bool {
        self.len() <= 1
    }

    /// Whether there is no gap between the smallest and the largest value.
    pub(super) fn is_interval(&self) -> bool {
        let (low, high) = self.bounds();
        self.len() == usize::from(low.abs_diff(high)) + 1
    }

    pub(super) fn insert(&mut self, value: i16) {
        if let Some(index) = index(value) {
            self.words[index / 64] |= 1 << (index % 64);
        }
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut words = self.words;
        words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
        Self { words }
    }
}

impl FromIterator<i16> for ValueSet {
    fn from_iter<I: IntoIterator<Item = i16>>(values: I) -> Self {
        let mut set = Self::EMPTY;
        values.into_iter().for_each(|value| set.insert(value));
        set
    }
}

/// A function from 8-bit values to 8-bit values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    outputs: Box<[i16]>,
}

impl Function {
    /// Each value itself.
    pub fn identity() -> Self {
        Self { outputs: (FIRST..).take(COUNT).collect() }
    }

    /// This function and `next` after it.
    pub fn then(&self, next: impl Fn(i16) -> i16) -> Self {
        Self { outputs: self.outputs.iter().map(|&value| next(value)).collect() }
    }

    /// What `combined` makes of this function and another of the same value.
    pub fn with(&self, other: &Self, combined: impl Fn(i16, i16) -> i16) -> Self {
        Self { outputs: self.outputs.iter().zip(&other.outputs).map(|(&left, &right)| combined(left, right)).collect() }
    }

    pub fn image(&self, values: &ValueSet) -> ValueSet {
        values.iter().filter_map(|value| index(value).map(|index| self.outputs[index])).collect()
    }
}

fn index(value: i16) -> Option<usize> {
    usize::try_from(i32::from(value) - i32::from(FIRST)).ok().filter(|&index| index < COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let values = [-128, -65, -64, -1, 0, 63, 64, 127, 191, 192, 255];
        let set: ValueSet = values.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), values);
        assert_eq!((set.bounds(), set.len()), ((-128, 255), values.len()));
        assert!(set.contains(191) && !set.contains(190) && !set.contains(256) && !set.contains(-129));
        assert!(!set.is_interval() && ValueSet::interval(-3, 100).is_interval());
        assert_eq!(ValueSet::interval(7, 7).bounds(), (7, 7));
        assert!(ValueSet::interval(7, 7).is_constant() && !ValueSet::interval(7, 8).is_constant());
        assert_eq!(ValueSet::all(DataType::U8).bounds(), (0, 255));
    }

    #[test]
    fn functions_are_applied_one_after_the_other() {
        let doubled = Function::identity().then(|value| value * 2 % 100);
        let sum = doubled.with(&Function::identity(), |left, right| (left + right) % 100);
        let set: ValueSet = [1, 2, 60].into_iter().collect();
        assert_eq!(doubled.image(&set).iter().collect::<Vec<_>>(), [2, 4, 20]);
        assert_eq!(sum.image(&set).iter().collect::<Vec<_>>(), [3, 6, 80]);
    }
}
