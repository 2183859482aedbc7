//! Amounts of money.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A non-negative amount in minor units (cents, say), at most [`Money::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money(u64);

/// An amount is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More than [`Money::MAX`].
    #[error("an amount is more than {} units", Money::MAX)]
    TooMuch,
    /// Less than nothing.
    #[error("{subtrahend} units cannot be taken from {minuend}")]
    Negative {
        /// What there is.
        minuend: Money,
        /// What should be taken from it.
        subtrahend: Money,
    },
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The largest amount: the largest integer of SQL's `BIGINT`.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());

    /// So many minor units.
    ///
    /// # Errors
    ///
    /// More than [`Money::MAX`].
    pub const fn new(units: u64) -> Result<Self, MoneyError> {
        if units > Self::MAX.0 { Err(MoneyError::TooMuch) } else { Ok(Self(units)) }
    }

    /// As an integer.
    pub const fn units(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// It is more than [`Money::MAX`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).ok_or(MoneyError::TooMuch).and_then(Self::new)
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// `other` is more than `self`.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Negative { minuend: self, subtrahend: other })
    }

    /// The product.
    ///
    /// # Errors
    ///
    /// It is more than [`Money::MAX`].
    pub fn times(self, factor: u64) -> Result<Self, MoneyError> {
        self.0.checked_mul(factor).ok_or(MoneyError::TooMuch).and_then(Self::new)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_checked() {
        let (one, two) = (Money(1), Money(2));
        assert_eq!(one.minus(two), Err(MoneyError::Negative { minuend: one, subtrahend: two }));
        assert_eq!(Money::MAX.plus(one), Err(MoneyError::TooMuch));
        assert_eq!(Money::MAX.times(2), Err(MoneyError::TooMuch));
        assert_eq!(two.plus(one).unwrap().times(2).unwrap().minus(one).unwrap(), Money(5));
    }

    #[test]
    fn what_sql_cannot_hold_is_not_read() {
        assert!(serde_json::from_str::<Money>("9223372036854775807").is_ok());
        assert!(serde_json::from_str::<Money>("9223372036854775808").is_err());
        assert!(serde_json::from_str::<Money>("-1").is_err());
        assert!(serde_json::from_str::<Money>("1.0").is_err());
    }
}
