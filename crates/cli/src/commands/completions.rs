//! `verinfer completions`: what a shell needs to complete commands and options.

use std::io::{self, Write};

use clap_complete::{Shell, generate};
use serde::Serialize;

use crate::output::{Output, Report, Verdict};

/// Print completions of commands and options for a shell.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    output.report(&Completions { shell: arguments.shell.to_string(), script: script(arguments.shell) })?;
    Ok(Verdict::Accepted)
}

/// The script, in UTF-8.
fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    generate(shell, &mut crate::arguments::command(), "verinfer", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Serialize)]
struct Completions {
    shell: String,
    script: String,
}

impl Report for Completions {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.script.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, ValueEnum};

    use super::*;
    use crate::escape;

    /// Names of all commands, and long options.
    fn words(command: &Command, found: &mut Vec<String>) {
        found.extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(|long| format!("--{long}")));
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            found.push(inner.get_name().to_owned());
            words(inner, found);
        }
    }

    #[test]
    fn the_script_of_each_shell_has_every_command_and_option() {
        let mut expected = Vec::new();
        words(&crate::arguments::command(), &mut expected);
        assert!(expected.len() > 100 && expected.iter().any(|word| word == "--context"));
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for word in &expected {
                // Fish writes options without the dashes.
                let found = script.contains(word.as_str()) || script.contains(&format!("-l {}", word.trim_start_matches('-')));
                assert!(found, "{shell}: {word}");
            }
        }
    }

    #[test]
    fn scripts_are_printed_as_they_are() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            assert_eq!(escape::lines(&script), script, "{shell}");
        }
    }
}
