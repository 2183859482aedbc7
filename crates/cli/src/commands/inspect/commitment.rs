//! What everybody may know of a commitment.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use verinfer_commitments::{Committed, Public};
use verinfer_graph::{DataType, Shape};
use verinfer_relation::envelope::Envelope;

use super::Arguments;
use super::graph::GraphReport;
use crate::commitments::tensor_text;
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict, thousands};
use verinfer_graph::describe::data_type;

/// Shows the public file of a commitment; of a model's, the architecture as that of a model.
///
/// # Errors
///
/// It is damaged, or of another version.
pub fn inspect(path: &Path, bytes: &[u8], arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let public = Public::decode(bytes).with_context(|| format!("cannot read {}", path.display()))?;
    let mut report = CommitmentReport {
        kind: "commitment",
        to: public.committed.kind().name(),
        file: path.display().to_string(),
        bytes: bytes.len(),
        commitment: verinfer::Commitment::from(public.clone()).fingerprint(),
        tensor: None,
        learned: None,
        envelope: None,
        graph: None,
    };
    match public.committed {
        Committed::Model { architecture, envelope } => {
            report.learned = Some(architecture.learned_len().total());
            report.graph = Some(GraphReport::of_architecture(&architecture, envelope, arguments));
            report.envelope = Some(EnvelopeReport::new(envelope));
        }
        Committed::Input { shape, dtype } | Committed::Output { shape, dtype } => report.tensor = Some(TensorReport::new(shape, dtype)),
        Committed::Label => {}
    }
    output.report(&report)?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct CommitmentReport {
    /// `commitment`.
    kind: &'static str,
    /// `model`, `input`, `output` or `label`.
    to: &'static str,
    file: String,
    bytes: usize,
    /// BLAKE3 of the commitment, hexadecimal.
    commitment: String,
    /// Of an input or an output.
    tensor: Option<TensorReport>,
    /// Of a model: how many values are behind the commitment.
    learned: Option<usize>,
    /// Of a model: what is public about its multipliers.
    envelope: Option<EnvelopeReport>,
    /// Of a model: its architecture.
    graph: Option<GraphReport>,
}

#[derive(Serialize)]
struct TensorReport {
    /// Height, width, channels.
    shape: [usize; 3],
    dtype: &'static str,
    #[serde(skip)]
    text: String,
}

#[derive(Serialize)]
struct EnvelopeReport {
    /// Limbs of a remainder.
    num_limbs: u8,
    /// Bits of a limb.
    limb_bits: u8,
    /// Smallest and largest quotient of layers whose rounding has no sign.
    keys: [i32; 2],
    /// Of layers whose rounding has a sign: of twice the quotient.
    signed_keys: [i32; 2],
}

impl TensorReport {
    fn new(shape: Shape, dtype: DataType) -> Self {
        Self { shape: [shape.height, shape.width, shape.channels], dtype: data_type(dtype), text: tensor_text(shape, dtype) }
    }
}

impl EnvelopeReport {
    const fn new(envelope: Envelope) -> Self {
        let Envelope { num_limbs, limb_bits, keys, signed_keys } = envelope;
        Self { num_limbs, limb_bits, keys: [keys.0, keys.1], signed_keys: [signed_keys.0, signed_keys.1] }
    }
}

impl Report for CommitmentReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let article = if matches!(self.to, "input" | "output") { "an" } else { "a" };
        writeln!(
            out,
            "public        {} ({} bytes), of a commitment to {article} {}",
            one_line(&self.file),
            thousands(self.bytes as u64),
            self.to
        )?;
        writeln!(out, "commitment    {}", self.commitment)?;
        if let Some(tensor) = &self.tensor {
            writeln!(out, "hidden        {}", tensor.text)?;
        }
        if self.to == "label" {
            writeln!(out, "hidden        a class below 65,536")?;
        }
        if let Some(learned) = self.learned {
            writeln!(out, "hidden        {} learned values; what follows is public", thousands(learned as u64))?;
        }
        if let Some(EnvelopeReport { num_limbs, limb_bits, keys, signed_keys }) = &self.envelope {
            let [(low, high), (signed_low, signed_high)] = [keys, signed_keys].map(|[low, high]| (low, high));
            writeln!(
                out,
                "envelope      {num_limbs} limbs of {limb_bits} bits, quotients {low}..={high}, with a sign twice that in {signed_low}..={signed_high}"
            )?;
        }
        self.graph.as_ref().map_or(Ok(()), |graph| graph.write_text(out))
    }
}
