use std::fmt;

use serde::Serialize;

use crate::transfer::Cheat;

/// What a player does wrong at one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It gives up.
    Abort,
    /// It does nothing.
    Silence,
    /// It cheats in a transfer.
    Transfer(Cheat),
    /// It proves with another model than the committed one.
    OtherModel,
}

/// A fault and the turn, counted from 0, at which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultAt {
    /// Which turn.
    pub turn: usize,
    /// What happens.
    pub fault: Fault,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Abort => "aborts",
            Self::Silence => "goes silent",
            Self::Transfer(Cheat::WrongData) => "sends wrong data",
            Self::Transfer(Cheat::FalseContest) => "contests falsely",
            Self::Transfer(Cheat::DeniedReceipt) => "denies receipt",
            Self::OtherModel => "proves with another model",
        })
    }
}
