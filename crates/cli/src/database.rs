//! Where an escrow's database is. Its password stands in no process's arguments, which everybody on the machine can read.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use url::Url;

use crate::files;
use crate::output::Output;

/// Names the database where `--db` does not.
const VARIABLE: &str = "VERINFER_ESCROW_DB";

/// The database where nothing else is named.
const DEFAULT: &str = "sqlite:escrow.db";

/// Where the database is.
#[derive(Clone, Debug, Args)]
pub struct DatabaseArguments {
    /// The database: sqlite:FILE or postgres://USER@HOST/NAME. Without it the environment's VERINFER_ESCROW_DB, else sqlite:escrow.db. With ?sslmode=verify-full
    /// PostgreSQL is asked over TLS and must prove its name (see ?sslrootcert=FILE).
    #[arg(long, value_name = "URL")]
    db: Option<String>,

    /// A file with the password of the database. PostgreSQL's PGPASSFILE, and a password in VERINFER_ESCROW_DB, do as well.
    #[arg(long, value_name = "FILE")]
    db_password_file: Option<PathBuf>,
}

impl DatabaseArguments {
    /// The URL with its password.
    ///
    /// # Errors
    ///
    /// The password is on the command line, or its file cannot be read.
    pub fn url(&self, output: Output) -> anyhow::Result<String> {
        self.resolve(std::env::var(VARIABLE).ok(), output)
    }

    fn resolve(&self, environment: Option<String>, output: Output) -> anyhow::Result<String> {
        if self.db.as_deref().is_some_and(has_password) {
            bail!(
                "a password on the command line can be read by everybody on this machine: use --db-password-file, PGPASSFILE or {VARIABLE}"
            );
        }
        let url = self.db.clone().or(environment).unwrap_or_else(|| DEFAULT.to_owned());
        match &self.db_password_file {
            Some(file) => with_password(&url, file, output),
            None => Ok(url),
        }
    }
}

fn has_password(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"))
}

fn with_password(url: &str, file: &Path, output: Output) -> anyhow::Result<String> {
    let mut url = Url::parse(url).with_context(|| format!("{} is no URL", without_password(url)))?;
    let password = files::read_text(file)?;
    if files::is_readable_by_others(file) {
        output.warning(&format!("{} can be read by others", file.display()));
    }
    if url.set_password(Some(password.trim_end_matches(['\r', '\n']))).is_err() {
        bail!("{} has no place for a password: --db-password-file is for postgres://USER@HOST/NAME", without_password(url.as_str()));
    }
    Ok(url.into())
}

/// A database's URL as it may be shown: without user, password and query. Of one in which a password may stand elsewhere only the kind is shown.
pub fn without_password(url: &str) -> String {
    let Some((kind, _)) = url.split_once(':') else { return url.to_owned() };
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    if kind == "sqlite" {
        return shown.to_owned();
    }
    let Ok(parsed) = Url::parse(url) else { return format!("{kind}:...") };
    let before = if parsed.username().is_empty() && parsed.password().is_none() { "" } else { "...@" };
    let place = || Some((parsed.host_str()?, parsed.port().map(|port| format!(":{port}")).unwrap_or_default()));
    match place() {
        // A character of a password that should have been written as %xx ends the host.
        Some((host, port)) if !parsed.path().contains('@') && !url[shown.len()..].contains('@') => {
            format!("{kind}://{before}{host}{port}{}", parsed.path())
        }
        Some(_) | None => format!("{kind}:..."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(db: Option<&str>, file: Option<PathBuf>) -> DatabaseArguments {
        DatabaseArguments { db: db.map(str::to_owned), db_password_file: file }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://user:secret@host/name"), "postgres://...@host/name");
        assert_eq!(without_password("postgres://host/name?password=secret"), "postgres://host/name");
        assert_eq!(without_password("postgres://user:secret@host:1/name?password=secret&x=a@b"), "postgres:...");
        assert_eq!(without_password("postgres://user:secret@host:1/name?password=secret"), "postgres://...@host:1/name");
        assert_eq!(without_password("sqlite:escrow.db?mode=rwc"), "sqlite:escrow.db");
        assert_eq!(without_password("sqlite:///a@b/escrow.db"), "sqlite:///a@b/escrow.db");
        // Characters that should have been escaped.
        for url in ["user:se?cret", "user:1?secret", "user:se/cret", "user:1/secret", "user:se#cret", "user:se@cret"] {
            let shown = without_password(&format!("postgres://{url}@host/name"));
            assert!(!shown.contains("cret"), "{shown}");
        }
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_one_in_the_environment_is_not() {
        let output = Output::new(false);
        for url in ["postgres://user:secret@host/name", "postgres://user@host/name?password=secret"] {
            assert!(arguments(Some(url), None).resolve(None, output).is_err(), "{url}");
            assert_eq!(arguments(None, None).resolve(Some(url.to_owned()), output).unwrap(), url);
        }
        assert_eq!(arguments(None, None).resolve(None, output).unwrap(), DEFAULT);
        assert_eq!(arguments(Some("sqlite:x"), None).resolve(Some("sqlite:y".to_owned()), output).unwrap(), "sqlite:x");
    }

    #[test]
    fn a_password_comes_from_a_file_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "p@ss/word?\n").unwrap();
        let output = Output::new(false);
        let url = arguments(Some("postgres://user@host/name?sslmode=require"), Some(file.clone())).resolve(None, output).unwrap();
        assert_eq!(url, "postgres://user:p%40ss%2Fword%3F@host/name?sslmode=require");
        assert!(arguments(Some("sqlite:escrow.db"), Some(file)).resolve(None, output).is_err());
        assert!(arguments(Some("postgres://user@host/name"), Some(folder.path().join("none"))).resolve(None, output).is_err());
    }
}
