//! Tells how far a proof is, and cancels one from another thread.

use std::thread;

use verinfer::{Architecture, Cancellation, ElementType, Example, Model, Prover, Request, Result, Tensor};

fn main() -> Result<()> {
    let model = Model::synthetic(Architecture::LeNet, 0);
    let info = &model.inputs()[0];
    let zeros = Tensor::new(&info.shape, ElementType::Int8, vec![0; info.num_elements()])?;
    let request = Request::new([Example::from(zeros)]);
    let prover = Prover::new(&model);

    let watched = request.clone().progress(|step| println!("{}/{} {}", step.done, step.steps, step.step));
    println!("{} bytes", prover.prove(&watched)?.proof.to_bytes().len());

    let cancellation = Cancellation::new();
    let asked = request.cancellation(&cancellation);
    let proving = thread::spawn(move || prover.prove(&asked).map(|_| ()));
    cancellation.cancel();
    match proving.join() {
        Ok(Err(error)) => println!("{}: {error}", error.kind()),
        Ok(Ok(())) => println!("it was made before"),
        Err(_) => println!("it panicked"),
    }
    Ok(())
}
