//! What hiding costs, what each phase costs, the floor, scaling, money, and how good predictions are.

use maud::{Markup, html};

use super::numbers::{dash, deviation, kilobytes, memory, percent, seconds, significant, verdict};
use crate::commands::evaluate::results::{Measurement, Results};
use crate::output::thousands;
use crate::phases::PhaseTime;

/// A proof may take so many times the floor.
const FLOOR_LIMIT: f64 = 5.0;

/// Deviation of predictions that is accepted.
const TOLERANCE: f64 = 0.25;

/// Each setting beside everything public.
pub fn hiding(results: &Results) -> Markup {
    let threads = results.machine.threads;
    html! {
        h2 { "What hiding costs" }
        p { "Ratios are to the same model with everything public. Batches are one proof about several images, with hidden weights and input; their times and core-seconds are for each image." }
        div.scroll {
            table {
                caption { "Settings" }
                thead { tr {
                    th.text scope="col" { "model" } th.text scope="col" { "setting" } th scope="col" { "cells" } th scope="col" { "prove" }
                    th scope="col" { "core-seconds" } th scope="col" { "ratio" } th scope="col" { "verify" } th scope="col" { "proof" } th scope="col" { "memory" }
                } }
                tbody { @for model in &results.models { @for (index, measurement) in model.measurements.iter().enumerate() {
                    tr class=[(index == 0).then_some("first")] {
                        th.text scope="row" { @if index == 0 { (model.name) } }
                        (setting_row(measurement, model.public(), threads))
                    }
                } } }
            }
        }
    }
}

fn setting_row(measurement: &Measurement, public: Option<&Measurement>, threads: usize) -> Markup {
    let prover = &measurement.costs.prover;
    let images = f64::from(measurement.batch);
    let own = measurement.core_seconds(threads) / images;
    html! {
        td.text { (measurement.setting) @if measurement.batch > 1 { ", " (measurement.batch) " images" } }
        td { (thousands(prover.cells.used)) }
        td { (seconds(prover.elapsed.seconds / images)) }
        td { (significant(own)) }
        td { (public.map_or_else(dash, |public| format!("{:.2}×", own / public.core_seconds(threads).max(f64::MIN_POSITIVE)))) }
        td { (seconds(measurement.costs.verifier.seconds / images)) }
        td { (kilobytes(prover.proof_bytes as f64 / images)) }
        td { (memory(prover.peak_memory)) }
    }
}

/// Shares of the phases.
pub fn phases(results: &Results) -> Markup {
    let names: Vec<&str> = results
        .models
        .iter()
        .find_map(|model| model.hidden())
        .map_or_else(Vec::new, |first| first.costs.prover.phases.iter().map(|time| time.phase.as_str()).collect());
    html! {
        h2 { "What each phase costs" }
        div.scroll {
            table {
                caption { "Shares of core-seconds, hidden weights and input" }
                thead { tr { th.text scope="col" { "model" } @for name in &names { th scope="col" { (name) } } th scope="col" { "total" } } }
                tbody { @for model in &results.models { @if let Some(measurement) = model.hidden() {
                    @let phases = &measurement.costs.prover.phases;
                    @let sum: f64 = phases.iter().map(core_seconds).sum();
                    tr {
                        th.text scope="row" { (model.name) }
                        @for time in phases { td { (percent(core_seconds(time) / sum.max(f64::MIN_POSITIVE))) } }
                        td { (significant(sum)) }
                    }
                } } }
            }
        }
    }
}

/// Processor time of a phase, or time where that is not known.
fn core_seconds(phase: &PhaseTime) -> f64 {
    phase.elapsed.processor_seconds.unwrap_or(phase.elapsed.seconds)
}

/// Proving beside committing alone.
pub fn floor(results: &Results) -> Markup {
    html! {
        h2 { "Distance to the floor" }
        p { "The floor is what any prover does that commits to its witness: encoding and hashing the same number of cells once, without masks and without proving anything about them, with the same code in the "
            "same process. A proof is to take at most " (FLOOR_LIMIT) " times as long; where the machine was shared, core-seconds tell more than times." }
        div.scroll {
            table {
                caption { "Hidden weights and input" }
                thead { tr {
                    th.text scope="col" { "model" } th scope="col" { "cells" } th scope="col" { "prove" } th scope="col" { "floor" } th scope="col" { "ratio" }
                    th scope="col" { "ratio of core-seconds" } th.text scope="col" { "at most " (FLOOR_LIMIT) "×" }
                } }
                tbody { @for model in &results.models { @if let Some(measurement) = model.hidden() {
                    @let prover = &measurement.costs.prover;
                    @let of_processor = prover.elapsed.processor_seconds.zip(prover.floor.processor_seconds).map(|(own, floor)| own / floor.max(f64::MIN_POSITIVE));
                    @let judged = of_processor.unwrap_or_else(|| prover.times_floor());
                    tr {
                        th.text scope="row" { (model.name) }
                        td { (thousands(prover.cells.used)) }
                        td { (seconds(prover.elapsed.seconds)) }
                        td { (seconds(prover.floor.seconds)) }
                        td { (significant(prover.times_floor())) "×" }
                        td { (of_processor.map_or_else(dash, |ratio| format!("{}×", significant(ratio)))) }
                        td.text { (verdict(judged <= FLOOR_LIMIT, if judged <= FLOOR_LIMIT { "holds" } else { "missed" })) }
                    }
                } } }
            }
        }
    }
}

/// Growth with size.
pub fn scaling(results: &Results) -> Markup {
    let threads = results.machine.threads;
    html! {
        h2 { "Scaling" }
        @match &results.trend {
            Some(trend) => { p { "The best line has " (significant(trend.rate * 1e6)) " core-seconds for a million cells, and " (significant(trend.fixed))
                " for any proof: proofs of work, which take a random time, tables, and the rounds of the sumchecks." } }
            None => { p { "Not measured." } }
        }
        div.scroll {
            table {
                caption { "Synthetic MobileNets, everything public" }
                thead { tr {
                    th.text scope="col" { "network" } th scope="col" { "cells" } th scope="col" { "2^" } th scope="col" { "prove" } th scope="col" { "core-seconds" }
                    th scope="col" { "above the line" } th scope="col" { "verify" } th scope="col" { "proof" } th scope="col" { "memory" }
                } }
                tbody { @for point in &results.scaling {
                    @let prover = &point.measurement.costs.prover;
                    @let (cells, own) = (prover.cells.used as f64, point.measurement.core_seconds(threads));
                    tr {
                        th.text scope="row" { (point.name) }
                        td { (thousands(prover.cells.used)) }
                        td { (format!("{:.1}", cells.log2())) }
                        td { (seconds(prover.elapsed.seconds)) }
                        td { (significant(own)) }
                        td { (results.trend.map_or_else(dash, |trend| deviation(trend.deviation(cells, own)))) }
                        td { (seconds(point.measurement.costs.verifier.seconds)) }
                        td { (kilobytes(prover.proof_bytes as f64)) }
                        td { (memory(prover.peak_memory)) }
                    }
                } }
            }
        }
    }
}

/// Dollars.
pub fn money(results: &Results) -> Markup {
    let threads = results.machine.threads;
    html! {
        h2 { "What it costs in dollars" }
        p { "At " (results.price) " dollars for an hour of one logical processor, of ours and of those that others used alike; memory is not charged for. Hidden weights and input." }
        div.scroll {
            table {
                caption { "Dollars for a thousand images" }
                thead { tr {
                    th.text scope="col" { "model" } th scope="col" { "one proof each" } th scope="col" { "batches" } th.text scope="col" { "others, at the same price" }
                } }
                tbody { @for model in &results.models { @if let Some(measurement) = model.hidden() {
                    @let thousand = |core_seconds: f64| significant(1000.0 * results.dollars(core_seconds));
                    @let batch = model.measurements.iter().find(|other| other.batch > 1);
                    tr {
                        th.text scope="row" { (model.name) }
                        td { (thousand(measurement.core_seconds(threads))) }
                        td { (batch.map_or_else(dash, |batch| thousand(batch.core_seconds(threads) / f64::from(batch.batch)))) }
                        td.text { @for row in results.compared(model) { @if let Some(theirs) = row.processor_seconds() { (thousand(theirs)) " (" (row.system) ")" } } }
                    }
                } } }
            }
        }
    }
}

/// Predicted beside measured.
pub fn predictions(results: &Results) -> Markup {
    html! {
        h2 { "Predictions" }
        p { code { "verinfer estimate" } " predicts cells exactly, and the proof's size, the prover's memory and its time from counts and a calibration of the machine. How far predictions are above what was measured; "
            "time is processor time where it is known. The proofs of work take a random time, which is most of a small proof's: the time is predicted for those that were made." }
        div.scroll {
            table {
                caption { "Predictions" }
                thead { tr {
                    th.text scope="col" { "network" } th.text scope="col" { "setting" } th scope="col" { "core-seconds" } th scope="col" { "off" }
                    th scope="col" { "memory" } th scope="col" { "off" } th scope="col" { "proof" } th scope="col" { "off" } th.text scope="col" { "within 25 %" }
                } }
                tbody { @for (name, measurement) in results.measurements() {
                    @let (time, size) = (measurement.time_off(), measurement.size_off());
                    @let within = [Some(time), measurement.memory_off(), Some(size)].into_iter().flatten().all(|off| off.abs() <= TOLERANCE);
                    tr {
                        th.text scope="row" { (name) }
                        td.text { (measurement.setting) @if measurement.batch > 1 { ", " (measurement.batch) " images" } }
                        td { (measurement.predicted.processor_seconds.map_or_else(dash, significant)) }
                        td { (deviation(time)) }
                        td { (memory(Some(measurement.estimate.prover_memory))) }
                        td { (measurement.memory_off().map_or_else(dash, deviation)) }
                        td { (kilobytes(measurement.estimate.proof_bytes as f64)) }
                        td { (format!("{:+.1} %", 100.0 * size)) }
                        td.text { (verdict(within, if within { "yes" } else { "no" })) }
                    }
                } }
            }
        }
    }
}
