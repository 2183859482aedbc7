//! Running the binary and looking at what it says.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Exit code, standard output and standard error of one run.
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Standard output as one JSON object.
    #[allow(dead_code)] // Not every test file needs it.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Asserts that the command ran to its end and found what it should.
    #[allow(dead_code)] // Not every test file needs it.
    pub fn accepted(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Asserts exit code 2, nothing but one message, and that it holds `part`.
    #[allow(dead_code)] // Not every test file needs it.
    pub fn assert_error(&self, part: &str) {
        assert_eq!(self.code, Some(2), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        assert!(self.stderr.contains(part), "{}", self.stderr);
    }
}

/// Runs `verinfer` with these arguments.
#[allow(dead_code)] // Not every test file needs it.
pub fn verinfer<const N: usize>(arguments: [&str; N]) -> Finished {
    verinfer_with(&arguments)
}

/// As [`verinfer`], with any number of arguments.
#[allow(dead_code)] // Not every test file needs it.
pub fn verinfer_with(arguments: &[&str]) -> Finished {
    run(Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments))
}

/// As [`verinfer_with`], with a folder for what is kept between runs.
#[allow(dead_code)] // Not every test file needs it.
pub fn verinfer_cached(arguments: &[&str], cache: &Path) -> Finished {
    run(Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments).env("XDG_CACHE_HOME", cache))
}

fn run(command: &mut Command) -> Finished {
    let output = command.output().unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file or folder of the repository.
#[allow(dead_code)] // Not every test file needs it.
pub fn repository(path: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).display().to_string()
}

/// The reference data: `$VERINFER_DATA`, by default `../shared/data` beside the workspace; `None` only if `VERINFER_DATA=none` says to do without.
#[allow(dead_code)] // Not every test file needs it.
pub fn data() -> Option<PathBuf> {
    let root = match std::env::var_os("VERINFER_DATA") {
        Some(value) if value == "none" => {
            println!("SKIPPED: reference data not found");
            return None;
        }
        Some(value) => PathBuf::from(value),
        None => PathBuf::from(repository("../shared/data")),
    };
    assert!(
        root.join("models").is_dir(),
        "reference data not found at {}: set VERINFER_DATA to their folder, or to 'none' to do without these tests",
        root.display()
    );
    Some(root)
}
