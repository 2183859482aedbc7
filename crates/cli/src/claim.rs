//! What a proof file claims, whether it is proved or not.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_relation::statement::{PublicTensor, Statement};

use crate::escape::one_line;
use crate::words::Words;
use verinfer_graph::describe::data_type;

/// A statement in words and as data.
#[derive(Serialize)]
pub struct Claim {
    /// Digest of the whole integer program, hexadecimal; `None` if it is hidden.
    network_digest: Option<String>,
    /// What is hidden, and what is said about it.
    #[serde(flatten)]
    pub words: Words,
    /// Shape of each image and digest of all, if they are shown.
    input: Option<TensorDigest>,
    /// Shape of each `output` and digest of all, if they are shown.
    output_tensor: Option<TensorDigest>,
    context: String,
    /// Level for which the proof was made, in bits.
    pub security_level: u16,
}

/// A tensor by its digest.
#[derive(Serialize)]
struct TensorDigest {
    /// Height, width, channels.
    shape: [usize; 3],
    dtype: &'static str,
    /// BLAKE3 of the elements, one byte each in NHWC order, image after image, hexadecimal.
    blake3: String,
}

impl Claim {
    /// Of a statement.
    pub fn new(statement: &Statement) -> Self {
        let words = Words::new(statement);
        Self {
            network_digest: words.network_digest().map(ToString::to_string),
            words,
            input: statement.input.shown().map(TensorDigest::new),
            output_tensor: statement.output.shown().map(TensorDigest::new),
            context: String::from_utf8_lossy(&statement.context).into_owned(),
            security_level: statement.security_level,
        }
    }

    /// Writes what is meant by the sentence, a line each. `title` is what the model is called, if it is known; `compared` follows the input's digest, and `ways`,
    /// how images became it, are below.
    pub fn write_lines(&self, out: &mut dyn Write, title: Option<&str>, compared: &str, ways: &[&str]) -> io::Result<()> {
        for (name, text) in self.words.lines(title) {
            writeln!(out, "  {name:<8}  {}", one_line(text))?;
        }
        if let Some(input) = &self.input {
            writeln!(out, "  input     {}{compared}", input.text())?;
            ways.iter().try_for_each(|way| writeln!(out, "  read      {}", one_line(way)))?;
        }
        if let Some(output) = &self.output_tensor {
            writeln!(out, "  output    {}", output.text())?;
        }
        writeln!(out, "  context   {:?}", self.context)
    }
}

impl TensorDigest {
    fn new(tensor: &PublicTensor) -> Self {
        let shape = tensor.shape;
        // Both types keep the low byte of the two's complement.
        let bytes: Vec<u8> = tensor.values.iter().map(|value| value.to_le_bytes()[0]).collect();
        Self {
            shape: [shape.height, shape.width, shape.channels],
            dtype: data_type(tensor.dtype),
            blake3: blake3::hash(&bytes).to_hex().to_string(),
        }
    }

    /// `8x8x1 int8, BLAKE3 ...`.
    fn text(&self) -> String {
        let [height, width, channels] = self.shape;
        format!("{height}x{width}x{channels} {}, BLAKE3 {}", self.dtype, self.blake3)
    }
}
