//! Files that only their owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::place::folder_of;

/// Makes an empty file that only its owner can read, on disk with its name, if nothing has the name. Whether it was made.
///
/// # Errors
///
/// It cannot be made.
pub fn create_private(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => {
            file.sync_all()?;
            sync_folder_of(path)?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a file that only its owner can read, and that has its name only when `fill` has written all of it, under another name; if nothing has the name. Whether
/// it was made.
///
/// # Errors
///
/// It cannot be made, or as `fill`; nothing is left then.
pub fn create_private_whole<E: From<io::Error>>(path: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<bool, E> {
    if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    // Created with mode 0600; removed if it does not get its name.
    let file = NamedTempFile::new_in(folder_of(path))?.into_temp_path();
    fill(&file)?;
    File::open(&file)?.sync_all()?;
    match file.persist_noclobber(path) {
        Ok(()) => {
            sync_folder_of(path)?;
            Ok(true)
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error.into()),
    }
}

/// Takes from all but its owner whatever they may do with a file.
///
/// # Errors
///
/// There is no such file, or it is somebody else's.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    fs::metadata(path)?;
    Ok(())
}

/// Whether others than its owner can read a file, as far as the system tells.
pub fn is_readable_by_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// That a file is in its folder is on disk only when the folder is.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened.
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder_of(path))?.sync_all() {
        // A file system that does not know of this does it, or cannot.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}
