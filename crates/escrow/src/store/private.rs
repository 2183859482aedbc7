//! The file of an SQLite database holds what parties have left: its owner alone reads it, from the first byte on.

use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

use super::StoreError;

/// Makes the file of an SQLite database if there is none, for its owner alone; SQLite gives the files beside it the same mode. One that is there keeps
/// the mode that its operator has given it.
pub fn create(url: &str) -> Result<(), StoreError> {
    // Where the URL says how to open the file, it must say that it may be made.
    let makes_file = !url.contains(":memory:") && (!url.contains("mode=") || url.contains("mode=rwc"));
    if !url.starts_with("sqlite:") || !makes_file {
        return Ok(());
    }
    let options = SqliteConnectOptions::from_str(url)?;
    verinfer_files::create_private(options.get_filename())?;
    Ok(())
}
