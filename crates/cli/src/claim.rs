//! What a proof file claims, whether it is proved or not, for people.

use std::io::{self, Write};

use verinfer::Statement;

use crate::escape::one_line;

/// Writes what is meant by the sentence, a line each. `title` is what the model is called, if it is known; `compared` follows the input's digest, and `ways`,
/// how images became it, are below.
pub fn write_lines(claim: &Statement, out: &mut dyn Write, title: Option<&str>, compared: &str, ways: &[&str]) -> io::Result<()> {
    for (name, text) in claim.words.lines(title) {
        writeln!(out, "  {name:<8}  {}", one_line(text))?;
    }
    if let Some(input) = &claim.input {
        writeln!(out, "  input     {input}{compared}")?;
        ways.iter().try_for_each(|way| writeln!(out, "  read      {}", one_line(way)))?;
    }
    if let Some(output) = &claim.output_tensor {
        writeln!(out, "  output    {output}")?;
    }
    writeln!(out, "  context   {:?}", claim.context)
}
