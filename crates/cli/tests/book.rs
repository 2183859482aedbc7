//! The pages under `docs/`: their commands are run, and give what the pages show; links lead somewhere; names are the code's.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use address::free_address;

#[path = "common/address.rs"]
mod address;

/// Starts a line of output that is no output.
const MARK: &str = "\u{1}";

/// A command of a page, and the lines that the page shows for it.
#[derive(Debug)]
struct Step {
    command: String,
    shown: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// README and all pages of the book, each with its path.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.extend(["README.md", "ARCHITECTURE.md", "spec/README.md"].map(|path| root().join(path)));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Lines outside of blocks of code.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_console = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if in_console {
            let continued = steps.last().is_some_and(|step| step.shown.is_empty() && step.command.ends_with('\\'));
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
                (None, Some(step)) if continued => write!(step.command, "\n{line}").unwrap(),
                (None, Some(step)) => step.shown.push(line.to_owned()),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    steps
}

/// A line without what differs from run to run: digests, and numbers with a unit.
fn steady(line: &str) -> String {
    const UNITS: [&str; 11] = ["ns", "µs", "ms", "s", "min", "bytes", "kB", "MB", "GB", "units", "core-seconds"];
    let words: Vec<&str> = line.split_whitespace().collect();
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let is_number = |word: &str| !bare(word).is_empty() && bare(word).chars().all(|c| c.is_ascii_digit() || ",.".contains(c));
    let steady = words.iter().enumerate().map(|(index, word)| {
        let name = bare(word);
        if name.len() >= 16 && name.chars().all(|c| c.is_ascii_hexdigit()) {
            word.replace(&name, "DIGEST")
        } else if is_number(word)
            && words.get(index + 1).is_some_and(|next| UNITS.contains(&bare(next).as_str()))
            && bare(words[index + 1]) != "units"
        {
            word.replace(&name, "NUMBER")
        } else if index > 0 && is_number(words[index - 1]) && UNITS.contains(&name.as_str()) && name != "units" {
            word.replace(&name, "UNIT")
        } else {
            (*word).to_owned()
        }
    });
    steady.collect::<Vec<_>>().join(" ")
}

/// Whether output is what a page shows: `...` stands for any lines, or for the rest of one.
fn is_as_shown(shown: &[String], output: &[&str]) -> bool {
    match shown {
        [] => output.is_empty(),
        [line, rest @ ..] if line.trim() == "..." => (0..=output.len()).any(|skipped| is_as_shown(rest, &output[skipped..])),
        [line, rest @ ..] => output.split_first().is_some_and(|(first, others)| {
            let is_same = match line.strip_suffix("...") {
                Some(beginning) => steady(first).starts_with(&steady(beginning)),
                None => steady(first) == steady(line),
            };
            is_same && is_as_shown(rest, others)
        }),
    }
}

/// Runs the commands of a page one after the other in a new folder.
fn run(page: &str) -> Vec<String> {
    let page = page.replace("127.0.0.1:8700", &free_address()).replace("127.0.0.1:8701", &free_address());
    let steps = steps(&page);
    let folder = tempfile::tempdir().unwrap();
    let mut script = String::from("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\nexec 2>&1\n");
    for step in &steps {
        writeln!(script, "{}\nprintf '\\n\\001%s\\n' $?", step.command).unwrap();
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_verinfer")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .envs([("PATH", path.as_str()), ("HOME", folder.path().to_str().unwrap())])
        .env_remove("XDG_CACHE_HOME")
        .stdin(Stdio::null())
        .output()
        .expect("bash runs the commands of the pages");
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut parts = printed.split(MARK);
    let mut begins = parts.next().unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    for step in &steps {
        let Some((status, rest)) = parts.next().map(|part| part.split_once('\n').unwrap_or((part, ""))) else {
            wrong.push(format!("{}\nnever came to an end: {begins}", step.command));
            break;
        };
        let lines: Vec<&str> = begins.strip_suffix('\n').unwrap_or(&begins).lines().collect();
        if status != "0" || !is_as_shown(&step.shown, &lines) {
            wrong.push(format!("$ {}\nexit code {status}, and instead of\n{}\n\nit prints\n{begins}", step.command, step.shown.join("\n")));
        }
        begins = rest.to_owned();
    }
    wrong
}

#[test]
fn commands_of_the_pages_give_what_the_pages_show() {
    let pages: Vec<_> = pages().into_iter().filter(|(_, page)| page.contains("```console")).collect();
    assert!(pages.len() >= 4, "{}", pages.len());
    for (path, page) in pages {
        let wrong = run(&page);
        assert!(wrong.is_empty(), "{}:\n{}", path.display(), wrong.join("\n\n"));
    }
}

/// The anchor of a heading, as `mdbook` and most hosts make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_lead_somewhere() {
    for (path, page) in pages() {
        for line in prose(&page) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") {
                    continue;
                }
                let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
                let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
                assert!(file.exists(), "{}: {target}", path.display());
                if let Some(heading) = heading {
                    let text = fs::read_to_string(&file).unwrap();
                    let is_there =
                        prose(&text).filter_map(|line| line.strip_prefix('#')).any(|line| anchor(line.trim_start_matches('#')) == heading);
                    assert!(is_there, "{}: {target}", path.display());
                }
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    for (path, _) in pages().into_iter().filter(|(path, _)| path.parent().unwrap().ends_with("docs")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name}");
    }
}

#[test]
fn names_of_the_glossary_are_names_of_the_code() {
    let mut sources = String::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }
    let glossary = fs::read_to_string(root().join("docs/glossary.md")).unwrap();
    let names: BTreeSet<&str> = glossary
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split("::"))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let is_defined = ["struct", "enum", "trait", "type"]
            .iter()
            .any(|kind| [" ", "<", ";", "("].iter().any(|end| sources.contains(&format!("{kind} {name}{end}"))));
        assert!(is_defined, "{name}");
    }
}

#[test]
fn output_is_compared_but_for_what_differs_from_run_to_run() {
    let shown = ["a  12.5 ms (131,335 bytes)".to_owned(), "...".to_owned(), "kind...".to_owned()];
    assert!(is_as_shown(&shown, &["a 3.1 µs (7 bytes)", "x", "y", "kind of"]));
    assert!(!is_as_shown(&shown, &["b 3.1 µs (7 bytes)", "kind of"]));
    assert!(!is_as_shown(&shown, &["a 3.1 µs (7 bytes)"]));
    assert!(!is_as_shown(&["output 89".to_owned()], &["output 88"]));
}
