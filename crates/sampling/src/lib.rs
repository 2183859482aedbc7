//! How many samples show what, and what they cost.
//!
//! Two questions, each answered in both directions (from a demand to a sample size, and from a sample to a bound):
//!
//! - *tampering*: all samples were found in order; how large can the tampered fraction be? [`tampering`]
//! - *accuracy*: so many of the samples were classified correctly; how far can the accuracy be from that? [`accuracy`]
//!
//! A third is a provider's: whether to go on with an agreement about accuracy after its first examples ([`proceeding`]).
//!
//! All rest on exact tails of the binomial and hypergeometric distributions ([`binomial`], [`hypergeometric`]) and, for accuracy, also on Hoeffding's
//! inequality ([`hoeffding`]), which the literature uses. Every statement has the form "except with probability [`Probability`] `delta`"; `delta` is
//! never the confidence `1 - delta`.
//!
//! Samples are drawn uniformly by somebody whom the other side could not foresee: no formula here holds for samples that the examined side has chosen.

pub use cost::{Cost, CostError};
pub use error::{LARGEST_COUNT, SamplingError};
pub use probability::{Probability, ProbabilityError};
pub use sides::Sides;

pub mod accuracy;
pub mod binomial;
mod cost;
mod error;
pub mod hoeffding;
pub mod hypergeometric;
pub mod interval;
mod probability;
pub mod proceeding;
pub mod published;
mod search;
mod sides;
pub mod tampering;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
