//! Two proofs about one hidden input: a verifier knows that it is the same, and not what it is.

use verinfer::{Expectations, Prover, Request, Result, Verifier, digits};

fn main() -> Result<()> {
    let model = digits::model()?;
    let image = digits::sample(8)?;
    let openings = model.commit_inputs(&image)?;
    let secrets = openings.iter().map(|opening| opening.secret.clone());
    let request = Request::new([image]).hide_inputs_with(secrets);

    let prover = Prover::new(&model);
    let verifier = Verifier::of_model(&model);
    let expected = Expectations::new().input_commitments(openings.iter().map(|opening| opening.commitment.clone()));
    for round in ["monday", "tuesday"] {
        let proof = prover.prove(&request.clone().context(round))?.proof;
        let accepted = verifier.verify(proof.to_bytes(), &expected.clone().context(round))?;
        println!("{round}: {}", accepted.statement.says());
    }
    Ok(())
}
