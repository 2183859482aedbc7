use serde::Serialize;
use verinfer_sampling::Probability;

use super::safe_threshold;
use crate::{Economy, PlayError};

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
    /// It proceeds if so many of the first `N1` are correct; `N1 + 1` is to abort always.
    pub threshold: u32,
    /// Whether it runs the model on the first part before it decides.
    pub tries: bool,
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
///
/// # Errors
///
/// The economy is impossible.
pub fn pairings(economy: &Economy) -> Result<Vec<Pairing>, PlayError> {
    let threshold = safe_threshold(economy)?.unwrap_or(economy.first);
    let honest = Provider { quality: ModelQuality::Good, threshold, tries: true };
    let pairing =
        |name: String, deviating, wrong_labels, provider| Pairing { name, deviating, customer: Customer { wrong_labels }, provider };
    let mut pairings = vec![pairing("honest".to_string(), "nobody", 0, honest)];
    let labels = |share: f64| (f64::from(economy.examples()) * share).round() as u32;
    for share in [0.02, 0.05, 0.1, 0.25, 1.0] {
        pairings.push(pairing(format!("{:.0} % of the labels wrong", 100.0 * share), "customer", labels(share), honest));
    }
    for (name, quality, threshold, tries) in [
        ("cheaper model, proceeds if it does well", ModelQuality::Cheap, threshold, true),
        ("cheaper model, always proceeds", ModelQuality::Cheap, 0, true),
        ("random predictions, always proceeds", ModelQuality::Guessing, 0, true),
        ("no model, always aborts (single agreement)", ModelQuality::Guessing, economy.first + 1, false),
    ] {
        pairings.push(pairing(name.to_string(), "provider", 0, Provider { quality, threshold, tries }));
    }
    Ok(pairings)
}
