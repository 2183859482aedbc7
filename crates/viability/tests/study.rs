//! Exact expectations against simulations, and what viability means.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use verinfer_viability::accuracy::{self, Customer, Decision, ModelQuality, Payoffs, Provider, best_attack, chances, pairings};
use verinfer_viability::claims::claims;
use verinfer_viability::deviations::deviations;
use verinfer_viability::griefing::Campaign;
use verinfer_viability::{Cheat, Economy, EconomyError, Estimate, Fault, Gains, PlayError, retrieval, serving};

const GAMES: u32 = 300;

/// The paper's prices with fewer examples: games are fast.
fn small() -> Economy {
    let economy = Economy::of_the_paper().unwrap();
    Economy { first: 60, second: 40, target: 28, fee: 60 * 1500 / 99, round: 40, contested: 5, corpus: 30, sample: 6, ..economy }
}

/// Compares the average of simulated games with the expectation over outcomes of known probabilities and gains.
fn assert_agrees(name: &str, outcomes: &[(f64, Gains)], simulated: &Estimate) {
    let side = |name: &str, gain: fn(&Gains) -> f64| {
        let exact: f64 = outcomes.iter().map(|(probability, gains)| probability * gain(gains)).sum();
        let variance: f64 = outcomes.iter().map(|(probability, gains)| probability * (gain(gains) - exact).powi(2)).sum();
        let (mean, error) = (gain(&simulated.mean), (variance / f64::from(GAMES)).sqrt());
        // And half a unit where nothing is random.
        assert!((exact - mean).abs() <= 5.0 * error + 0.5, "{name}: expected {exact} +- {error}, simulated {mean}");
    };
    side(&format!("{name}, customer"), |gains| gains.customer);
    side(&format!("{name}, provider"), |gains| gains.provider);
}

#[test]
fn simulated_agreements_about_accuracy_agree_with_expectations() {
    let economy = small();
    let mut random = ChaCha20Rng::seed_from_u64(1);
    for pairing in pairings(&economy) {
        let chances = chances(&economy, &pairing.customer, &pairing.provider);
        let payoffs = Payoffs::new(&economy, &pairing.provider).unwrap();
        let met = payoffs.met + accuracy::sale(&economy, pairing.provider.quality);
        let outcomes = [(chances.met, met), (chances.missed, payoffs.missed), (chances.aborted, payoffs.aborted)];
        let simulated = accuracy::simulate(&economy, &pairing.customer, &pairing.provider, GAMES, &mut random).unwrap();
        assert_agrees(&pairing.name, &outcomes, &simulated);
        let expected = accuracy::expected(&economy, &pairing.customer, &pairing.provider).unwrap();
        let sum = outcomes.iter().fold(Gains::default(), |sum, &(probability, gains)| sum + gains * probability);
        assert!((expected.customer - sum.customer).abs() < 1.0 && (expected.provider - sum.provider).abs() < 1.0);
    }
}

#[test]
fn simulated_samples_agree_with_expectations() {
    let economy = small();
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let agrees = |name: &str, exact: Gains, simulated: Estimate| {
        let (mean, error) = (simulated.mean, simulated.standard_error);
        for (exact, mean, error) in [(exact.customer, mean.customer, error.customer), (exact.provider, mean.provider, error.provider)] {
            assert!((exact - mean).abs() <= 5.0 * error + 0.5, "{name}: expected {exact}, simulated {mean} +- {error}");
        }
    };
    for tampered in [0, 1, 4, 40] {
        let exact = serving::expected(&economy, tampered).unwrap();
        agrees("serving", exact, serving::simulate(&economy, tampered, GAMES, &mut random).unwrap());
    }
    for hidden in [0, 1, 5, 29] {
        let exact = retrieval::expected(&economy, hidden).unwrap();
        agrees("retrieval", exact, retrieval::simulate(&economy, hidden, GAMES, &mut random).unwrap());
    }
}

#[test]
fn chances_are_those_of_dealing_every_hand() {
    // Four examples, two of them first: all choices of the first part, all patterns of right answers.
    let economy = Economy { first: 2, second: 2, target: 1, ..small() };
    let provider = Provider { quality: ModelQuality::Cheap, decision: Decision::From(2), tries: true };
    let p = economy.cheap_accuracy.value();
    for wrong_labels in 0..=4_u32 {
        let (mut met, mut missed, mut aborted) = (0.0, 0.0, 0.0);
        let parts: Vec<u32> = (0..16_u32).filter(|part| part.count_ones() == 2).collect();
        for part in &parts {
            for pattern in 0..16_u32 {
                let probability =
                    p.powi(pattern.count_ones() as i32) * (1.0 - p).powi(4 - pattern.count_ones() as i32) / parts.len() as f64;
                // The first places have the wrong labels.
                let correct = pattern & !((1 << wrong_labels) - 1);
                match ((correct & part).count_ones(), (correct & !part).count_ones()) {
                    (2, 1..) => met += probability,
                    (2, 0) => missed += probability,
                    _ => aborted += probability,
                }
            }
        }
        let chances = chances(&economy, &Customer { wrong_labels }, &provider);
        for (exact, counted) in [(chances.met, met), (chances.missed, missed), (chances.aborted, aborted)] {
            assert!((exact - counted).abs() < 1e-12, "{wrong_labels} wrong labels: {chances:?}, counted {met} {missed} {aborted}");
        }
    }
}

#[test]
fn honest_parties_gain_and_every_deviation_in_accuracy_is_worse() {
    let economy = Economy::of_the_paper().unwrap();
    let gains = |pairing: &accuracy::Pairing| accuracy::expected(&economy, &pairing.customer, &pairing.provider).unwrap();
    let pairings = pairings(&economy);
    let honest = gains(&pairings[0]);
    assert!(honest.customer > 0.0 && honest.provider > 0.0);
    for pairing in &pairings[1..] {
        let gains = gains(pairing);
        let (own, honest) =
            if pairing.deviating == "customer" { (gains.customer, honest.customer) } else { (gains.provider, honest.provider) };
        assert!(own < honest, "{}: {own} is not less than {honest}", pairing.name);
    }
}

#[test]
fn every_fault_costs_who_is_at_fault_and_only_an_abort_costs_the_other() {
    for deviation in deviations(&Economy::of_the_paper().unwrap()).unwrap() {
        // A receipt that is denied is an upload more; a requester that has the key has paid, and has what it paid for.
        let has_key = deviation.protocol == "retrieval" && deviation.stage.ends_with("checking");
        assert!(deviation.loses() || deviation.fault == Fault::Transfer(Cheat::DeniedReceipt) || has_key, "{deviation:?}");
        assert!(deviation.own <= deviation.honest, "{deviation:?}");
        let trial = deviation.stage == "deciding" && deviation.fault == Fault::Abort;
        assert_eq!(deviation.other < 0.0, trial, "{deviation:?}");
    }
}

#[test]
fn tampering_and_hiding_lose_whatever_their_extent() {
    let economy = Economy::of_the_paper().unwrap();
    let honest = serving::expected(&economy, 0).unwrap().provider;
    assert!([1, 5, 59, 300, 1000].into_iter().all(|tampered| serving::expected(&economy, tampered).unwrap().provider < honest));
    let honest = retrieval::expected(&economy, 0).unwrap().provider;
    assert!([1, 5, 57, 300, 1000].into_iter().all(|hidden| retrieval::expected(&economy, hidden).unwrap().provider < honest));
}

#[test]
fn silence_after_confirming_costs_a_provider_its_deposit_where_predictions_are_demanded() {
    let economy = Economy::of_the_paper().unwrap();
    let deposit = f64::from(economy.beta) * f64::from(economy.round) * economy.proof as f64;
    assert_eq!(serving::silent(&economy, false).unwrap(), Gains::default());
    assert_eq!(serving::silent(&economy, true).unwrap(), Gains { customer: deposit, provider: -deposit });
}

#[test]
fn wrong_labels_bring_no_profit_against_the_shipped_provider() {
    let economy = Economy::of_the_paper().unwrap();
    let shipped = Decision::Shipped.least(&economy);
    let payoffs = Payoffs::new(&economy, &Provider { quality: ModelQuality::Good, decision: Decision::Shipped, tries: true }).unwrap();
    assert!((shipped..=economy.first).all(|threshold| best_attack(&economy, threshold, &payoffs).1 < 0.0));
    // With the share of the target they do.
    assert!(best_attack(&economy, economy.first * economy.target / economy.second, &payoffs).1 > 0.0);
    for right in 0..=economy.first {
        assert_eq!(Decision::Shipped.proceeds(&economy, right), right >= shipped);
    }
}

#[test]
fn griefing_a_customer_costs_99_times_its_loss_with_the_larger_fee() {
    let economy = Economy { fee: 300 * 1500, ..Economy::of_the_paper().unwrap() };
    let campaign = Campaign::new(&economy).unwrap();
    assert!((campaign.factor() - 99.0).abs() < 1e-9);
    assert!(campaign.factor_with_examples() < 1.0);
}

#[test]
fn claims_that_hold_and_those_that_do_not() {
    let claims = claims(&Economy::of_the_paper().unwrap()).unwrap();
    let holds: Vec<bool> = claims.iter().map(|claim| claim.holds).collect();
    assert_eq!(holds, [true, true, false, false, false, false, true, false, false, false, false, false, true, false, true, false]);
}

#[test]
fn impossible_economies_are_refused() {
    let economy = small();
    let refused = |economy: Economy| economy.check().unwrap_err();
    assert!(matches!(refused(Economy { proof: 600_000, ..economy.clone() }), EconomyError::Prices { .. }));
    assert!(matches!(refused(Economy { beta: 1, ..economy.clone() }), EconomyError::Count { name: "beta", .. }));
    assert!(matches!(refused(Economy { target: 41, ..economy.clone() }), EconomyError::Count { name: "the target", .. }));
    assert!(matches!(refused(Economy { example: u64::MAX / 2, ..economy.clone() }), EconomyError::Amount(_)));
    assert!(matches!(accuracy::Game::new(&Economy { first: 0, ..economy }), Err(PlayError::Economy(_))));
}
