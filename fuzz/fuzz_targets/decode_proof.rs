//! Any bytes are rejected without a panic, or state what the network computes.
//!
//! ```text
//! cargo +nightly fuzz run decode_proof fuzz/corpus/decode_proof fuzz/seeds/decode_proof
//! ```

#![no_main]

#[allow(dead_code)]
mod network;

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use network::{CONTEXT, LEVEL, network, seeds, verifier};
use verinfer_graph::{Graph, run};
use verinfer_verifier::{Expectations, Proof, Verifier};

static NETWORK: LazyLock<Graph> = LazyLock::new(network);

/// One for each seed: hidden models are known by the seeds' commitments.
static VERIFIERS: LazyLock<Vec<Verifier>> = LazyLock::new(|| {
    let file = |name| fs::read(format!("{}/seeds/decode_proof/{name}", env!("CARGO_MANIFEST_DIR"))).expect("the seed is there");
    let proof = |name| Proof::decode(&file(name)).expect("the seed is a proof: cargo run --release --bin seeds");
    seeds(&NETWORK).iter().map(|seed| verifier(NETWORK.clone(), &proof(seed.name).statement).expect("the network can be proved")).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let expectations = Expectations { security_level: LEVEL, context: CONTEXT.to_vec(), ..Expectations::default() };
    for verifier in VERIFIERS.iter() {
        let Ok(accepted) = verifier.verify(bytes, &expectations) else { continue };
        let statement = &accepted.statement;
        if let (Some(inputs), Some(outputs)) = (statement.input.shown(), statement.output.shown()) {
            let [input, output] = [NETWORK.input(), NETWORK.output()].map(|tensor| NETWORK.spec(tensor).shape.num_elements());
            assert_eq!(inputs.values.len(), statement.images as usize * input);
            for (input, output) in inputs.values.chunks(input).zip(outputs.values.chunks(output)) {
                assert_eq!(run(&NETWORK, input).expect("an input of the network").tensors[NETWORK.output().0], output);
            }
        }
    }
});
