//! `verinfer man`: manual pages.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Command;
use clap_mangen::Man;
use serde::Serialize;

use crate::files;
use crate::output::{Output, Report, Verdict};

/// Write manual pages, one for each command.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder for the pages, which is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    files::create_folder(&arguments.out)?;
    let pages = pages()?;
    for page in &pages {
        files::write(&arguments.out.join(&page.file), &page.content)?;
    }
    let pages = pages.into_iter().map(|page| page.file).collect();
    output.report(&ManReport { folder: arguments.out.display().to_string(), pages })?;
    Ok(Verdict::Accepted)
}

/// A manual page.
struct Page {
    file: String,
    content: Vec<u8>,
}

/// The page of the program, and of every command and command of a command that help shows.
fn pages() -> io::Result<Vec<Page>> {
    let mut program = crate::arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    render(&program, &mut pages)?;
    Ok(pages)
}

fn render(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut content = Vec::new();
    man.render(&mut content)?;
    pages.push(Page { file: man.get_filename(), content });
    command.get_subcommands().filter(|inner| !inner.is_hide_set()).try_for_each(|inner| render(inner, pages))
}

#[derive(Serialize)]
struct ManReport {
    folder: String,
    /// Names of files, the program's first.
    pages: Vec<String>,
}

impl Report for ManReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "pages  {} in {}", self.pages.len(), crate::escape::one_line(&self.folder))?;
        writeln!(out, "read   man -l {}", crate::escape::one_line(PathBuf::from(&self.folder).join("verinfer.1").display().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of the pages of `command` and of all commands below it.
    fn names(command: &Command, name: &str, found: &mut Vec<String>) {
        found.push(format!("{name}.1"));
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            names(inner, &format!("{name}-{}", inner.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_a_page_that_describes_its_options() {
        let mut expected = Vec::new();
        names(&crate::arguments::command(), "verinfer", &mut expected);
        assert!(expected.contains(&"verinfer-escrow-serve.1".to_owned()));
        let pages = pages().unwrap();
        assert_eq!(pages.iter().map(|page| page.file.clone()).collect::<Vec<_>>(), expected);
        let prove = pages.iter().find(|page| page.file == "verinfer-prove.1").unwrap();
        let text = String::from_utf8(prove.content.clone()).unwrap();
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", r"\-\-context"] {
            assert!(text.contains(section), "{section}: {text}");
        }
    }
}
