//! Writes the seeds of `decode_proof`: a genuine proof, its header alone, and its header with an empty body.
//!
//! ```text
//! cd fuzz && cargo run --release --bin seeds
//! ```

mod network;

use std::fs;

use network::{CONTEXT, LEVEL, input, network};
use verinfer_prover::Prover;

fn main() {
    let graph = network();
    let prover = Prover::new(&graph).expect("the network can be proved");
    let proved = prover.prove(&input(), CONTEXT, LEVEL, &|_| ()).expect("the network runs");
    let file = proved.proof.encode();
    let header = &file[..file.len() - proved.proof.body.len() - 4];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/decode_proof");
    fs::create_dir_all(folder).expect("the folder can be made");
    for (name, bytes) in [("genuine", file.as_slice()), ("header", header), ("empty", &[header, &[0; 4]].concat())] {
        fs::write(format!("{folder}/{name}"), bytes).expect("the seed can be written");
    }
}
