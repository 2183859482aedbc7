//! Says something of hidden outputs: the answer to a question, and how many of several hidden labels are right.

use verinfer::{Claim, Expectations, Opening, Prover, Question, Request, Result, Verifier, digits};

fn main() -> Result<()> {
    let model = digits::model()?;
    let (prover, verifier) = (Prover::new(&model), Verifier::of_model(&model));
    let images = (0..4).map(digits::sample).collect::<Result<Vec<_>>>()?;

    // For each image whether it is a 3, and nothing else.
    let question: Question = "3".parse().expect("a question");
    let proof = prover.prove(&Request::new(images.clone()).claim(Claim::Decide(question)))?.proof;
    let accepted = verifier.verify(proof.to_bytes(), &Expectations::new().decided(question))?;
    println!("{:?}: {}", accepted.decisions(), accepted.statement.says());

    // An accuracy: the labels were committed to before, the proof says how many are right.
    let labels = vec![0, 1, 2, 9];
    let openings = labels.iter().map(|&label| Opening::of_label(label)).collect::<Result<Vec<_>>>()?;
    let request = Request::new(images)
        .claim(Claim::CountCorrect { labels, k: 1 })
        .label_secrets(openings.iter().map(|opening| opening.secret.clone()));
    let proof = prover.prove(&request)?.proof;
    let commitments = openings.into_iter().map(|opening| opening.commitment);
    let accepted = verifier.verify(proof.to_bytes(), &Expectations::new().correct(commitments, 1, 3))?;
    println!("{}", accepted.statement.says());
    Ok(())
}
