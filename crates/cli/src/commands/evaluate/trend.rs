//! How a cost grows with a size.

use serde::{Deserialize, Serialize};

/// A line through the origin and a power law, both fitted to the same points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Cost for each unit of size, with the least squares of relative deviations.
    pub rate: f64,
    /// Cost grows as size to this power (least squares of logarithms); 1 is linear.
    pub exponent: f64,
}

impl Trend {
    /// Fits points of size and cost, all positive; `None` for fewer than two sizes.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len() as f64;
        let logs: Vec<(f64, f64)> = points.iter().map(|(size, cost)| (size.ln(), cost.ln())).collect();
        let (mean_x, mean_y) = (logs.iter().map(|(x, _)| x).sum::<f64>() / n, logs.iter().map(|(_, y)| y).sum::<f64>() / n);
        let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        // The rate with the least sum of (rate * size / cost - 1)^2.
        let slopes = points.iter().map(|(size, cost)| size / cost);
        let (sum, squares) = slopes.fold((0.0, 0.0), |(sum, squares), slope| (sum + slope, squares + slope * slope));
        (variance > 0.0 && squares > 0.0).then(|| Self { rate: sum / squares, exponent: covariance / variance })
    }

    /// How far a point is above the line, as a fraction of the line.
    pub fn deviation(&self, size: f64, cost: f64) -> f64 {
        cost / (self.rate * size) - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_squares_are_recognized() {
        let line = Trend::fit(&[(1.0, 3.0), (2.0, 6.0), (8.0, 24.0)]).unwrap();
        assert!((line.rate - 3.0).abs() < 1e-12 && (line.exponent - 1.0).abs() < 1e-12);
        assert!((line.deviation(2.0, 9.0) - 0.5).abs() < 1e-12);
        let square = Trend::fit(&[(1.0, 1.0), (2.0, 4.0), (4.0, 16.0)]).unwrap();
        assert!((square.exponent - 2.0).abs() < 1e-12);
        assert_eq!(Trend::fit(&[(1.0, 1.0)]), None);
    }
}
