//! Rates from measurements.

/// A measurement: counts, and the time they took together.
pub type Sample = (Vec<f64>, f64);

/// Rounds of descent; each brings the rates nearer, and this many leave nothing to gain for a handful of them.
const ROUNDS: usize = 10_000;

/// The rates, none negative, with the least squares of relative errors: `sum of rates[i] * counts[i]` is near the time of each sample.
/// Each rate is set to its best value in turn (coordinate descent). Rates of counts that are zero in all samples are zero.
pub fn rates(samples: &[Sample]) -> Vec<f64> {
    let num_rates = samples.iter().map(|(counts, _)| counts.len()).max().unwrap_or(0);
    // By the time, so that all samples weigh the same: the sum is to be near one.
    let samples: Vec<Vec<f64>> = samples
        .iter()
        .filter(|(_, time)| *time > 0.0)
        .map(|(counts, time)| (0..num_rates).map(|i| counts.get(i).copied().unwrap_or(0.0) / time).collect())
        .collect();
    let mut rates = vec![0.0; num_rates];
    for _ in 0..ROUNDS {
        for index in 0..num_rates {
            let (mut product, mut square) = (0.0, 0.0);
            for row in &samples {
                let others: f64 = (0..num_rates).filter(|&other| other != index).map(|other| rates[other] * row[other]).sum();
                product += row[index] * (1.0 - others);
                square += row[index] * row[index];
            }
            rates[index] = if square > 0.0 { (product / square).max(0.0) } else { 0.0 };
        }
    }
    rates
}

/// The time of counts at given rates.
pub fn time(rates: &[f64], counts: &[f64]) -> f64 {
    rates.iter().zip(counts).map(|(rate, count)| rate * count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_fit_exactly_are_found() {
        let samples = [(vec![1.0, 10.0], 7.0), (vec![2.0, 3.0], 5.5), (vec![100.0, 7.0], 203.5)];
        let rates = rates(&samples);
        assert!((rates[0] - 2.0).abs() < 1e-6 && (rates[1] - 0.5).abs() < 1e-6, "{rates:?}");
        assert!((time(&rates, &[1.0, 1.0]) - 2.5).abs() < 1e-6);
    }

    #[test]
    fn no_rate_is_negative() {
        let samples = [(vec![1.0, 1.0], 1.0), (vec![1.0, 2.0], 0.5)];
        assert!(rates(&samples).iter().all(|&rate| rate >= 0.0));
        assert_eq!(rates(&[]), Vec::<f64>::new());
        assert_eq!(rates(&[(vec![0.0], 1.0)]), [0.0]);
    }
}
