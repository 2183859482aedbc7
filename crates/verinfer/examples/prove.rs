//! Runs a model on an input and writes a proof of its output.
//!
//! `cargo run --release -p verinfer --example prove -- MODEL IMAGE PROOF`; without arguments the built-in model and a file in the folder for temporary ones.

use verinfer::{Model, Prover, Request, Result, digits};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, image, out) = match arguments.as_slice() {
        [model, image, out] => {
            let model = Model::load(model)?;
            let image = model.read(image)?;
            (model, image, out.into())
        }
        _ => (digits::model()?, digits::sample(5)?, std::env::temp_dir().join("verinfer-example.vinf")),
    };
    image.readings().iter().chain(&image.warnings()).for_each(|line| println!("{line}"));
    println!("the highest score is of class {:?}", model.run(&image)?.only()?.argmax());

    let proof = Prover::new(&model).prove(&Request::new([image]).context("an example"))?.proof;
    proof.write(&out)?;
    println!("{} claims: {}", out.display(), proof.claims().says());
    Ok(())
}
