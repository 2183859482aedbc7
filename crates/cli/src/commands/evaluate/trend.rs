//! How a cost grows with a size.

use serde::{Deserialize, Serialize};

use verinfer_estimate::fit;

/// A line, with the least squares of relative deviations: a cost that does not depend on the size, and one for each unit of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Cost at size zero, not negative.
    pub fixed: f64,
    /// Cost for each unit of size.
    pub rate: f64,
}

impl Trend {
    /// Fits points of size and cost, all positive; `None` for fewer than three.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let samples: Vec<fit::Sample> = points.iter().map(|&(size, cost)| (vec![1.0, size], cost)).collect();
        match *fit::rates(&samples) {
            [fixed, rate] if points.len() > 2 => Some(Self { fixed, rate }),
            _ => None,
        }
    }

    /// The line's cost.
    pub fn at(&self, size: f64) -> f64 {
        self.fixed + self.rate * size
    }

    /// How far a point is above the line, as a fraction of the line.
    pub fn deviation(&self, size: f64, cost: f64) -> f64 {
        cost / self.at(size) - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found() {
        let line = Trend::fit(&[(1.0, 5.0), (2.0, 8.0), (8.0, 26.0)]).unwrap();
        assert!((line.fixed - 2.0).abs() < 1e-6 && (line.rate - 3.0).abs() < 1e-6, "{line:?}");
        assert!((line.deviation(2.0, 12.0) - 0.5).abs() < 1e-6);
        assert_eq!(Trend::fit(&[(1.0, 1.0), (2.0, 2.0)]), None);
    }
}
