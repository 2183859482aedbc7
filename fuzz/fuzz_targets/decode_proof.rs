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
        let trace = run(&NETWORK, &accepted.statement.input.values).expect("an input of the network");
        assert_eq!(trace.tensors[NETWORK.output().0], accepted.statement.output.values);
    }
});
