//! Whole files.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::WriteError;
use crate::place::{Place, STANDARD_STREAM, folder_of};
use crate::private::sync_folder_of;

/// Writes a whole file, which others can read if the process's umask lets them.
///
/// # Errors
///
/// It cannot be written: what had its name before still has, and nothing new is left. Only if the folder could not be written to disk in the end is it not known
/// which of the two a crash of the machine leaves.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    match Place::of(path)? {
        Place::StandardOutput => {
            let mut out = io::stdout().lock();
            Ok(out.write_all(bytes).and_then(|()| out.flush())?)
        }
        Place::Stream(stream) => Ok(write_stream(&stream, bytes)?),
        Place::File(target) => {
            filled(readable_in(folder_of(&target))?, bytes)?.persist(&target).map_err(|error| error.error)?;
            Ok(sync_folder_of(&target)?)
        }
    }
}

/// Whether [`write`](fn@write) could write a file now: its folder takes files, and it is no folder itself.
///
/// # Errors
///
/// It could not.
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    match Place::of(path)? {
        // To open a pipe would wait for its reader.
        Place::StandardOutput | Place::Stream(_) => Ok(()),
        Place::File(target) => Ok(readable_in(folder_of(&target)).map(drop)?),
    }
}

/// Writes a whole file that nobody but its owner can ever read. Nothing may have its name yet, unless `replace`; streams are written to.
///
/// # Errors
///
/// As [`write`](fn@write), and something has the name.
pub fn write_private(path: &Path, bytes: &[u8], replace: bool) -> Result<(), WriteError> {
    let target = match Place::of(path)? {
        Place::StandardOutput => return Err(WriteError::Shown),
        Place::Stream(stream) => return Ok(write_stream(&stream, bytes)?),
        Place::File(target) if replace => target,
        // A link that leads nowhere is something, too.
        Place::File(_) => path.to_path_buf(),
    };
    // Created with mode 0600.
    let file = filled(NamedTempFile::new_in(folder_of(&target))?, bytes)?;
    if replace {
        file.persist(&target).map_err(|error| error.error)?;
    } else {
        file.persist_noclobber(&target).map_err(|error| {
            let is_there = error.error.kind() == io::ErrorKind::AlreadyExists;
            if is_there { WriteError::Exists } else { error.error.into() }
        })?;
    }
    Ok(sync_folder_of(&target)?)
}

/// Whether [`write_private`] could write a file now.
///
/// # Errors
///
/// It could not.
pub fn check_private_writable(path: &Path, replace: bool) -> Result<(), WriteError> {
    let is_stream = matches!(Place::of(path), Ok(Place::Stream(_)));
    if path == STANDARD_STREAM {
        return Err(WriteError::Shown);
    }
    if !replace && !is_stream && path.symlink_metadata().is_ok() {
        return Err(WriteError::Exists);
    }
    check_writable(path)
}

/// Writes to what is there and stays there.
fn write_stream(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).open(path).and_then(|mut stream| stream.write_all(bytes))
}

fn filled(mut file: NamedTempFile, bytes: &[u8]) -> io::Result<NamedTempFile> {
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A temporary file with the permissions that a file has which is made in the ordinary way.
fn readable_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask still applies.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
