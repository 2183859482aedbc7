use rusqlite::ErrorCode;

/// Why a state cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("the state {path} is in use by another process")]
    InUse {
        /// The file.
        path: String,
    },
    /// The file is something else.
    #[error("{path} is not the state of a party")]
    NotAState {
        /// The file.
        path: String,
    },
    /// The file has the format of an earlier program.
    #[error(
        "the state {path} has format 1 (a journal, VERSTATE), which Verinfer 0.1.0 reads up to revision 5d55f48; this program reads format {}: \
         end its agreements with that program, or name a new file",
        super::FORMAT
    )]
    Journal {
        /// The file.
        path: String,
    },
    /// The file has the format of a later program.
    #[error("the state {path} has format {found}; this program reads format {}: use the program that wrote it", super::FORMAT)]
    OtherFormat {
        /// The file.
        path: String,
        /// Its format.
        found: i64,
    },
    /// A value is longer than a record can be.
    #[error("`{name}` of `{scope}` is too long to be kept")]
    TooLong {
        /// What it belongs to.
        scope: String,
        /// What it is.
        name: String,
    },
    /// A value is not what was kept.
    #[error(
        "the state {path} is damaged: `{name}` of `{scope}` is not what was kept; nothing was changed: restore a copy of the file, or name a new one"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What the value belongs to.
        scope: String,
        /// What it is.
        name: String,
    },
    /// The file is no whole database.
    #[error("the state {path} is damaged: {reason}; nothing was changed: restore a copy of the file, or name a new one")]
    DamagedFile {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The disk is full.
    #[error("there is no room on the disk for the state {path}; all that was kept before is there: make room and go on")]
    Full {
        /// The file.
        path: String,
    },
    /// The file cannot be made.
    #[error("the state cannot be kept: {0}")]
    File(std::io::Error),
    /// The file cannot be used.
    #[error("the state {path} cannot be used: {cause}")]
    Database {
        /// The file.
        path: String,
        /// What SQLite says.
        cause: rusqlite::Error,
    },
    /// What is there is not what this program writes.
    #[error("the state's `{name}` of `{scope}` cannot be read: {reason}")]
    Content {
        /// What it belongs to.
        scope: String,
        /// What it is.
        name: String,
        /// What is wrong.
        reason: postcard::Error,
    },
}

impl From<std::io::Error> for StoreError {
    fn from(cause: std::io::Error) -> Self {
        Self::File(cause)
    }
}

impl StoreError {
    /// What SQLite's error says of a file.
    pub(super) fn of(path: &str, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::DamagedFile { path, reason: cause.to_string() },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ => Self::Database { path, cause },
        }
    }
}
