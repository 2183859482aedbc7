//! Any bytes are rejected without a panic, or state what the network computes.
//!
//! ```text
//! cargo +nightly fuzz run decode_proof fuzz/corpus/decode_proof fuzz/seeds/decode_proof
//! ```

#![no_main]

#[allow(dead_code)]
mod network;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use network::{CONTEXT, LEVEL, network};
use verinfer_graph::{Graph, run};
use verinfer_verifier::{Expectations, Verifier};

static NETWORK: LazyLock<Graph> = LazyLock::new(network);
static VERIFIER: LazyLock<Verifier<'static>> = LazyLock::new(|| Verifier::new(&NETWORK).expect("the network can be proved"));

fuzz_target!(|bytes: &[u8]| {
    let expectations = Expectations { security_level: LEVEL, context: CONTEXT, input: None };
    if let Ok(accepted) = VERIFIER.verify(bytes, &expectations) {
        let [input, output] = [NETWORK.input(), NETWORK.output()].map(|tensor| NETWORK.spec(tensor).shape.num_elements());
        let statement = &accepted.statement;
        assert_eq!(statement.input.values.len(), statement.images as usize * input);
        for (input, output) in statement.input.values.chunks(input).zip(statement.output.values.chunks(output)) {
            assert_eq!(run(&NETWORK, input).expect("an input of the network").tensors[NETWORK.output().0], output);
        }
    }
});
