//! Every tensor of an execution in a folder.

use std::path::Path;

use serde::Serialize;
use verinfer_graph::{Graph, TensorId, Trace};

use crate::files;
use crate::output::Output;
use verinfer_graph::describe::{TensorReport, tensor};

/// Writes each tensor as `NNN.npy` (its index in the graph) and then `index.json`, which describes them.
///
/// # Errors
///
/// The folder or a file cannot be written.
pub fn dump(graph: &Graph, trace: &Trace, folder: &Path, output: Output) -> anyhow::Result<()> {
    files::create_folder(folder)?;
    let progress = output.progress(trace.tensors.len(), "writing tensors");
    let mut entries = Vec::new();
    for (index, (spec, values)) in graph.tensors().iter().zip(&trace.tensors).enumerate() {
        let file = format!("{index:03}.npy");
        files::write(&folder.join(&file), &files::tensor_npy(spec.shape, spec.dtype, values))?;
        let producer = graph.producer(TensorId(index));
        entries.push(Entry {
            file,
            node: producer.map(|node| node.0),
            operator: producer.map(|node| graph.node(node).source.clone()),
            tensor: tensor(graph, TensorId(index)),
        });
        progress.inc(1);
    }
    progress.finish_and_clear();
    let index = Index { input: graph.input().0, output: graph.output().0, tensors: entries };
    files::write(&folder.join("index.json"), &serde_json::to_vec_pretty(&index)?)
}

#[derive(Serialize)]
struct Index {
    /// Index of the network's input.
    input: usize,
    /// Index of the network's output.
    output: usize,
    tensors: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    file: String,
    /// Node that wrote it, `None` for the network's input.
    node: Option<usize>,
    operator: Option<String>,
    #[serde(flatten)]
    tensor: TensorReport,
}
