//! One bound or two.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Probability;

/// Whether the risk is spent on one bound or divided between a lower and an upper one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// Only one direction matters: "at most so many are tampered with", "the accuracy is at least".
    One,
    /// Both do: "the accuracy is within".
    Two,
}

impl Sides {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// The risk of each bound, if `delta` is that of all together.
    pub fn share(self, delta: Probability) -> Probability {
        match self {
            Self::One => delta,
            Self::Two => delta.half(),
        }
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::One => "one-sided",
            Self::Two => "two-sided",
        })
    }
}
