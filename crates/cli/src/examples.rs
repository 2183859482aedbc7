//! An example of each command, for its help.

use clap::Command;

/// Words of a command after `verinfer`, and examples of it: their arguments.
pub const EXAMPLES: &[(&str, &[&str])] = &[
    ("inspect", &["model.tflite", "proof.vinf", "model.vcm"]),
    ("run", &["model.tflite cat.png --labels labels.txt", "digits sample:3"]),
    ("check", &["model.tflite cat.png", "model.tflite --golden reference/"]),
    (
        "commit",
        &[
            "model.tflite --public model.vcm --secret model.vsk",
            "model.tflite --input cat.png --public image.vcm --secret image.vsk",
            "--label 281 --public class.vcm --secret class.vsk",
        ],
    ),
    (
        "prove",
        &[
            "model.tflite cat.png --out proof.vinf",
            "model.tflite cat.png --hide weights,input --secret model.vsk --input-secret image.vsk --top 281 --out proof.vinf",
        ],
    ),
    (
        "verify",
        &["proof.vinf --model model.tflite --input cat.png", "proof.vinf --commitment model.vcm --context request-17 --expect-top 281"],
    ),
    ("security", &["model.tflite --hide weights,input"]),
    ("attack", &["proof.vinf --model model.tflite"]),
    ("bench", &["model.tflite --compare-hidden --runs 3", "--synthetic mobilenet_v2 --width 0.5 --resolution 160"]),
    ("estimate", &["model.tflite --compare-hidden"]),
    ("evaluate", &["--models models/ --images images/ --out report.html"]),
    ("keys new", &["party.key"]),
    ("keys show", &["party.key"]),
    ("account balance", &["--escrow https://escrow.example:8700 --key party.key"]),
    ("account history", &["--escrow https://escrow.example:8700 --key party.key"]),
    ("account payments", &["--escrow https://escrow.example:8700 --key party.key"]),
    ("account withdraw", &["--escrow https://escrow.example:8700 --key party.key --amount 5000 --reference 2026-11"]),
    ("account retire-stake", &["STAKE --escrow https://escrow.example:8700 --key party.key"]),
    ("account take-back", &["AGREEMENT --escrow https://escrow.example:8700 --key party.key"]),
    ("escrow serve", &["--db sqlite:escrow.db --key escrow.key --listen 0.0.0.0:8700 --metrics-listen 127.0.0.1:9700"]),
    ("escrow audit", &["--db sqlite:escrow.db --proofs", "--escrow https://escrow.example:8700 --receipts receipts.json"]),
    ("escrow backup", &["--db sqlite:escrow.db --out escrow-2026-11-29.db"]),
    ("escrow deposit", &["--key escrow.key --account ACCOUNT --amount 100000 --reference invoice-17"]),
    ("escrow certify", &["--key escrow.key --receipt-account ACCOUNT receipts.json"]),
    ("escrow reverse", &["--key escrow.key --account ACCOUNT --reference invoice-17 --left 1000 --reason typing-error"]),
    ("escrow payouts", &["--key escrow.key"]),
    ("escrow paid", &["--key escrow.key --account ACCOUNT --reference 2026-11"]),
    ("escrow returned", &["--key escrow.key --account ACCOUNT --reference 2026-11 --reason no-such-bank-account"]),
    ("escrow receipts", &["party.state receipts.json"]),
    ("escrow rules", &["--escrow https://escrow.example:8700 --key escrow.key rules.json"]),
    (
        "provider serve",
        &[
            "model.tflite --secret model.vsk --escrow https://escrow.example:8700 --key party.key --state provider.state --listen 0.0.0.0:8701",
        ],
    ),
    (
        "customer accuracy",
        &[
            "model.vcm --escrow https://escrow.example:8700 --key party.key --state accuracy.state --provider https://provider.example:8701 \
           --test-set test-set.txt --first 50 --target 75 --example-price 50 --proof-price 20 --inference-price 5",
        ],
    ),
    (
        "customer serving",
        &["model.vcm cat.png dog.png --escrow https://escrow.example:8700 --key party.key --state round.state \
           --provider https://provider.example:8701 --proof-price 20 --prediction-price 5 --contest 1"],
    ),
    (
        "retrieval respond",
        &["model.vcm cat.png dog.png --escrow https://escrow.example:8700 --key party.key --state responder.state --approve model.vcm \
           --question 281"],
    ),
    (
        "retrieval request",
        &["model.tflite --secret model.vsk --escrow https://escrow.example:8700 --key party.key --state requester.state \
           --responder https://archive.example:8702 --corpus CORPUS --class 281 --sample 60"],
    ),
    ("demo accuracy", &[""]),
    ("demo serving", &[""]),
    ("demo retrieval", &[""]),
    ("sample-size", &["--fraction 5% --delta 1%"]),
    ("viability", &["--out viability.html"]),
    ("completions", &["bash > ~/.local/share/bash-completion/completions/verinfer"]),
    ("man", &["--out ~/.local/share/man/man1"]),
];

/// What stands for an account, an agreement or a digest in examples.
#[cfg(test)]
const NAMES: [&str; 4] = ["ACCOUNT", "AGREEMENT", "STAKE", "CORPUS"];

/// Adds its examples to the help of each command.
pub fn with(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (words, examples)| {
        let lines: String = examples.iter().map(|example| format!("\n  {}", format!("verinfer {words} {example}").trim_end())).collect();
        let title = if examples.len() == 1 { "Example" } else { "Examples" };
        at(command, &words.split(' ').collect::<Vec<_>>(), &format!("{title}:{lines}"))
    })
}

fn at(command: Command, words: &[&str], help: &str) -> Command {
    match words {
        [] => command.after_help(help.to_owned()),
        [word, rest @ ..] => command.mut_subcommand(word, |inner| at(inner, rest, help)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::arguments::Arguments;

    /// Commands that have none of their own below them, and are shown.
    fn leaves(command: &Command, words: &str, found: &mut Vec<String>) {
        let inner: Vec<_> = command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
        if inner.is_empty() {
            found.push(words.trim().to_owned());
        }
        inner.into_iter().for_each(|command| leaves(command, &format!("{words} {}", command.get_name()), found));
    }

    #[test]
    fn every_command_has_an_example() {
        let mut commands = Vec::new();
        leaves(&Arguments::command(), "", &mut commands);
        for command in commands {
            assert!(EXAMPLES.iter().any(|(words, _)| *words == command), "{command}");
        }
        let help = with(Arguments::command()).find_subcommand_mut("run").unwrap().render_help().to_string();
        assert!(help.contains("Examples:\n  verinfer run model.tflite cat.png"), "{help}");
    }

    #[test]
    fn every_example_is_understood() {
        for (words, examples) in EXAMPLES {
            for example in *examples {
                let digest = "0".repeat(64);
                let line = NAMES.iter().fold(format!("verinfer {words} {example}"), |line, name| line.replace(name, &digest));
                let words = line.split_whitespace().take_while(|word| *word != ">").filter(|word| *word != "\\");
                let parsed = with(Arguments::command()).try_get_matches_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }
}
