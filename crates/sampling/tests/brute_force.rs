//! Tails and bounds against literal sums over all outcomes, in exact integer arithmetic where that is possible.

use statrs::distribution::{Binomial, DiscreteCDF, Hypergeometric};
use verinfer_sampling::interval::clopper_pearson;
use verinfer_sampling::{Probability, Sides, accuracy, binomial, hoeffding, hypergeometric, tampering};

fn probability(value: f64) -> Probability {
    Probability::new(value).unwrap()
}

/// `n` choose `k`, exactly.
fn choose(n: u64, k: u64) -> u128 {
    (0..k).fold(1, |product, i| product * u128::from(n - i) / u128::from(i + 1))
}

#[test]
fn binomial_tails_are_the_sums_of_their_terms() {
    // With p = q / 64 all probabilities are integers over 64^n, which a u128 holds for n up to 20.
    for samples in 1..=20_u32 {
        for q in [1_u128, 7, 32, 50, 63] {
            let p = probability(q as f64 / 64.0);
            let term = |hits: u32| choose(samples.into(), hits.into()) * q.pow(hits) * (64 - q).pow(samples - hits);
            for hits in 0..=samples {
                let (above, below): (u128, u128) = ((hits..=samples).map(term).sum(), (0..=hits).map(term).sum());
                let all = 64_f64.powi(samples as i32);
                let tails = [
                    (binomial::at_least(samples.into(), hits.into(), p), above),
                    (binomial::at_most(samples.into(), hits.into(), p), below),
                ];
                for (tail, exact) in tails {
                    let exact = exact as f64 / all;
                    // The tail beyond the mean has relative precision, its complement absolute.
                    let tolerance = if exact < 0.5 { 1e-12 * exact + 1e-15 } else { 1e-12 };
                    assert!((tail - exact).abs() <= tolerance, "{samples} {hits} {q}: {tail} is not {exact}");
                }
            }
        }
    }
}

#[test]
fn tails_far_out_keep_relative_precision() {
    // P(all of n) = p^n.
    let tail = binomial::at_least(300, 300, probability(0.125));
    assert!((tail / 0.125_f64.powi(300) - 1.0).abs() < 1e-9, "{tail}");
    let tail = binomial::at_most(100_000, 0, probability(0.005));
    assert!((tail.ln() / (100_000.0 * (-0.005_f64).ln_1p()) - 1.0).abs() < 1e-9);
}

#[test]
fn binomial_tails_agree_with_another_implementation() {
    for (samples, p) in [(10, 0.3), (72, 0.05), (600, 0.591), (2397, 0.75), (14979, 0.8)] {
        let other = Binomial::new(p, samples).unwrap();
        for hits in (0..samples).step_by(usize::try_from(samples / 10 + 1).unwrap()) {
            assert!((binomial::at_most(samples, hits, probability(p)) - other.cdf(hits)).abs() < 1e-7);
        }
    }
}

#[test]
fn misses_of_a_corpus_are_quotients_of_binomial_coefficients() {
    for corpus in 1..=30 {
        for tampered in 0..=corpus {
            for samples in 0..=corpus {
                let missed = hypergeometric::ln_miss(corpus, tampered, samples).exp();
                let avoiding = if samples > corpus - tampered { 0 } else { choose(corpus - tampered, samples) };
                let exact = avoiding as f64 / choose(corpus, samples) as f64;
                assert!((missed - exact).abs() < 1e-13, "{corpus} {tampered} {samples}: {missed} is not {exact}");
                for hits in 0..=samples {
                    let impossible = hits > tampered || samples - hits > corpus - tampered;
                    let ways = if impossible { 0 } else { choose(tampered, hits) * choose(corpus - tampered, samples - hits) };
                    let exact = ways as f64 / choose(corpus, samples) as f64;
                    assert!((hypergeometric::ln_pmf(corpus, tampered, samples, hits).exp() - exact).abs() < 1e-12);
                }
                let other = Hypergeometric::new(corpus, tampered, samples).unwrap().cdf(0);
                assert!((missed - other).abs() < 1e-9, "{corpus} {tampered} {samples}: {missed} is not {other}");
            }
        }
    }
}

#[test]
fn bounds_of_a_corpus_are_those_of_trying_every_number() {
    for delta in [0.3, 0.05, 0.001].map(probability) {
        for corpus in [1, 2, 7, 40] {
            for samples in 1..=corpus {
                let undetected = (0..=corpus).rev().find(|&tampered| hypergeometric::ln_miss(corpus, tampered, samples) > delta.ln());
                assert_eq!(tampering::bound_of_corpus(samples, corpus, delta).ok(), undetected);
            }
            for p in [0.5, 0.1, 0.07].map(probability) {
                let needed = tampering::sample_size_of_corpus(p, corpus, delta).unwrap();
                let shows =
                    |samples: u64| (tampering::bound_of_corpus(samples, corpus, delta).unwrap() as f64) < p.value() * corpus as f64 - 1e-9;
                let first = (1..=corpus).find(|&samples| shows(samples) || tampering::bound_of_corpus(samples, corpus, delta) == Ok(0));
                assert_eq!(Some(needed), first, "{p} of {corpus}");
            }
        }
    }
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_promise() {
    // Coverage is exact: the probability of all numbers of hits whose interval has the truth in it.
    for samples in [1, 5, 20, 60] {
        for p in [0.01, 0.2, 0.5, 0.77].map(probability) {
            for (delta, sides) in [(0.05, Sides::Two), (0.05, Sides::One), (0.3, Sides::Two), (0.9, Sides::One)] {
                let (mut inside, mut below_upper) = (0.0, 0.0);
                for hits in 0..=samples {
                    let interval = clopper_pearson(hits, samples, probability(delta), sides).unwrap();
                    let weight = binomial::ln_pmf(samples, hits, p).exp();
                    inside += if (interval.lower..=interval.upper).contains(&p.value()) { weight } else { 0.0 };
                    below_upper += if p.value() <= interval.upper { weight } else { 0.0 };
                }
                match sides {
                    Sides::Two => assert!(inside >= 1.0 - delta - 1e-12, "{samples} {p}: {inside}"),
                    Sides::One => assert!(below_upper >= 1.0 - delta - 1e-12, "{samples} {p}: {below_upper}"),
                }
            }
        }
    }
}

#[test]
fn intervals_are_those_of_the_literature() {
    // Clopper-Pearson, 95 %, two-sided: 0 of 10, 1 of 10, 5 of 10 (every table of them).
    for (hits, lower, upper) in [(0, 0.0, 0.3085), (1, 0.0025, 0.4450), (5, 0.1871, 0.8129)] {
        let interval = clopper_pearson(hits, 10, probability(0.05), Sides::Two).unwrap();
        assert!((interval.lower - lower).abs() < 5e-5 && (interval.upper - upper).abs() < 5e-5, "{interval:?}");
    }
}

#[test]
fn sample_sizes_of_the_paper_and_of_exact_intervals() {
    let delta = probability(0.05);
    let sizes = |of: &dyn Fn(Probability, Sides) -> u64, demands: [f64; 4]| {
        demands.map(|demand| Sides::ALL.map(|sides| of(probability(demand), sides)))
    };
    let tampered = sizes(&|p, sides| tampering::sample_size(p, delta, sides).unwrap(), [0.05, 0.025, 0.02, 0.01]);
    assert_eq!(tampered, [[59, 72], [119, 146], [149, 183], [299, 368]]);
    let hoeffding = sizes(&|epsilon, sides| hoeffding::sample_size(epsilon, delta, sides).unwrap(), [0.1, 0.05, 0.025, 0.01]);
    assert_eq!(hoeffding, [[150, 185], [600, 738], [2397, 2952], [14979, 18445]]);
    let exact = sizes(&|epsilon, sides| accuracy::sample_size(epsilon, delta, sides).unwrap(), [0.1, 0.05, 0.025, 0.01]);
    assert_eq!(exact, [[78, 106], [291, 404], [1122, 1577], [6864, 9704]]);
}
