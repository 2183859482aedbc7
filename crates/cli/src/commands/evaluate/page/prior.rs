//! Table 2: what others publish.

use maud::{Markup, html};

use super::numbers::{dash, kilobytes, ratio, seconds};
use crate::commands::evaluate::published::{Evidence, Published};
use crate::commands::evaluate::results::{Measurement, Results};

/// The section.
pub fn section(results: &Results) -> Markup {
    html! {
        h2 { "Table 2: prior work" }
        p { "Our figures beside a row are those of the same network with hidden weights and hidden input, bound to commitments, on the machine named above. Rows without them are about networks that were not "
            "measured here. Machines differ: see the core-seconds in table 1." }
        div.scroll {
            table {
                caption { "Figures of other systems" }
                thead { tr {
                    th.text scope="col" { "system" } th.text scope="col" { "network" } th.text scope="col" { "figures" } th.text scope="col" { "hardware" }
                    th.text scope="col" { "zero-knowledge" } th.text scope="col" { "weights bound" }
                    th scope="col" { "prove" } th scope="col" { "verify" } th scope="col" { "proof" } th scope="col" { "ours: prove" } th scope="col" { "ratio" }
                } }
                tbody { @for row in &results.published { (published_row(row, results.model_of(row).and_then(|model| model.hidden()))) } }
            }
        }
        h3 { "Sources" }
        ul { @for (source, systems) in sources(&results.published) { li { (systems) ": " (source) } } }
    }
}

fn published_row(row: &Published, own: Option<&Measurement>) -> Markup {
    let own = own.map(|own| own.costs.prover.elapsed.seconds);
    let at_least = if row.evidence == Evidence::LowerBound { "≥ " } else { "" };
    html! {
        tr {
            th.text.wide scope="row" { (row.system) }
            td.text.wide { (row.model) }
            td.text { (row.evidence.name()) }
            td.text { (row.hardware.as_deref().unwrap_or("unstated")) }
            td.text { (yes_or_no(row.zero_knowledge)) }
            td.text { (yes_or_no(row.weights_bound)) }
            td { (at_least) (seconds(row.prove_seconds)) }
            td { (row.verify_seconds.map_or_else(dash, seconds)) }
            td { (row.proof_bytes.map_or_else(dash, |bytes| kilobytes(bytes as f64))) }
            td { (own.map_or_else(dash, seconds)) }
            td { (own.map_or_else(dash, |own| ratio(own, row.prove_seconds))) }
        }
    }
}

fn yes_or_no(answer: Option<bool>) -> String {
    answer.map_or_else(dash, |yes| if yes { "yes" } else { "no" }.to_string())
}

/// Each source once, with the systems it is cited for.
fn sources(rows: &[Published]) -> Vec<(&str, String)> {
    let mut sources: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        let index = sources.iter().position(|(source, _)| *source == row.source).unwrap_or(sources.len());
        if index == sources.len() {
            sources.push((&row.source, Vec::new()));
        }
        if let Some((_, systems)) = sources.get_mut(index).filter(|(_, systems)| !systems.contains(&row.system.as_str())) {
            systems.push(&row.system);
        }
    }
    sources.into_iter().map(|(source, systems)| (source, systems.join("; "))).collect()
}
