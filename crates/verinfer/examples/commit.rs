//! Commits to a model once, proves with hidden weights, and verifies with the commitment alone.

use verinfer::{Expectations, Prover, Request, Result, Secret, Verifier, digits};

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("verinfer-commit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|source| verinfer::Error::Read { path: folder.clone(), source })?;
    let (public, secret) = (folder.join("model.vcm"), folder.join("model.vsk"));

    // The owner of the model. The secret is of use with the model only: keep both.
    let model = digits::model()?;
    model.commit()?.write(&public, &secret)?;
    let request = Request::new([digits::sample(1)?]).hide_weights(&Secret::read(&secret)?);
    let proof = Prover::new(&model).prove(&request)?.proof;

    // Whoever has the public file.
    let accepted = Verifier::load(&public)?.verify(proof.to_bytes(), &Expectations::new().inputs([digits::sample(1)?]))?;
    print!("{accepted}");
    let _ = std::fs::remove_dir_all(folder);
    Ok(())
}
