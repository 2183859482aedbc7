//! Writes the encoding of a TFLite model's network (docs/protocol.md, 7.3), which the verifier in `spec/` reads.
//!
//! `cargo run --example encode MODEL.tflite NETWORK.graph`

use std::error::Error;
use std::{env, fs};

use verinfer_import::import_tflite;

fn main() -> Result<(), Box<dyn Error>> {
    let [model, out] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: encode MODEL.tflite NETWORK.graph")?;
    fs::write(out, import_tflite(&fs::read(model)?)?.graph.encode())?;
    Ok(())
}
