use std::io;

/// Why a file is not written. Its path is for the caller to add.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A folder has the name.
    #[error("it is a folder")]
    Folder,
    /// Links lead from one to another and back.
    #[error("it is a link that leads in circles")]
    Circle,
    /// What is private would be shown.
    #[error("a secret is not written to standard output; /dev/stdout does it")]
    Shown,
    /// Something has the name, and is not to be replaced.
    #[error("it exists: a secret that is overwritten is lost for ever; --force does it")]
    Exists,
    /// The operating system refuses.
    #[error(transparent)]
    System(#[from] io::Error),
}
