//! The protocols between parties who do not trust each other: who must do what by when, and who gets which money if they do or do not.
//!
//! Everything here is a pure function: no input or output, no clock (time is an argument), no randomness, no floating point. An escrow runs the
//! machines on what parties send it; parties run the same code to know what is expected of them; an audit runs it again on the log.
//!
//! * [`money`], [`ledger`]: amounts and where they are; nothing is created or lost.
//! * [`payment`]: what comes from outside and goes there, once.
//! * [`keys`], [`signed`]: who says something, once and in order.
//! * [`merkle`], [`coin`]: commitments to lists, and choices from them that no party can bias.
//! * [`agreement`]: any agreement. The kinds are [`stake`], [`accuracy`], [`serving`] and [`retrieval`]; [`transfer`] is a part of two of them.
//! * [`rules`]: what a marketplace demands of all proposals.
//! * [`statement`]: what a verified proof says, as far as an agreement depends on it.
//!
//! Stages, deposits and outcomes are tables in docs/protocols.md.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod accuracy;
pub mod agreement;
pub mod answer;
pub mod coin;
pub mod digest;
pub mod event;
pub mod keys;
pub mod ledger;
pub mod member;
pub mod merkle;
pub mod money;
pub mod payment;
pub mod refusal;
pub mod retrieval;
pub mod rules;
pub mod serving;
pub mod signed;
pub mod stake;
pub mod statement;
pub mod time;
pub mod transfer;

mod bytes;
mod terms;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
