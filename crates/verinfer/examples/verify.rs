//! Verifies a proof, and says what it proves and what not.
//!
//! `cargo run --release -p verinfer --example verify -- PROOF MODEL`, where MODEL is a model or the public commitment to one; without arguments a proof that
//! is made on the spot.

use verinfer::{Expectations, Prover, Request, Result, Verifier, digits};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let expected = Expectations::new().context("an example");
    let verdict = match arguments.as_slice() {
        [proof, model] => Verifier::load(model)?.verify_file(proof, &expected),
        _ => {
            let model = digits::model()?;
            let proof = Prover::new(&model).prove(&Request::new([digits::sample(5)?]).context("an example"))?.proof;
            Verifier::of_model(&model).verify(proof.to_bytes(), &expected)
        }
    };
    match verdict {
        Ok(accepted) => print!("{accepted}"),
        Err(error) if error.is_rejection() => println!("rejected ({}): {error}", error.kind()),
        Err(error) => return Err(error),
    }
    Ok(())
}
