//! What the benchmarks have in common: the built-in model, and what they hide of it.

use std::sync::Arc;

use verinfer_graph::Graph;
use verinfer_import::{InputFormat, InputOptions, import_tflite, load_input};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Setting};

/// Bits of security.
pub const LEVEL: u16 = 128;

/// The built-in network and an image for it.
pub fn digits() -> (Arc<Graph>, Vec<i16>) {
    let model = import_tflite(verinfer_digits::MODEL).expect("the built-in model is supported");
    let input = load_input(verinfer_digits::SAMPLES[0], InputFormat::Image, &model, &InputOptions::default()).expect("its image fits");
    (model.graph, input.values)
}

/// Weights and input hidden.
pub fn hidden(graph: &Graph) -> Setting {
    let weights = Some(Envelope::of(graph).expect("the built-in model can be hidden"));
    Setting { weights, hidden_input: true, output: OutputForm::Shown }
}
