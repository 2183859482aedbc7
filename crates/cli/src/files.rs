//! Reading with limits, writing atomically, and the `.npy` format.
//!
//! A file that is written appears whole under its name, or under the name that a link of that name leads to. What is no file, as a device or a pipe, is written to and
//! stays what it is. `-` is standard input or output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;
use verinfer_graph::{DataType, Shape};

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

/// The name of standard input and output.
const STANDARD_STREAM: &str = "-";

/// Most links followed from one name.
const MAX_LINKS: usize = 40;

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

/// Whether what is written under a name goes to standard output.
pub fn is_standard_stream(path: &Path) -> bool {
    path == STANDARD_STREAM || path == "/dev/stdout"
}

/// Where something is written.
#[derive(Debug, PartialEq)]
enum Place {
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
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path == STANDARD_STREAM {
            return Ok(Self::StandardOutput);
        }
        let kind = fs::metadata(path).map(|metadata| metadata.file_type());
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            bail!("it is a folder");
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
        bail!("it is a link that leads in circles")
    }
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

/// Writes to what is there and stays there.
fn write_stream(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).open(path).and_then(|mut stream| stream.write_all(bytes))
}

/// Writes a whole file: whoever looks sees the old file or the complete new one, never a part. `-` is standard output; streams are written to.
///
/// # Errors
///
/// The file cannot be written; nothing is left under its name then.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        match Place::of(path)? {
            Place::StandardOutput => {
                let mut out = io::stdout().lock();
                Ok(out.write_all(bytes).and_then(|()| out.flush())?)
            }
            Place::Stream(path) => Ok(write_stream(&path, bytes)?),
            Place::File(path) => write_in(folder_of(&path), &path, bytes),
        }
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Whether [`write`] could write a file now: its folder takes files, and it is no folder itself.
///
/// # Errors
///
/// It could not.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    let check = || -> anyhow::Result<()> {
        match Place::of(path)? {
            // To open a pipe would wait for its reader.
            Place::StandardOutput | Place::Stream(_) => Ok(()),
            Place::File(path) => tempfile_in(folder_of(&path)).map(drop),
        }
    };
    check().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a whole file that nobody but its owner can ever read. It must not exist yet, unless `replace`; streams are written to.
///
/// # Errors
///
/// The file cannot be written, or exists; nothing has changed under its name then.
pub fn write_secret(path: &Path, bytes: &[u8], replace: bool) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        let target = match Place::of(path)? {
            Place::StandardOutput => bail!("a secret is not written to standard output; /dev/stdout does it"),
            Place::Stream(stream) => return Ok(write_stream(&stream, bytes)?),
            Place::File(target) if replace => target,
            // A link that leads nowhere is something, too.
            Place::File(_) => path.to_path_buf(),
        };
        // Created with mode 0600.
        let mut file = NamedTempFile::new_in(folder_of(&target))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        if replace {
            file.persist(target)?;
        } else {
            file.persist_noclobber(target)?;
        }
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Whether [`write_secret`] could write a file now.
///
/// # Errors
///
/// It could not.
pub fn check_secret_writable(path: &Path, replace: bool) -> anyhow::Result<()> {
    let is_stream = matches!(Place::of(path), Ok(Place::Stream(_)));
    if path == STANDARD_STREAM {
        bail!("a secret is not written to standard output; /dev/stdout does it");
    }
    if !replace && !is_stream && path.symlink_metadata().is_ok() {
        bail!("{} exists: a secret that is overwritten is lost for ever; --force does it", path.display());
    }
    check_writable(path)
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
    npy(descr, &[shape.height, shape.width, shape.channels], &data)
}

/// The `.npy` file (version 1.0) of an array in C order; `descr` is NumPy's name of its type, `<f4` for 32-bit floats.
pub fn npy(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // Magic, version, length and header fill a multiple of 64 bytes; the header ends in a newline.
    let unpadded = 10 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_in(folder: &Path, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// A temporary file with the permissions a file created in the ordinary way would have.
fn tempfile_in(folder: &Path) -> anyhow::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask still applies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    Ok(builder.tempfile_in(folder)?)
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
    fn failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("taken")).unwrap();
        assert!(write(&folder.path().join("taken"), b"x").is_err());
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["taken"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_kept_and_what_they_lead_to_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), b"old").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("link", at("link to a link")).unwrap();
        symlink("nothing yet", at("dangling")).unwrap();
        write(&at("link to a link"), b"new").unwrap();
        write(&at("dangling"), b"first").unwrap();
        assert_eq!((fs::read(at("file")).unwrap(), fs::read(at("nothing yet")).unwrap()), (b"new".to_vec(), b"first".to_vec()));
        assert!(["link", "link to a link", "dangling"].into_iter().all(|name| at(name).is_symlink()));
        write_secret(&at("link"), b"secret", true).unwrap();
        assert!(at("link").is_symlink() && write_secret(&at("dangling"), b"x", false).is_err());
        symlink("round", at("round")).unwrap();
        assert!(write(&at("round"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_to_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        check_writable(&pipe).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write(Path::new("/dev/null"), b"nothing").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_their_owners_and_are_not_overwritten_by_accident() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write(&path, b"readable").unwrap();
        assert!(is_readable_by_others(&path));
        assert!(check_secret_writable(&path, false).is_err() && check_secret_writable(&path, true).is_ok());
        assert!(write_secret(&path, b"secret", false).is_err());
        assert_eq!(read(&path, 10).unwrap(), b"readable");
        write_secret(&path, b"secret", true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!is_readable_by_others(&path));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
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
