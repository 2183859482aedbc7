use std::ops::{Add, Mul};

use serde::Serialize;

/// What the two parties of an agreement gain, in minor units of money; losses are negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Gains {
    /// Who proposes: the customer, the requester.
    pub customer: f64,
    /// Who accepts: the provider, the responder.
    pub provider: f64,
}

impl Add for Gains {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { customer: self.customer + other.customer, provider: self.provider + other.provider }
    }
}

impl Mul<f64> for Gains {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { customer: self.customer * factor, provider: self.provider * factor }
    }
}

/// Gains of many games.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// How many.
    pub games: u32,
    /// Their average.
    pub mean: Gains,
    /// Its standard error.
    pub standard_error: Gains,
}

impl Estimate {
    /// Of the gains of games, at least two.
    pub fn new(games: &[Gains]) -> Self {
        let count = games.len().max(2) as f64;
        let mean = games.iter().fold(Gains::default(), |sum, &gains| sum + gains) * (1.0 / count);
        let square = |sum: Gains, gains: &Gains| {
            let (customer, provider) = (gains.customer - mean.customer, gains.provider - mean.provider);
            sum + Gains { customer: customer * customer, provider: provider * provider }
        };
        let squares = games.iter().fold(Gains::default(), square) * (1.0 / (count - 1.0) / count);
        let standard_error = Gains { customer: squares.customer.sqrt(), provider: squares.provider.sqrt() };
        Self { games: games.len() as u32, mean, standard_error }
    }
}
