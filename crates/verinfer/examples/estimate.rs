//! What proofs about a model will cost, before any is made; the time with `-- --time`, which measures this machine for half a minute.

use verinfer::{Part, Result, digits, estimate};

fn main() -> Result<()> {
    let model = digits::model()?;
    let rates = match std::env::args().nth(1).as_deref() {
        Some("--time") => Some(estimate::measure(|step| println!("measuring {} of {}", step.done + 1, step.steps))?),
        _ => None,
    };
    for hidden in [&[][..], &[Part::Weights, Part::Input]] {
        let estimate = model.estimate(1, hidden, 128)?;
        let memory = estimate::megabytes(estimate.prover_memory);
        print!("hidden {hidden:?}: {} cells, {} bytes, {memory} of memory", estimate.cells.used, estimate.proof_bytes);
        println!("{}", rates.as_ref().map(|rates| format!(", {:.3} s", rates.predict(&estimate.work))).unwrap_or_default());
    }
    Ok(())
}
