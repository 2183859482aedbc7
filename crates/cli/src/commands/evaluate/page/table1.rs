//! Table 1: accuracy and costs of each model with hidden weights and input, beside published figures for the same network.

use maud::{Markup, html};

use super::numbers::{dash, kilobytes, memory, percent, ratio, seconds, significant};
use crate::commands::evaluate::accuracy::{Accuracy, confidence_interval};
use crate::commands::evaluate::published::Published;
use crate::commands::evaluate::results::{Measurement, ModelResults, Results};

/// The section.
pub fn section(results: &Results) -> Markup {
    html! {
        h2 { "Table 1: accuracy and costs" }
        p { "Weights and input are hidden behind commitments, which the proof is checked against; the output is shown. There is no set-up. Committing to the weights is done once for any "
            "number of proofs. Ratios are ours to theirs: 1/16 is a sixteenth. Published core-seconds are all processors of their machine for all the time, an upper bound; published memory is that of the machine." }
        div.scroll {
            table {
                caption { "Hidden weights, hidden input, " (results.security_level) " bits" }
                thead { tr {
                    th.text scope="col" { "model" } th.text scope="col" { "figures" } th scope="col" { "top-1" } th scope="col" { "top-5" }
                    th scope="col" { "commit" } th scope="col" { "set-up" } th scope="col" { "prove" } th scope="col" { "verify" } th scope="col" { "proof" }
                    th scope="col" { "memory" } th scope="col" { "core-seconds" } th scope="col" { "of the floor" }
                } }
                tbody { @for model in &results.models { (rows(results, model)) } }
            }
        }
        (accuracies(results))
    }
}

fn rows(results: &Results, model: &ModelResults) -> Markup {
    let Some(measurement) = model.hidden() else {
        return html! {};
    };
    let prover = &measurement.costs.prover;
    html! {
        tr.first {
            th.text scope="row" { (model.name) }
            td.text { "measured" }
            td { (share(model, |accuracy| accuracy.top1)) }
            td { (share(model, |accuracy| accuracy.top5)) }
            td { (prover.commit_seconds.map_or_else(dash, seconds)) }
            td { "none" }
            td { (seconds(prover.elapsed.seconds)) }
            td { (seconds(measurement.costs.verifier.seconds)) }
            td { (kilobytes(prover.proof_bytes as f64)) }
            td { (memory(prover.peak_memory)) }
            td { (significant(measurement.core_seconds(results.machine.threads))) }
            td { (significant(prover.times_floor())) "×" }
        }
        @for row in results.compared(model) { (published_rows(results, measurement, row)) }
    }
}

fn published_rows(results: &Results, own: &Measurement, row: &Published) -> Markup {
    let prover = &own.costs.prover;
    let ratio_of = |own: f64, theirs: Option<f64>| theirs.map_or_else(dash, |theirs| ratio(own, theirs));
    html! {
        tr.published {
            th.text scope="row" { (row.system) }
            td.text { (row.evidence.name()) br; (row.hardware.as_deref().unwrap_or("machine unstated")) }
            td { (dash()) }
            td { (row.top5.map_or_else(dash, percent)) }
            td { (dash()) }
            td { (row.setup_seconds.map_or_else(dash, seconds)) }
            td { (seconds(row.prove_seconds)) }
            td { (row.verify_seconds.map_or_else(dash, seconds)) }
            td { (row.proof_bytes.map_or_else(dash, |bytes| kilobytes(bytes as f64))) }
            td { (memory(row.memory_bytes)) }
            td { (row.processor_seconds().map_or_else(dash, significant)) }
            td { (dash()) }
        }
        tr.ratio {
            th.text scope="row" { "ratio" }
            td {} td {} td {} td {} td {}
            td { (ratio(prover.elapsed.seconds, row.prove_seconds)) }
            td { (ratio_of(own.costs.verifier.seconds, row.verify_seconds)) }
            td { (ratio_of(prover.proof_bytes as f64, row.proof_bytes.map(|bytes| bytes as f64))) }
            td { (prover.peak_memory.map_or_else(dash, |peak| ratio_of(peak as f64, row.memory_bytes.map(|bytes| bytes as f64)))) }
            td { (ratio_of(own.core_seconds(results.machine.threads), row.processor_seconds())) }
            td {}
        }
    }
}

fn share(model: &ModelResults, hits: impl Fn(&Accuracy) -> usize) -> String {
    model.accuracy.as_ref().map_or_else(dash, |accuracy| percent(hits(accuracy) as f64 / accuracy.images.max(1) as f64))
}

/// Over which images accuracy was measured, and whether the outputs are the reference's.
fn accuracies(results: &Results) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "Accuracy of exact integer inference, which is what is proved, over labelled images (95 % confidence intervals)" }
                thead { tr {
                    th.text scope="col" { "model" } th.text scope="col" { "pixels" } th scope="col" { "images" } th scope="col" { "top-1" } th scope="col" { "" }
                    th scope="col" { "top-5" } th scope="col" { "" } th.text scope="col" { "compared with TFLite's reference kernels" }
                } }
                tbody { @for model in &results.models {
                    tr {
                        th.text scope="row" { (model.name) }
                        td.text { (model.pixels.as_deref().unwrap_or_default()) }
                        @if let Some(accuracy) = &model.accuracy {
                            td { (accuracy.images) }
                            td { (percent(accuracy.top1 as f64 / accuracy.images.max(1) as f64)) } td { (interval(accuracy.top1, accuracy.images)) }
                            td { (percent(accuracy.top5 as f64 / accuracy.images.max(1) as f64)) } td { (interval(accuracy.top5, accuracy.images)) }
                            td.text.wide { (agreement(accuracy, model)) }
                        } @else {
                            td { (dash()) } td { (dash()) } td {} td { (dash()) } td {}
                            td.text.wide { (model.remark.as_deref().unwrap_or_default()) }
                        }
                    }
                } }
            }
        }
        p { "The images are samples, some of them near the models' training set: these accuracies are for comparing integer networks with each other and with their reference, not with the accuracy that others "
            "publish over all of ImageNet's validation set." }
    }
}

fn interval(hits: usize, trials: usize) -> String {
    let (low, high) = confidence_interval(hits, trials);
    format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high)
}

fn agreement(accuracy: &Accuracy, model: &ModelResults) -> String {
    match &accuracy.reference {
        Some(agreement) if agreement.different == 0 => format!("every output equal on each of {} images", agreement.images),
        Some(agreement) => format!("DIFFERENT on {} of {} images", agreement.different, agreement.images),
        None => model.remark.clone().unwrap_or_default(),
    }
}
