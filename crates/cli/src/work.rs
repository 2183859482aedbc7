//! How much work and memory running a model may take.

use anyhow::bail;
use bytesize::ByteSize;
use clap::Args;
use verinfer_graph::Graph;

use crate::memory::megabytes;
use crate::output::thousands;

/// Steps that a run takes at most unless told otherwise: some minutes. Mobile networks take 10^8 to 10^10.
const DEFAULT_MAX_WORK: u64 = 1 << 40;

/// Bytes of a tensor's element, and of an accumulator.
const ELEMENT: u64 = 2;
const ACCUMULATOR: u64 = 4;

/// What running a model may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct WorkArguments {
    /// Most steps (multiply-accumulates, elements read by pools, elements written) that the model may take on all images.
    #[arg(long, value_name = "STEPS", default_value_t = DEFAULT_MAX_WORK)]
    max_work: u64,
}

/// What the tensors of a run may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct TensorArguments {
    /// Refuse a model whose tensors take more memory than this: `2GB`, `1500MiB`.
    #[arg(long, value_name = "SIZE", default_value = "1GB")]
    max_memory: ByteSize,
}

impl WorkArguments {
    /// Refuses a network that takes more, before anything is run.
    ///
    /// # Errors
    ///
    /// It takes more.
    pub fn check(&self, graph: &Graph, images: usize) -> anyhow::Result<()> {
        let work = graph.work().saturating_mul(images as u64);
        if work > self.max_work {
            bail!("the model takes {} steps, more than {}; --max-work raises the limit", thousands(work), thousands(self.max_work));
        }
        Ok(())
    }
}

impl TensorArguments {
    /// Refuses a network whose tensors and accumulators take more, before they are there.
    ///
    /// # Errors
    ///
    /// They take more.
    pub fn check(&self, graph: &Graph) -> anyhow::Result<()> {
        let lens = || graph.tensors().iter().map(|tensor| tensor.shape.num_elements() as u64);
        let bytes = lens().sum::<u64>().saturating_mul(ELEMENT).saturating_add(lens().max().unwrap_or(0).saturating_mul(ACCUMULATOR));
        if bytes > self.max_memory.as_u64() {
            let allowed = megabytes(self.max_memory.as_u64());
            bail!("the model's tensors take {}, more than {allowed}; --max-memory raises the limit", megabytes(bytes));
        }
        Ok(())
    }
}
