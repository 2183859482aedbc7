//! One file for each command: its arguments, what it does, its report.

use clap::Subcommand;

use crate::output::{Output, Verdict};

mod attack;
mod bench;
mod check;
mod commit;
mod customer;
mod demo;
