//! Writes the seeds of `decode_proof`, a genuine proof of each kind. `cargo test -p verinfer-verifier --test fuzz` starts from them too.
//!
//! ```text
//! cd fuzz && cargo run --release --bin seeds
//! ```

#[allow(dead_code)]
mod network;

use std::fs;

use network::{CONTEXT, LEVEL, input, labels, network, seeds};
use verinfer_prover::{Execution, Prover};

fn main() {
    let graph = network();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/decode_proof");
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("the folder can be made");
    for seed in seeds(&graph) {
        let prover = Prover::with_setting(graph.clone(), seed.images, &seed.setting).expect("the network can be proved");
        let execution = Execution { input: &input(seed.images), labels: &labels(seed.images), ..Execution::default() };
        let proved = prover.prove_execution(&execution, CONTEXT, LEVEL, &|_| ()).expect("the network runs");
        fs::write(format!("{folder}/{}", seed.name), proved.proof.encode()).expect("the seed can be written");
    }
}
