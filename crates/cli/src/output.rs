//! Everything that is printed: reports on standard output, errors and progress on standard error.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

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
}

impl Output {
    /// JSON or text.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a command's report on standard output. A reader that stops reading is no error.
    pub fn report<R: Report>(self, report: &R) -> anyhow::Result<()> {
        let mut text = Vec::new();
        if self.json {
            serde_json::to_writer(&mut text, report)?;
            text.push(b'\n');
        } else {
            report.write_text(&mut text)?;
        }
        print(&text).context("cannot write to standard output")
    }

    /// Prints what happens while a command runs, one line each; nothing beside JSON. A reader that stops reading is no error.
    pub fn line(self, line: &str) {
        if !self.json {
            let _ = print(format!("{line}\n").as_bytes());
        }
    }

    /// Prints an error, in one line with its causes, and gives the exit code 2.
    pub fn failure(self, error: &anyhow::Error) -> ExitCode {
        self.print_failure(&format!("{error:#}"), &format!("error: {error:#}\n"))
    }

    /// Prints on standard error what the user should know although the command goes on.
    pub fn warning(self, message: &str) {
        // Nobody is left to be told if it cannot be written.
        let _ = writeln!(io::stderr().lock(), "warning: {message}");
    }

    /// Prints an error in the arguments and gives the exit code 2.
    pub fn usage_failure(self, error: &clap::Error) -> ExitCode {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        self.print_failure(message, &text)
    }

    fn print_failure(self, message: &str, text: &str) -> ExitCode {
        if self.json {
            let object = json!({ "error": { "message": message } });
            // Nothing is left to be told if neither stream can be written.
            let _ = print(format!("{object}\n").as_bytes());
        }
        let _ = io::stderr().lock().write_all(text.as_bytes());
        ExitCode::from(2)
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

/// Writes the columns of `rows` under `titles`, each as wide as it needs; columns named in `right` are aligned to the right.
pub fn write_table(out: &mut dyn Write, titles: &[&str], right: &[usize], rows: &[Vec<String>]) -> io::Result<()> {
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([title.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let titles = titles.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&titles).chain(rows) {
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

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
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
    fn table_columns_are_as_wide_as_their_longest_cell() {
        let mut text = Vec::new();
        let rows = [vec!["conv".to_string(), "7".to_string()], vec!["a".to_string(), "1,000".to_string()]];
        write_table(&mut text, &["name", "n"], &[1], &rows).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "name      n\nconv      7\na     1,000\n");
    }
}
