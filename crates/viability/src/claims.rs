//! What the paper claims of its constants, each beside what the machines give.

use serde::Serialize;

use crate::accuracy::{Customer, Decision, ModelQuality, Payoffs, Provider, chances};
use crate::griefing::{Campaign, SUCCESSES_FOR_A_FAILURE, WrongLabels, cheapest_wrong_labels};
use crate::{Economy, PlayError, serving};

/// A claim and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// Where it is.
    pub place: &'static str,
    /// What it says.
    pub says: String,
    /// What comes out.
    pub found: String,
    /// Whether that is what it says.
    pub holds: bool,
}

/// All claims about viability and griefing, for the prices and numbers of an economy; each sets `epsilon` as the paper does there.
///
/// # Errors
///
/// The economy is impossible.
pub fn claims(economy: &Economy) -> Result<Vec<Claim>, PlayError> {
    let trial = u64::from(economy.first) * economy.inference;
    let small = Economy { fee: trial / 99, ..economy.clone() };
    let large = Economy { fee: trial, ..economy.clone() };
    let mut claims = vec![stake(&small)?, dishonest_provider(&small)?, small_fakes(&small)?, examples_are_worth_nothing(&small)?];
    claims.extend([honest_gain(&small)?, risk_bound(&small)?, griefed_customer(&large)?, griefed_customer_with_examples(&large)?]);
    claims.extend([
        griefed_provider_formula(&large),
        griefed_provider(&large)?,
        one_fee_for_both(&small)?,
        griefing_by_few_wrong_labels(&small)?,
        value(&small)?,
    ]);
    claims.extend([serving_condition(&small)?, serving_deterrence(&small)?, serving_silence(&small)?]);
    Ok(claims)
}

fn stake(economy: &Economy) -> Result<Claim, PlayError> {
    let aborts = economy.stake() as f64 / Campaign::new(economy)?.abort;
    Ok(Claim {
        place: "appendix A",
        says: "a provider has to abort at least 1000 times to gain its stake, 1000 N1 E".to_string(),
        found: format!("{aborts:.0} times"),
        holds: aborts >= 1000.0,
    })
}

fn dishonest_provider(economy: &Economy) -> Result<Claim, PlayError> {
    let campaign = Campaign::new(economy)?;
    Ok(Claim {
        place: "appendix B",
        says: "with epsilon = N1 P / 99, a provider without a model loses: one abort needs 99 agreements with itself".to_string(),
        found: format!(
            "the abort gains {}, {SUCCESSES_FOR_A_FAILURE} fakes cost {} each: {} in all",
            dollars(campaign.abort),
            dollars(campaign.fake),
            dollars(campaign.provider)
        ),
        holds: campaign.provider < 0.0,
    })
}

/// The same with the cheapest fakes under the shipped rules, where `epsilon` is at least `N1 P / 99`, rounded up.
fn small_fakes(economy: &Economy) -> Result<Claim, PlayError> {
    let campaign = Campaign::new(economy)?;
    let counted = campaign.abort - SUCCESSES_FOR_A_FAILURE * 2.0 * economy.inference.div_ceil(99) as f64;
    let (trial, ..) = amounts(economy);
    Ok(Claim {
        place: "appendix B",
        says: "the same, if the agreements with itself are as small as they can be, N1 = 1".to_string(),
        found: format!(
            "{} in all if agreements are counted; {} if money is, as `--max-failures 1` does: their fees must come to N1 P",
            dollars(counted),
            dollars(campaign.abort - 2.0 * trial)
        ),
        holds: counted < 0.0,
    })
}

fn examples_are_worth_nothing(economy: &Economy) -> Result<Claim, PlayError> {
    let campaign = Campaign::new(economy)?;
    let examples = f64::from(economy.first) * economy.example as f64;
    let break_even = -campaign.provider / f64::from(economy.first);
    Ok(Claim {
        place: "appendix B",
        says: "the same, if the N1 examples that an aborting provider keeps are worth E each to it".to_string(),
        found: format!(
            "{} in all; it pays as soon as an example is worth more than {} to the provider",
            dollars(campaign.provider + examples),
            dollars(break_even)
        ),
        holds: campaign.provider + examples < 0.0,
    })
}

fn honest_gain(economy: &Economy) -> Result<Claim, PlayError> {
    let provider = HONEST;
    let chances = chances(economy, &Customer { wrong_labels: 0 }, &provider);
    let exact = Payoffs::new(economy, &provider)?.expected(&chances).provider;
    let alpha = 1.0 - chances.met;
    let (trial, proofs, fee) = amounts(economy);
    let claimed = (1.0 - alpha) * (trial + 2.0 * proofs - fee) + alpha * trial;
    Ok(Claim {
        place: "appendix B",
        says: format!(
            "an honest provider expects (1 - alpha)(N1 P + 2 N2 Z - epsilon) + alpha N1 P = {} for alpha = {alpha:.4}",
            dollars(claimed)
        ),
        found: format!(
            "{}: its proofs and inferences cost it, an abort brings -epsilon, and a missed target costs 2NE, which the formula leaves out",
            dollars(exact)
        ),
        holds: (exact - claimed).abs() < 0.01 * claimed.abs(),
    })
}

fn risk_bound(economy: &Economy) -> Result<Claim, PlayError> {
    let payoffs = Payoffs::new(economy, &HONEST)?;
    let (met, missed, aborted) = (payoffs.met.provider, payoffs.missed.provider, payoffs.aborted.provider);
    let break_even = (met - aborted) / (met - missed);
    let (trial, ..) = amounts(economy);
    let claimed = 49.0 * trial / (49.0 * trial + 99.0 * f64::from(economy.examples()) * economy.example as f64);
    Ok(Claim {
        place: "appendix B",
        says: format!(
            "alpha > 49 N1 P / (49 N1 P + 99 N E) = {claimed:.5}, where the provider proceeds if it fails with probability alpha at most"
        ),
        found: format!(
            "proceeding pays if it fails with probability below {break_even:.4}: the sign is the other way round, and the gain is not N1 P alone"
        ),
        holds: (claimed - break_even).abs() < 0.01 * break_even,
    })
}

fn griefed_customer(economy: &Economy) -> Result<Claim, PlayError> {
    let campaign = Campaign::new(economy)?;
    Ok(Claim {
        place: "appendix B",
        says: "with epsilon = N1 P, a provider that griefs a customer pays 99 N1 P for the customer's N1 P: 99 times as much".to_string(),
        found: format!(
            "it pays {}, the customer loses {} (the trial and its own epsilon): {:.1} times",
            dollars(-campaign.provider),
            dollars(-campaign.customer),
            campaign.factor()
        ),
        holds: (campaign.factor() - 99.0).abs() < 1.0,
    })
}

fn griefed_customer_with_examples(economy: &Economy) -> Result<Claim, PlayError> {
    let campaign = Campaign::new(economy)?;
    let factor = campaign.factor_with_examples();
    Ok(Claim {
        place: "appendix B",
        says: "the same, if the N1 examples that the customer has shown are lost to it, at E each".to_string(),
        found: format!("the customer loses {}: {factor:.2} times", dollars(-campaign.customer_with_examples)),
        holds: factor >= 99.0,
    })
}

fn griefed_provider_formula(economy: &Economy) -> Claim {
    let (trial, proofs, _) = amounts(economy);
    let bet = f64::from(economy.examples()) * economy.example as f64 / 50.0;
    let alpha = (bet - 2.0 * proofs) / (trial - proofs);
    let meant = (bet - 2.0 * proofs) / (trial - 2.0 * proofs);
    Claim {
        place: "appendix B",
        says: "alpha = (NE/50 - 2 N2 Z) / (N1 P - N2 Z) is the probability that makes griefing a provider 100 times as expensive"
            .to_string(),
        found: format!(
            "alpha = {alpha:.3}; solving its own expected gain, (1 - alpha) 2 N2 Z + alpha N1 P = NE/50, gives N1 P - 2 N2 Z below the line: {meant:.3}"
        ),
        holds: (0.0..=1.0).contains(&alpha),
    }
}

fn griefed_provider(economy: &Economy) -> Result<Claim, PlayError> {
    let payoffs = Payoffs::new(economy, &HONEST)?;
    Ok(Claim {
        place: "appendix B",
        says: "a customer that griefs a provider successfully pays for it".to_string(),
        found: format!(
            "a missed target brings the customer {} and costs the provider {}: only failed attempts cost",
            dollars(payoffs.missed.customer),
            dollars(-payoffs.missed.provider)
        ),
        holds: payoffs.missed.customer < 0.0,
    })
}

fn one_fee_for_both(economy: &Economy) -> Result<Claim, PlayError> {
    let large = Economy { fee: u64::from(economy.first) * economy.inference, ..economy.clone() };
    let mut found = Vec::new();
    let mut holds = false;
    for (name, economy) in [("N1 P / 99", economy), ("N1 P", &large)] {
        let customers = Campaign::new(economy)?.factor();
        let aborted = Payoffs::new(economy, &HONEST)?.aborted;
        let providers = aborted.customer / aborted.provider;
        // To a hundredth: amounts are whole units.
        holds |= customers > 98.0 && providers > 99.0;
        found.push(format!("with epsilon = {name}, {customers:.1} times and {providers:.1} times"));
    }
    Ok(Claim {
        place: "appendix B",
        says: "griefing a customer costs 99 times the victim's loss; griefing a provider, by labels so wrong that it aborts, 100 times"
            .to_string(),
        found: format!("{}: no epsilon gives both", found.join("; ")),
        holds,
    })
}

fn griefing_by_few_wrong_labels(economy: &Economy) -> Result<Claim, PlayError> {
    let threshold = HONEST.decision.least(economy);
    let attack = cheapest_wrong_labels(economy)?;
    let factor = attack.map_or(f64::INFINITY, |attack| attack.factor());
    let describe = |attack: WrongLabels| {
        let WrongLabels { wrong_labels, customer, provider } = attack;
        let (customer, provider) = (dollars(-customer), dollars(-provider));
        format!(
            "{wrong_labels} of {} wrong labels cost the customer {customer} and the provider {provider}: {factor:.2} times",
            economy.examples()
        )
    };
    Ok(Claim {
        place: "appendix B",
        says: format!(
            "the provider chooses alpha so that griefing it costs 100 times; it proceeds from {threshold} of {} on, where wrong labels bring no profit",
            economy.first
        ),
        found: attack.map_or_else(|| "it never loses".to_string(), describe),
        holds: factor >= 100.0,
    })
}

fn value(economy: &Economy) -> Result<Claim, PlayError> {
    let provider = HONEST;
    let chances = chances(economy, &Customer { wrong_labels: 0 }, &provider);
    let gains = Payoffs::new(economy, &provider)?.expected(&chances);
    let needed = -gains.customer / chances.met;
    Ok(Claim {
        place: "section 5.2",
        says: format!("the agreement is viable if the model is worth more than 1000 N1 E = {}", dollars(economy.stake() as f64)),
        found: format!(
            "an honest customer gains if a met target is worth more than {} to it; the provider gains without any sale",
            dollars(needed)
        ),
        holds: needed <= economy.stake() as f64,
    })
}

fn serving_condition(economy: &Economy) -> Result<Claim, PlayError> {
    let rate = f64::from(economy.contested) / f64::from(economy.round);
    let honest = serving::expected(economy, 0)?.customer;
    Ok(Claim {
        place: "section 5.3",
        says: format!(
            "beta K Z is large relative to K Z / p, with beta = {} and contests of p = {:.1} % of a round",
            economy.beta,
            100.0 * rate
        ),
        found: format!(
            "K Z / p is {:.1} K Z; but the condition is not needed (see the next line), and contests cost the customer {} a round whatever beta is",
            1.0 / rate,
            dollars(-honest)
        ),
        holds: f64::from(economy.beta) >= 1.0 / rate,
    })
}

fn serving_deterrence(economy: &Economy) -> Result<Claim, PlayError> {
    let honest = serving::expected(economy, 0)?.provider;
    let counts = [1, 2, 5, 10, 20, 50, 100, 200, 500, economy.round].into_iter().filter(|&count| count <= economy.round);
    let gains: Vec<(u32, f64)> =
        counts.map(|count| Ok((count, serving::expected(economy, count)?.provider - honest))).collect::<Result<_, PlayError>>()?;
    let (count, best) = gains.into_iter().fold((0, f64::NEG_INFINITY), |best, gain| if gain.1 > best.1 { gain } else { best });
    Ok(Claim {
        place: "section 5.3",
        says: "with random contests a provider does not tamper with predictions".to_string(),
        found: format!("the best it can do is to tamper with {count} of {}: {} against honesty", economy.round, dollars(best)),
        holds: best < 0.0,
    })
}

fn serving_silence(economy: &Economy) -> Result<Claim, PlayError> {
    let [before, after] = [serving::silent(economy, false)?, serving::silent(economy, true)?];
    Ok(Claim {
        place: "section 5.3",
        says: "with appendix B's timeouts, a provider that takes the inputs and gives no predictions is slashed".to_string(),
        found: format!(
            "it loses {}: the escrow does not see predictions. With a demand, which the machine adds, it loses {} to the customer",
            dollars(-before.provider),
            dollars(-after.provider)
        ),
        holds: before.provider < 0.0,
    })
}

/// An honest provider as it is shipped.
const HONEST: Provider = Provider { quality: ModelQuality::Good, decision: Decision::Shipped, tries: true };

/// `N1 P`, `N2 Z`, `epsilon`.
fn amounts(economy: &Economy) -> (f64, f64, f64) {
    let trial = f64::from(economy.first) * economy.inference as f64;
    (trial, f64::from(economy.second) * economy.proof as f64, economy.fee as f64)
}

/// An amount of millionths of a dollar.
fn dollars(amount: f64) -> String {
    let (sign, amount) = (if amount < 0.0 { "-" } else { "" }, amount.abs() / 1e6);
    if amount < 0.1 { format!("{sign}${amount:.4}") } else { format!("{sign}${amount:.2}") }
}
