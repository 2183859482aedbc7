//! Everything that is printed: reports on standard output, errors and progress on standard error, nothing of it obeyed by a terminal ([`escape`]).

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;
use verinfer_escrow_client::ClientError;
use verinfer_parties::PartyError;

use crate::escape::{self, one_line};
use crate::files;

/// How a command that ran to its end turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// What was asked holds.
    Accepted,
    /// What was asked does not hold.
    Rejected,
}

impl Verdict {
    /// [`Verdict::Accepted`] if `holds`.
    pub const fn from_bool(holds: bool) -> Self {
        if holds { Self::Accepted } else { Self::Rejected }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accepted => Self::SUCCESS,
            Verdict::Rejected => Self::from(1),
        }
    }
}

/// What a command found, as JSON (by its fields) and as text.
pub trait Report: Serialize {
    /// Writes the report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Where and in which form to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    /// Whether standard output takes a file, so that reports go to standard error.
    beside_file: bool,
}

impl Output {
    /// JSON or text.
    pub const fn new(json: bool) -> Self {
        Self { json, beside_file: false }
    }

    /// The same beside a file that a command writes, which may go to standard output.
    pub fn beside(self, file: &Path) -> Self {
        Self { beside_file: self.beside_file || files::is_standard_stream(file), ..self }
    }

    /// Prints a command's report on standard output. A reader that stops reading is no error.
    pub fn report<R: Report>(self, report: &R) -> anyhow::Result<()> {
        if self.json {
            let text = serde_json::to_string(report)?;
            self.print(&format!("{}\n", escape::json(&text)))
        } else {
            let mut text = Vec::new();
            report.write_text(&mut text)?;
            self.print(&escape::lines(&String::from_utf8_lossy(&text)))
        }
        .context("cannot write to standard output")
    }

    /// Prints what happens while a command runs, in one line; nothing beside JSON. A reader that stops reading is no error.
    pub fn line(self, line: &str) {
        if !self.json {
            let _ = self.print(&format!("{}\n", one_line(line)));
        }
    }

    /// As [`Output::line`], in as many lines as `text` has.
    pub fn paragraph(self, text: &str) {
        if !self.json {
            let _ = self.print(&format!("{}\n", escape::lines(text)));
        }
    }

    /// Prints an error, in one line with its causes, and gives the exit code 2.
    pub fn failure(self, error: &anyhow::Error) -> ExitCode {
        let (mut message, is_contradiction) = (with_causes(error), is_contradiction(error));
        if is_contradiction {
            message.push_str("; `verinfer escrow receipts` shows which keys have signed what a party's state keeps");
        }
        let code = self.print_failure(&message, &format!("error: {}\n", one_line(&message)));
        if is_contradiction { ExitCode::from(3) } else { code }
    }

    /// Prints on standard error what the user should know although the command goes on.
    pub fn warning(self, message: &str) {
        // Nobody is left to be told if it cannot be written.
        let _ = writeln!(io::stderr().lock(), "warning: {}", one_line(message));
    }

    /// Prints help or the version and gives the exit code 0.
    pub fn help(self, text: &clap::Error) -> ExitCode {
        self.print(&text.render().to_string()).map_or(ExitCode::from(2), |()| ExitCode::SUCCESS)
    }

    /// Prints an error in the arguments and gives the exit code 2.
    pub fn usage_failure(self, error: &clap::Error) -> ExitCode {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        // A line break in an argument would begin a line of its own.
        if std::env::args_os().any(|argument| argument.to_string_lossy().contains('\n')) {
            return self.print_failure(message, &format!("error: {}\n", one_line(message)));
        }
        self.print_failure(message, &escape::lines(&text))
    }

    fn print_failure(self, message: &str, text: &str) -> ExitCode {
        if self.json {
            let object = json!({ "error": { "message": message } });
            // Nothing is left to be told if neither stream can be written.
            let _ = self.print(&format!("{}\n", escape::json(&object.to_string())));
        }
        let _ = io::stderr().lock().write_all(text.as_bytes());
        ExitCode::from(2)
    }

    /// A reader that has gone is no error: the exit code tells what came of the command.
    fn print(self, text: &str) -> io::Result<()> {
        let written = if self.beside_file {
            io::stderr().lock().write_all(text.as_bytes())
        } else {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// A bar of `steps` steps on standard error, drawn only on a terminal and not beside JSON.
    pub fn progress(self, steps: usize, title: &'static str) -> ProgressBar {
        let target = if self.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target).with_prefix(title);
        match ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// Prints on standard error what a command waits for.
pub fn waiting(line: &str) {
    // Nobody is left to be told if it cannot be written.
    let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
}

/// Whether an escrow has contradicted what it has signed.
fn is_contradiction(error: &anyhow::Error) -> bool {
    let of_client = |error: &ClientError| matches!(error, ClientError::Contradiction(_));
    error.chain().any(|cause| match cause.downcast_ref() {
        Some(PartyError::Escrow(error)) => of_client(error),
        Some(_) | None => cause.downcast_ref().is_some_and(of_client),
    })
}

/// An error with its causes in one line; a cause that is part of what was said already, as some libraries have it, is not said again.
pub fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        _ if said.contains(&cause) => said,
        _ => format!("{said}: {cause}"),
    })
}

/// Writes the columns of `rows` under `titles`, each as wide as it needs; columns named in `right` are aligned to the right.
///
/// A cell is one line, whatever it holds.
pub fn write_table(out: &mut dyn Write, titles: &[&str], right: &[usize], rows: &[Vec<String>]) -> io::Result<()> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell).to_string()).collect()).collect();
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([title.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let titles = titles.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&titles).chain(&rows) {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if right.contains(&column) { (padding, String::new()) } else { (String::new(), padding) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A number with a comma after every three digits.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_from_the_right() {
        let grouped: Vec<String> = [0, 999, 1000, 1_234_567].into_iter().map(thousands).collect();
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = io::Error::other("the disk is full");
        let error = anyhow::Error::new(cause).context("cannot write: the disk is full").context("cannot prove");
        assert_eq!(with_causes(&error), "cannot prove: cannot write: the disk is full");
    }

    #[test]
    fn a_cell_of_a_table_is_one_line() {
        let mut text = Vec::new();
        write_table(&mut text, &["name", "n"], &[], &[vec!["a\nb".to_string(), "7".to_string()]]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "name  n\na\\nb  7\n");
    }

    #[test]
    fn table_columns_are_as_wide_as_their_longest_cell() {
        let mut text = Vec::new();
        let rows = [vec!["conv".to_string(), "7".to_string()], vec!["a".to_string(), "1,000".to_string()]];
        write_table(&mut text, &["name", "n"], &[1], &rows).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "name      n\nconv      7\na     1,000\n");
    }
}
