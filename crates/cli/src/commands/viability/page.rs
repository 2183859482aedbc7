//! The report as one HTML page.

use maud::{Markup, html};
use verinfer_viability::deviations::Deviation;
use verinfer_viability::study::{Study, TamperingRow};

use super::money::dollars;
use super::plots;
use crate::page::{self, figure};

/// The page.
///
/// # Errors
///
/// A plot cannot be drawn.
pub fn render(study: &Study) -> anyhow::Result<String> {
    let title = "Viability of the protocols between parties";
    let content = html! {
        p {
            "Strategies played through the state machines and the ledger of the escrow. A gain is what a party has more on its account, less what its inferences and proofs cost; "
            "the sale after a met target is worth " (dollars(study.economy.surplus as f64)) " to each party. \"Exact\" is the expectation, \"simulated\" the average of "
            (study.accuracy.first().map_or(0, |row| row.simulated.games)) " random agreements (seed " (study.seed) ") with its standard error."
        }
        div.scroll { (parameters(study)) }
        main {
            h2 { "Accuracy" }
            div.scroll { (accuracy(study)) }
            (campaign(study))
            (figure(plots::wrong_labels(study)?, "What a customer who does not want the model gains by wrong labels, by what the provider demands of the first part. Above zero the attack pays."))
            div.scroll { (thresholds(study)) }
            h2 { "Serving" }
            div.scroll { (tampering("tampered", "provider", &study.serving)) }
            (figure(plots::tampering(study)?, "What a provider gains that answers some inputs without running the model."))
            h2 { "Retrieval" }
            div.scroll { (tampering("hidden", "responder", &study.retrieval)) }
            (figure(plots::hiding(study)?, "What a responder gains that hides some of the documents that match."))
            h2 { "One fault" }
            p { "An honest agreement with one fault at one turn. Gains include what a completed agreement is worth beyond its payments." }
            div.scroll { (deviations(&study.deviations)) }
            h2 { "The paper's claims" }
            div.scroll { (claims(study)) }
        }
    };
    Ok(page::render(title, &content))
}

fn parameters(study: &Study) -> Markup {
    let economy = &study.economy;
    let amounts = [
        ("E, an example", economy.example),
        ("Z, a proof", economy.proof),
        ("P, an inference", economy.inference),
        ("epsilon, each party's fee", economy.fee),
        ("stake, 1000 N1 E", economy.stake()),
        ("bond of a responder", economy.bond),
        ("price of a retrieval", economy.retrieval_price),
    ];
    html! {
        table {
            @for (name, amount) in amounts { tr { th scope="row" { (name) } td { (dollars(amount as f64)) } } }
            tr { th scope="row" { "N1, N2, target" } td { (economy.first) ", " (economy.second) ", " (economy.target) } }
            tr { th scope="row" { "accuracy of the promised, of a cheaper model" } td { (economy.accuracy) ", " (economy.cheap_accuracy) } }
            tr { th scope="row" { "K, contested, beta" } td { (economy.round) ", " (economy.contested) ", " (economy.beta) } }
            tr { th scope="row" { "corpus, sample" } td { (economy.corpus) ", " (economy.sample) } }
        }
    }
}

fn accuracy(study: &Study) -> Markup {
    html! {
        table {
            tr { th.text { "strategy" } th.text { "deviates" } th { "aborted" } th { "met" } th { "missed" } th { "customer" } th { "simulated" } th { "provider" } th { "simulated" } }
            @for row in &study.accuracy {
                @let simulated = &row.simulated;
                tr {
                    td.text { (row.pairing.name) }
                    td.text { (row.pairing.deviating) }
                    td { (percent(row.chances.aborted)) }
                    td { (percent(row.chances.met)) }
                    td { (percent(row.chances.missed)) }
                    td { (dollars(row.exact.customer)) }
                    td { (dollars(simulated.mean.customer)) " ± " (dollars(simulated.standard_error.customer)) }
                    td { (dollars(row.exact.provider)) }
                    td { (dollars(simulated.mean.provider)) " ± " (dollars(simulated.standard_error.provider)) }
                }
            }
        }
    }
}

fn campaign(study: &Study) -> Markup {
    let campaign = &study.campaign;
    html! {
        p {
            "A provider without a model gains " (dollars(campaign.abort)) " by aborting one agreement. Customers who accept one failure in a hundred make it collude with itself 99 times before, at "
            (dollars(campaign.fake)) " each: it gains " (dollars(campaign.provider)) " in all, the customer " (dollars(campaign.customer)) "."
        }
    }
}

fn thresholds(study: &Study) -> Markup {
    html! {
        table {
            tr { th { "proceeds from" } th { "honest parties succeed" } th { "best attack gains" } }
            @for curve in &study.wrong_labels {
                @let best = curve.points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
                tr { td { (curve.threshold) " of " (study.economy.first) } td { (percent(curve.honest_success)) } td { (dollars(best)) } }
            }
        }
    }
}

fn tampering(title: &str, party: &str, rows: &[TamperingRow]) -> Markup {
    html! {
        table {
            tr { th { (title) } th { "found" } th { "other party" } th { (party) } th { "simulated" } }
            @for row in rows {
                tr {
                    td { (row.tampered) }
                    td { (percent(row.detection)) }
                    td { (dollars(row.exact.customer)) }
                    td { (dollars(row.exact.provider)) }
                    td { (dollars(row.simulated.mean.provider)) " ± " (dollars(row.simulated.standard_error.provider)) }
                }
            }
        }
    }
}

fn deviations(deviations: &[Deviation]) -> Markup {
    html! {
        table {
            tr { th.text { "protocol" } th.text { "who" } th.text { "stage" } th.text { "fault" } th { "gains" } th { "without it" } th { "the other gains" } }
            @for deviation in deviations {
                tr {
                    td.text { (deviation.protocol) }
                    td.text { (deviation.party()) }
                    td.text { (deviation.stage) }
                    td.text { (deviation.fault) }
                    td { (dollars(deviation.own)) }
                    td { (dollars(deviation.honest)) }
                    td { (dollars(deviation.other)) }
                }
            }
        }
    }
}

fn claims(study: &Study) -> Markup {
    html! {
        table {
            tr { th.text { "" } th.text { "where" } th.text { "the paper says" } th.text { "found" } }
            @for claim in &study.claims {
                tr {
                    @if claim.holds { td.text.holds { "holds" } } @else { td.text.fails { "does not" } }
                    td.text { (claim.place) }
                    td.text.wide { (claim.says) }
                    td.text.wide { (claim.found) }
                }
            }
        }
    }
}

/// To a tenth of a percent, and smaller ones as powers of ten.
fn percent(probability: f64) -> String {
    let percent = 100.0 * probability.clamp(0.0, 1.0);
    if percent > 0.0 && percent < 0.05 { format!("{percent:.0e} %") } else { format!("{percent:.1} %") }
}
