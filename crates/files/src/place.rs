//! What a path leads to.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::WriteError;

/// The name of standard input and output.
pub const STANDARD_STREAM: &str = "-";

/// Most links followed from one name.
const MAX_LINKS: usize = 40;

/// Where something is written.
#[derive(Debug, PartialEq)]
pub enum Place {
    /// `-`.
    StandardOutput,
    /// What is there takes bytes and is no file: a device, a pipe, a socket, an open file descriptor.
    Stream(PathBuf),
    /// A file, or a name that is free.
    File(PathBuf),
}

impl Place {
    /// Where `path` leads to.
    ///
    /// # Errors
    ///
    /// To a folder, or in circles.
    pub fn of(path: &Path) -> Result<Self, WriteError> {
        if path == STANDARD_STREAM {
            return Ok(Self::StandardOutput);
        }
        let kind = fs::metadata(path).map(|metadata| metadata.file_type());
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            return Err(WriteError::Folder);
        }
        if is_descriptor(path) || kind.is_ok_and(|kind| !kind.is_file()) {
            return Ok(Self::Stream(path.to_path_buf()));
        }
        let mut target = path.to_path_buf();
        for _ in 0..MAX_LINKS {
            match fs::read_link(&target) {
                Ok(link) => target = folder_of(&target).join(link),
                Err(_) => return Ok(Self::File(target)),
            }
        }
        Err(WriteError::Circle)
    }
}

/// Whether what is written under a name goes to standard output.
pub fn is_standard_stream(path: &Path) -> bool {
    path == STANDARD_STREAM || path == "/dev/stdout"
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/3`: what is open there is written to, whatever it is.
fn is_descriptor(path: &Path) -> bool {
    let parts: Vec<_> = path.components().filter_map(|part| part.as_os_str().to_str()).collect();
    match parts.as_slice() {
        ["/", "dev", "stdout" | "stderr"] | ["/", "dev", "fd", _] | ["/", "proc", _, "fd", _] => {
            path.components().next() == Some(Component::RootDir)
        }
        _ => false,
    }
}
