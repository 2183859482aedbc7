//! Runs a TFLite model on a NumPy array: `run_model MODEL INPUT.npy` prints `{"output": [...]}`, or `{"refused": "..."}`.

use std::path::Path;
use std::process::ExitCode;

use verinfer_import::{InputFormat, InputOptions, import_tflite, load_input};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, input] = arguments.as_slice() else {
        eprintln!("usage: run_model MODEL INPUT.npy");
        return ExitCode::from(2);
    };
    match output(Path::new(model), Path::new(input)) {
        Ok(output) => println!("{}", serde_json::json!({ "output": output })),
        Err(reason) => println!("{}", serde_json::json!({ "refused": reason })),
    }
    ExitCode::SUCCESS
}

fn output(model: &Path, input: &Path) -> Result<Vec<i16>, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let model = import_tflite(&read(model)?).map_err(|error| error.to_string())?;
    let input = load_input(&read(input)?, InputFormat::Npy, &model, &InputOptions::default()).map_err(|error| error.to_string())?;
    let mut trace = verinfer_graph::run(&model.graph, &input.values).map_err(|error| error.to_string())?;
    Ok(trace.tensors.swap_remove(model.graph.output().0))
}
