//! The report as one HTML page.

use maud::{Markup, html};

use super::results::Results;
use crate::memory::megabytes;
use crate::page::{self, figure};

mod costs;
mod numbers;
mod plots;
mod prior;
mod table1;

/// The page.
///
/// # Errors
///
/// A plot cannot be drawn.
pub fn render(results: &Results) -> anyhow::Result<String> {
    let title = "Verinfer: what exact proofs of quantized networks cost";
    let content = html! {
        (conditions(results))
        main {
            (table1::section(results))
            (figure(plots::against_published(results)?, "Proving time with hidden weights and hidden input beside the figures that others report for the same network, on their machines. Logarithmic."))
            (prior::section(results))
            (costs::hiding(results))
            (costs::phases(results))
            (figure(plots::phases(results)?, "Core-seconds of each phase of a proof with hidden weights and hidden input."))
            (costs::floor(results))
            (costs::scaling(results))
            (figure(plots::scaling(results)?, "Core-seconds of a proof with everything public against the cells in use, both logarithmic: synthetic MobileNets, the line that fits them best (a fixed cost and one for each cell), and the models of table 1."))
            (costs::money(results))
            (costs::predictions(results))
            (figure(plots::predictions(results)?, "Predicted against measured core-seconds of every measurement in this report, both logarithmic; the dashed lines are 25 % above and below."))
            (missing(results))
        }
    };
    Ok(page::render(title, &content))
}

/// What everything below was measured with.
fn conditions(results: &Results) -> Markup {
    let machine = &results.machine;
    html! {
        p { "Every figure is measured by the program that wrote this page, unless it is marked as published or predicted. Proofs have "
            (results.security_level) " bits of security and are zero-knowledge; "
            @if results.runs == 1 { "each measurement is of one proof." } @else { "times are medians of " (results.runs) " proofs." } }
        dl {
            dt { "machine" } dd { (machine.processor) ", " (machine.logical_processors) " logical processors, prover on " (machine.threads) " threads, verifier on one" }
            @if let Some(memory) = machine.memory { dt { "memory" } dd { (megabytes(memory)) } }
            dt { "system" } dd { (machine.system) }
            dt { "program" } dd { "verinfer " (results.version) ", BLAKE3 " (results.program) }
            dt { "busy" } dd { (utilization(results)) }
        }
        p { "Core-seconds are processor time of the prover, over all its threads. They hardly depend on what else a machine does; times on the clock do." }
    }
}

/// How much of the machine the provers had.
fn utilization(results: &Results) -> String {
    let shares: Vec<f64> = results
        .measurements()
        .filter_map(|(_, measurement)| {
            let elapsed = measurement.costs.prover.elapsed;
            Some(elapsed.processor_seconds? / (elapsed.seconds * results.machine.threads as f64))
        })
        .collect();
    let mean = shares.iter().sum::<f64>() / (shares.len() as f64).max(1.0);
    if shares.is_empty() {
        return "not known".to_string();
    }
    format!("provers had {:.0} % of their threads' time on average; what is missing is waiting, and other programs", 100.0 * mean)
}

fn missing(results: &Results) -> Markup {
    html! {
        @if !results.missing.is_empty() {
            h2 { "Not measured" }
            ul { @for missing in &results.missing { li { (missing.what) ": " (missing.reason) } } }
        }
    }
}
