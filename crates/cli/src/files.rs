//! Reading with limits, errors of writing that name the file, and the `.npy` format. `-` is standard input or output.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail};
use verinfer_files::STANDARD_STREAM;
pub use verinfer_files::{is_readable_by_others, is_standard_stream};
use verinfer_graph::{DataType, Shape};
use verinfer_import::write_npy;

/// Largest model or reference trace read, in bytes.
pub const MODEL_LIMIT: u64 = 1 << 30;
/// Largest image or array read, in bytes.
pub const IMAGE_LIMIT: u64 = 1 << 28;
/// Largest file of a commitment read, in bytes: an architecture has at most 4 MiB.
pub const COMMITMENT_LIMIT: u64 = 1 << 23;
/// What is read of a file before it is known to be of the kind that is looked for, in bytes.
const HEAD_BYTES: u64 = 1 << 16;
/// Largest text file read, in bytes.
pub const TEXT_LIMIT: u64 = 1 << 26;

/// Reads a whole file of at most `limit` bytes; of a longer one nothing, if the system tells how long it is.
///
/// # Errors
///
/// The file cannot be read or is longer.
pub fn read(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    read_if(path, |_| Some(limit))
}

/// As [`read`], with a limit that its first bytes say, [`HEAD_BYTES`] or all that it has; these alone if they are not what is looked for.
///
/// # Errors
///
/// As [`read`], of a file that is looked for.
pub fn read_if(path: &Path, limit: impl FnOnce(&[u8]) -> Option<u64>) -> anyhow::Result<Vec<u8>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let (mut file, len) = open(path)?;
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).with_context(cannot_read)?;
    let Some(limit) = limit(&bytes) else { return Ok(bytes) };
    if len <= limit {
        file.take(limit.saturating_add(1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).with_context(cannot_read)?;
    }
    if len.max(bytes.len() as u64) > limit {
        bail!("{} is longer than {limit} bytes", path.display());
    }
    Ok(bytes)
}

/// Opens a file, or standard input; with its length, zero if the system does not tell.
fn open(path: &Path) -> anyhow::Result<(Box<dyn Read>, u64)> {
    if path == STANDARD_STREAM {
        return Ok((Box::new(io::stdin().lock()), 0));
    }
    if path.is_dir() && path.join("saved_model.pb").exists() {
        bail!("{} is the folder of a TensorFlow SavedModel: convert it to a fully quantized .tflite file", path.display());
    }
    let open = || File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (len, file) = open().with_context(|| format!("cannot read {}", path.display()))?;
    Ok((Box::new(file), len))
}

/// Reads as many bytes of a file as `needed` says of those before. Returns them, and how many more there are; at least one if the system does not tell.
///
/// # Errors
///
/// The file cannot be read; within, what `needed` says.
pub fn read_needed<E>(path: &Path, needed: impl Fn(&[u8]) -> Result<usize, E>) -> anyhow::Result<Result<(Vec<u8>, u64), E>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let (mut file, len) = open(path)?;
    let mut wanted = HEAD_BYTES;
    loop {
        let read = file.by_ref().take(wanted.saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).with_context(cannot_read)?;
        match needed(&bytes) {
            Err(error) => return Ok(Err(error)),
            Ok(needed) if needed > bytes.len() && read > 0 => wanted = needed as u64,
            Ok(needed) => {
                let known = len.saturating_sub(needed as u64);
                let more = bytes.len().saturating_sub(needed) as u64;
                bytes.truncate(needed);
                let mut next = [0];
                let follows = file.read(&mut next).with_context(cannot_read)? as u64;
                return Ok(Ok((bytes, known.max(more + follows))));
            }
        }
    }
}

/// Reads a text file of at most [`TEXT_LIMIT`] bytes, without the byte order mark that it may begin with.
///
/// # Errors
///
/// The file cannot be read, is longer, or is not UTF-8.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read(path, TEXT_LIMIT)?).with_context(|| format!("{} is not UTF-8 text", path.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(ToString::to_string).unwrap_or(text))
}

/// As [`verinfer_files::write`](fn@verinfer_files::write).
///
/// # Errors
///
/// The file cannot be written; nothing is left under its name then.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    verinfer_files::write(path, bytes).with_context(|| cannot_write(path))
}

/// Whether [`write`] could write a file now.
///
/// # Errors
///
/// It could not.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    verinfer_files::check_writable(path).with_context(|| cannot_write(path))
}

/// As [`verinfer_files::write_private`].
///
/// # Errors
///
/// The file cannot be written, or exists and is not to be replaced; nothing has changed under its name then.
pub fn write_secret(path: &Path, bytes: &[u8], replace: bool) -> anyhow::Result<()> {
    verinfer_files::write_private(path, bytes, replace).with_context(|| cannot_write(path))
}

/// Whether [`write_secret`] could write a file now.
///
/// # Errors
///
/// It could not.
pub fn check_secret_writable(path: &Path, replace: bool) -> anyhow::Result<()> {
    verinfer_files::check_private_writable(path, replace).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Creates a folder with its parents.
///
/// # Errors
///
/// It cannot be created.
pub fn create_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create the folder {}", path.display()))
}

/// The `.npy` file (version 1.0) of an activation tensor, shape `(height, width, channels)`, bytes of its type.
pub fn tensor_npy(shape: Shape, dtype: DataType, values: &[i16]) -> Vec<u8> {
    let descr = match dtype {
        DataType::U8 => "|u1",
        DataType::I8 => "|i1",
    };
    // Both types keep the low byte of the two's complement.
    let data: Vec<u8> = values.iter().map(|value| value.to_le_bytes()[0]).collect();
    write_npy(descr, &[shape.height, shape.width, shape.channels], &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npy_header_fills_a_multiple_of_64_bytes() {
        let bytes = tensor_npy(Shape::new(1, 1, 3), DataType::I8, &[-128, 0, 127]);
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        assert_eq!((bytes.len() - 3) % 64, 0);
        assert_eq!(&bytes[bytes.len() - 4..], [b'\n', 0x80, 0, 0x7f]);
    }

    #[test]
    fn byte_order_marks_are_no_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"\xef\xbb\xbfcat.png 285").unwrap();
        assert_eq!(read_text(&path).unwrap(), "cat.png 285");
    }

    #[test]
    fn files_beyond_the_limit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().to_string().ends_with("is longer than 4 bytes"));
    }
}
