//! What holds for all samples and demands: monotone, inverse to each other, on the safe side of each other.

use proptest::prelude::*;
use verinfer_sampling::interval::clopper_pearson;
use verinfer_sampling::{Probability, Sides, binomial, hoeffding, hypergeometric, tampering};

fn probabilities(low: f64, high: f64) -> impl Strategy<Value = Probability> {
    (low.ln()..high.ln()).prop_map(|ln| Probability::new(ln.exp()).unwrap())
}

fn sides() -> impl Strategy<Value = Sides> {
    prop_oneof![Just(Sides::One), Just(Sides::Two)]
}

proptest! {
    #[test]
    fn sample_sizes_and_bounds_of_tampering_are_inverse(p in probabilities(1e-6, 0.99), delta in probabilities(1e-30, 0.99), sides in sides()) {
        let samples = tampering::sample_size(p, delta, sides).unwrap();
        prop_assert!(tampering::bound(samples, delta, sides).unwrap() <= p.value() * (1.0 + 1e-12));
        if samples > 1 {
            prop_assert!(tampering::bound(samples - 1, delta, sides).unwrap() > p.value() * (1.0 - 1e-12));
        }
    }

    #[test]
    fn sample_sizes_and_deviations_of_hoeffding_are_inverse(epsilon in probabilities(1e-3, 0.99), delta in probabilities(1e-30, 0.99), sides in sides()) {
        let samples = hoeffding::sample_size(epsilon, delta, sides).unwrap();
        prop_assert!(hoeffding::deviation(samples, delta, sides).unwrap() <= epsilon.value() * (1.0 + 1e-12));
        if samples > 1 {
            prop_assert!(hoeffding::deviation(samples - 1, delta, sides).unwrap() > epsilon.value() * (1.0 - 1e-12));
        }
    }

    #[test]
    fn a_corpus_needs_no_more_samples_than_independent_ones(p in probabilities(1e-3, 0.9), delta in probabilities(1e-9, 0.5), corpus in 1_u64..5000) {
        let of_corpus = tampering::sample_size_of_corpus(p, corpus, delta).unwrap();
        let independent = tampering::sample_size(p, delta, Sides::One).unwrap();
        prop_assert!(of_corpus <= independent.min(corpus));
        let tampered = tampering::bound_of_corpus(of_corpus, corpus, delta).unwrap();
        prop_assert!((tampered as f64) < p.value() * corpus as f64 || tampered == 0);
    }

    #[test]
    fn misses_fall_with_more_samples_and_more_tampering(corpus in 2_u64..2000, a in 0.0..1.0, b in 0.0..1.0) {
        let (samples, tampered) = ((a * (corpus - 1) as f64) as u64, (b * (corpus - 1) as f64) as u64);
        let missed = hypergeometric::ln_miss(corpus, tampered, samples);
        prop_assert!(hypergeometric::ln_miss(corpus, tampered + 1, samples) <= missed + 1e-12);
        prop_assert!(hypergeometric::ln_miss(corpus, tampered, samples + 1) <= missed + 1e-12);
        prop_assert!((hypergeometric::ln_miss(corpus, samples, tampered) - missed).abs() <= 1e-9 || missed == f64::NEG_INFINITY);
    }

    #[test]
    fn tails_are_complementary_and_monotone(samples in 1_u64..20_000, share in 0.0..1.0, p in probabilities(1e-5, 0.999)) {
        let hits = (share * samples as f64) as u64;
        let (below, above) = (binomial::at_most(samples, hits, p), binomial::at_least(samples, hits + 1, p));
        prop_assert!((below + above - 1.0).abs() < 1e-9);
        prop_assert!(binomial::at_most(samples, hits + 1, p) >= below - 1e-9);
        prop_assert!((0.0..=1.0).contains(&below) && (0.0..=1.0).contains(&above));
    }

    #[test]
    fn interval_ends_are_where_the_tails_are_the_risk(samples in 1_u64..3000, share in 0.0..=1.0, delta in probabilities(1e-9, 0.9), sides in sides()) {
        let hits = (share * samples as f64) as u64;
        let interval = clopper_pearson(hits, samples, delta, sides).unwrap();
        let observed = hits as f64 / samples as f64;
        let risk = sides.share(delta).value();
        // Ends are exact to the precision of 1, where tails may be anything between those at the neighbours.
        let around = |end: f64| [end - f64::EPSILON, end + f64::EPSILON].map(|end| Probability::new(end).ok());
        if Probability::new(interval.upper).is_ok() {
            let [below, above] = around(interval.upper).map(|end| end.map(|end| binomial::at_most(samples, hits, end)));
            prop_assert!(below.unwrap_or(1.0) > risk * (1.0 - 1e-6) && above.unwrap_or(0.0) < risk * (1.0 + 1e-6));
        }
        if Probability::new(interval.lower).is_ok() {
            let [below, above] = around(interval.lower).map(|end| end.map(|end| binomial::at_least(samples, hits, end)));
            prop_assert!(below.unwrap_or(0.0) < risk * (1.0 + 1e-6) && above.unwrap_or(1.0) > risk * (1.0 - 1e-6));
        }
        prop_assert!(risk > 0.5 || (interval.lower <= observed && observed <= interval.upper));
    }

    #[test]
    fn more_confidence_and_more_samples_move_bounds_the_right_way(samples in 1_u64..10_000, delta in probabilities(1e-6, 0.4)) {
        let stricter = Probability::new(delta.value() / 2.0).unwrap();
        prop_assert!(tampering::bound(samples, stricter, Sides::One).unwrap() > tampering::bound(samples, delta, Sides::One).unwrap());
        prop_assert!(tampering::bound(samples + 1, delta, Sides::One).unwrap() < tampering::bound(samples, delta, Sides::One).unwrap());
        prop_assert!(hoeffding::deviation(samples + 1, delta, Sides::Two).unwrap() < hoeffding::deviation(samples, delta, Sides::Two).unwrap());
    }
}
