//! What proofs are measured on.

use verinfer_graph::DataType;
use verinfer_import::Model;

use super::Task;
use crate::model::{Selected, Source};

/// The image given, as often as the batch is large, or random integers.
pub fn input(task: &Task, model: &Model) -> anyhow::Result<Vec<i16>> {
    let image = match (&task.image, &task.model) {
        (Some(image), Selected::Source(source)) => source.load_input(image, task.fit, model)?.values,
        (Some(image), Selected::Synthetic(_)) => Source::File(image.clone()).load_input(image, task.fit, model)?.values,
        (None, _) => return Ok(random_input(model, task.batch as usize, task.input_seed)),
    };
    Ok(image.repeat(task.batch as usize))
}

/// Uniform integers of the input's type (SplitMix64), image after image.
pub fn random_input(model: &Model, images: usize, seed: u64) -> Vec<i16> {
    let spec = model.graph.spec(model.graph.input());
    let mut state = seed;
    let mut byte = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()[7]
    };
    let value = |byte: u8| match spec.dtype {
        DataType::U8 => i16::from(byte),
        DataType::I8 => i16::from(byte.cast_signed()),
    };
    (0..images * spec.shape.num_elements()).map(|_| value(byte())).collect()
}
