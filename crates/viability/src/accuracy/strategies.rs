use serde::Serialize;
use verinfer_sampling::Probability;

use crate::Economy;

/// How the customer plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// So many of its `N` labels are wrong.
    pub wrong_labels: u32,
}

/// How the provider plays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Provider {
    /// What it has committed to.
    pub quality: ModelQuality,
    /// When it proceeds.
    pub decision: Decision,
    /// Whether it runs the model on the first part before it decides.
    pub tries: bool,
}

/// When a provider proceeds after the first part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// As the shipped provider does: [`Trial::proceeds`](verinfer_sampling::proceeding::Trial::proceeds).
    Shipped,
    /// If so many of the first `N1` are correct; `N1 + 1` is to abort always.
    From(u32),
}

impl Decision {
    /// Whether it proceeds with so many correct ones.
    pub fn proceeds(self, economy: &Economy, correct: u32) -> bool {
        match self {
            Self::Shipped => economy.trial().proceeds(correct),
            Self::From(least) => correct >= least,
        }
    }

    /// The smallest number of correct ones with which it proceeds; `N1 + 1` if it never does.
    pub fn least(self, economy: &Economy) -> u32 {
        match self {
            Self::Shipped => economy.trial().least_right().unwrap_or(economy.first + 1),
            Self::From(least) => least,
        }
    }
}

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelQuality {
    /// As promised.
    Good,
    /// One that costs nothing to speak of.
    Cheap,
    /// None: it guesses.
    Guessing,
}

impl ModelQuality {
    /// Probability of a correct answer where the label is right.
    pub const fn accuracy(self, economy: &Economy) -> Probability {
        match self {
            Self::Good => economy.accuracy,
            Self::Cheap => economy.cheap_accuracy,
            Self::Guessing => economy.guess_accuracy,
        }
    }

    /// What running it once costs.
    pub const fn inference(self, economy: &Economy) -> u64 {
        match self {
            Self::Good => economy.inference,
            Self::Cheap | Self::Guessing => 0,
        }
    }
}

/// Two players and what they are called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pairing {
    /// In words.
    pub name: String,
    /// Who deviates.
    pub deviating: &'static str,
    /// One player.
    pub customer: Customer,
    /// The other.
    pub provider: Provider,
}

/// Honest players, and each deviation against an honest player.
pub fn pairings(economy: &Economy) -> Vec<Pairing> {
    let honest = Provider { quality: ModelQuality::Good, decision: Decision::Shipped, tries: true };
    let pairing =
        |name: String, deviating, wrong_labels, provider| Pairing { name, deviating, customer: Customer { wrong_labels }, provider };
    let mut pairings = vec![pairing("honest".to_string(), "nobody", 0, honest)];
    let labels = |share: f64| (f64::from(economy.examples()) * share).round() as u32;
    for share in [0.02, 0.05, 0.1, 0.25, 1.0] {
        pairings.push(pairing(format!("{:.0} % of the labels wrong", 100.0 * share), "customer", labels(share), honest));
    }
    for (name, quality, decision, tries) in [
        ("cheaper model, proceeds if it does well", ModelQuality::Cheap, Decision::Shipped, true),
        ("cheaper model, always proceeds", ModelQuality::Cheap, Decision::From(0), true),
        ("random predictions, always proceeds", ModelQuality::Guessing, Decision::From(0), true),
        ("no model, always aborts (single agreement)", ModelQuality::Guessing, Decision::From(economy.first + 1), false),
    ] {
        pairings.push(pairing(name.to_string(), "provider", 0, Provider { quality, decision, tries }));
    }
    pairings
}
