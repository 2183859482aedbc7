//! What a proof file claims, which nobody has verified yet.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use verinfer::Statement;
use verinfer_relation::statement::{self, OutputClaim, Proof, VERSION};

use crate::claim::write_lines;
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict, thousands};

/// Scores that are shown of an output.
const SHOWN: usize = 10;

/// Shows a proof file.
///
/// # Errors
///
/// It is damaged, or of another version.
pub fn inspect(path: &Path, bytes: &[u8], output: Output) -> anyhow::Result<Verdict> {
    let Proof { statement, body } = Proof::decode(bytes).with_context(|| format!("cannot read {}", path.display()))?;
    output.report(&ProofReport {
        kind: "proof",
        file: path.display().to_string(),
        bytes: bytes.len(),
        statement_bytes: bytes.len().saturating_sub(body.len()),
        message_bytes: body.len(),
        version: VERSION,
        verified: false,
        claim: Statement::new(&statement),
        outputs: outputs(&statement),
    })?;
    Ok(Verdict::Accepted)
}

/// By image the outputs that are shown.
fn outputs(statement: &statement::Statement) -> Option<Vec<Vec<i16>>> {
    match &statement.output {
        OutputClaim::Shown(tensor) => {
            let len = tensor.shape.num_elements().max(1);
            Some(tensor.values.chunks(len).map(<[i16]>::to_vec).collect())
        }
        OutputClaim::Hidden(_)
        | OutputClaim::Rank { .. }
        | OutputClaim::AtLeast { .. }
        | OutputClaim::Correct { .. }
        | OutputClaim::Decided { .. } => None,
    }
}

#[derive(Serialize)]
struct ProofReport {
    /// `proof`.
    kind: &'static str,
    file: String,
    bytes: usize,
    /// Of the statement, which is what the file claims.
    statement_bytes: usize,
    /// Of the prover's messages, which prove it if it is true.
    message_bytes: usize,
    /// Of the format and the argument.
    version: u16,
    /// Always false: this command looks at a file and checks nothing.
    verified: bool,
    claim: Statement,
    /// By image, in NHWC order, if they are shown.
    outputs: Option<Vec<Vec<i16>>>,
}

impl Report for ProofReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let [bytes, statement, messages] = [self.bytes, self.statement_bytes, self.message_bytes].map(|bytes| thousands(bytes as u64));
        writeln!(
            out,
            "proof     {} ({bytes} bytes: statement {statement}, messages {messages}; version {})",
            one_line(&self.file),
            self.version
        )?;
        writeln!(out)?;
        writeln!(out, "NOT VERIFIED: this is what the file claims. `verinfer verify` says whether it is true.")?;
        writeln!(out, "It claims: {}", self.claim.says())?;
        write_lines(&self.claim, out, None, "", &[])?;
        writeln!(out, "  level     {} bits", self.claim.security_level)?;
        for (image, scores) in self.outputs.iter().flatten().enumerate() {
            let shown: Vec<String> = scores.iter().take(SHOWN).map(ToString::to_string).collect();
            let more = if scores.len() > SHOWN { format!(" ... ({} in all)", scores.len()) } else { String::new() };
            writeln!(out, "  image {image:<2}  gives {}{more}", shown.join(" "))?;
        }
        Ok(())
    }
}
