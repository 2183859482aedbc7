//! The report as one HTML page: no scripts, nothing fetched, plots as SVG in the text.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use verinfer_viability::deviations::Deviation;
use verinfer_viability::study::{Study, TamperingRow};

use super::money::dollars;
use super::plots;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #ddd;vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}figure{margin:1rem 0}svg{max-width:100%;height:auto}\
figcaption{font-size:.9rem;color:#555}.no{color:#a30000;font-weight:600}.yes{color:#006b2d;font-weight:600}@media print{body{margin:0}tr,figure{break-inside:avoid}}";

/// The page.
///
/// # Errors
///
/// A plot cannot be drawn.
pub fn render(study: &Study) -> anyhow::Result<String> {
    let title = "Viability of the protocols between parties";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p {
                    "Strategies played through the state machines and the ledger of the escrow. A gain is what a party has more on its account, less what its inferences and proofs cost; "
                    "the sale after a met target is worth " (dollars(study.economy.surplus as f64)) " to each party. \"Exact\" is the expectation, \"simulated\" the average of "
                    (study.accuracy.first().map_or(0, |row| row.simulated.games)) " random agreements (seed " (study.seed) ") with its standard error."
                }
                (parameters(study))
                main {
                    h2 { "Accuracy" }
                    (accuracy(study))
                    (campaign(study))
                    (figure(plots::wrong_labels(study)?, "What a customer who does not want the model gains by wrong labels, by what the provider demands of the first part. Above zero the attack pays."))
                    (thresholds(study))
                    h2 { "Serving" }
                    (tampering("tampered", "provider", &study.serving))
                    (figure(plots::tampering(study)?, "What a provider gains that answers some inputs without running the model."))
                    h2 { "Retrieval" }
                    (tampering("hidden", "responder", &study.retrieval))
                    (figure(plots::hiding(study)?, "What a responder gains that hides some of the documents that match."))
                    h2 { "One fault" }
                    p { "An honest agreement with one fault at one turn. Gains include what a completed agreement is worth beyond its payments." }
                    (deviations(&study.deviations))
                    h2 { "The paper's claims" }
                    (claims(study))
                }
            }
        }
    };
    Ok(page.into_string())
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
            @for (name, amount) in amounts { tr { td { (name) } td.n { (dollars(amount as f64)) } } }
            tr { td { "N1, N2, target" } td.n { (economy.first) ", " (economy.second) ", " (economy.target) } }
            tr { td { "accuracy of the promised, of a cheaper model" } td.n { (economy.accuracy) ", " (economy.cheap_accuracy) } }
            tr { td { "K, contested, beta" } td.n { (economy.round) ", " (economy.contested) ", " (economy.beta) } }
            tr { td { "corpus, sample" } td.n { (economy.corpus) ", " (economy.sample) } }
        }
    }
}

fn accuracy(study: &Study) -> Markup {
    html! {
        table {
            tr { th { "strategy" } th { "deviates" } th.n { "aborted" } th.n { "met" } th.n { "missed" } th.n { "customer" } th.n { "simulated" } th.n { "provider" } th.n { "simulated" } }
            @for row in &study.accuracy {
                @let simulated = &row.simulated;
                tr {
                    td { (row.pairing.name) }
                    td { (row.pairing.deviating) }
                    td.n { (percent(row.chances.aborted)) }
                    td.n { (percent(row.chances.met)) }
                    td.n { (percent(row.chances.missed)) }
                    td.n { (dollars(row.exact.customer)) }
                    td.n { (dollars(simulated.mean.customer)) " ± " (dollars(simulated.standard_error.customer)) }
                    td.n { (dollars(row.exact.provider)) }
                    td.n { (dollars(simulated.mean.provider)) " ± " (dollars(simulated.standard_error.provider)) }
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
            tr { th.n { "proceeds from" } th.n { "honest parties succeed" } th.n { "best attack gains" } }
            @for curve in &study.wrong_labels {
                @let best = curve.points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
                tr { td.n { (curve.threshold) " of " (study.economy.first) } td.n { (percent(curve.honest_success)) } td.n { (dollars(best)) } }
            }
        }
    }
}

fn tampering(title: &str, party: &str, rows: &[TamperingRow]) -> Markup {
    html! {
        table {
            tr { th.n { (title) } th.n { "found" } th.n { "other party" } th.n { (party) } th.n { "simulated" } }
            @for row in rows {
                tr {
                    td.n { (row.tampered) }
                    td.n { (percent(row.detection)) }
                    td.n { (dollars(row.exact.customer)) }
                    td.n { (dollars(row.exact.provider)) }
                    td.n { (dollars(row.simulated.mean.provider)) " ± " (dollars(row.simulated.standard_error.provider)) }
                }
            }
        }
    }
}

fn deviations(deviations: &[Deviation]) -> Markup {
    html! {
        table {
            tr { th { "protocol" } th { "who" } th { "stage" } th { "fault" } th.n { "gains" } th.n { "without it" } th.n { "the other gains" } }
            @for deviation in deviations {
                tr {
                    td { (deviation.protocol) }
                    td { (deviation.party()) }
                    td { (deviation.stage) }
                    td { (deviation.fault) }
                    td.n { (dollars(deviation.own)) }
                    td.n { (dollars(deviation.honest)) }
                    td.n { (dollars(deviation.other)) }
                }
            }
        }
    }
}

fn claims(study: &Study) -> Markup {
    html! {
        table {
            tr { th { "" } th { "where" } th { "the paper says" } th { "found" } }
            @for claim in &study.claims {
                tr {
                    @if claim.holds { td.yes { "holds" } } @else { td.no { "does not" } }
                    td { (claim.place) }
                    td { (claim.says) }
                    td { (claim.found) }
                }
            }
        }
    }
}

fn figure(svg: String, caption: &str) -> Markup {
    html! { figure { (PreEscaped(svg)) figcaption { (caption) } } }
}

/// To a tenth of a percent, and smaller ones as powers of ten.
fn percent(probability: f64) -> String {
    let percent = 100.0 * probability.clamp(0.0, 1.0);
    if percent > 0.0 && percent < 0.05 { format!("{percent:.0e} %") } else { format!("{percent:.1} %") }
}
