use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;

/// First bytes of the file.
const MAGIC: [u8; 8] = *b"VERSTATE";

/// Length and checksum.
const HEAD_BYTES: usize = 4 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 16;

/// A file of records, locked by this process.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Of the file, as far as it is known to be good.
    bytes: u64,
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Of its content.
    offset: u64,
    /// Of its content.
    len: u32,
}

type Places = BTreeMap<(String, String), Place>;

#[derive(Serialize, Deserialize)]
struct Content<'a> {
    scope: &'a str,
    name: &'a str,
    value: Option<&'a [u8]>,
}

/// Whether bytes begin as a journal does.
pub fn is_state_file(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

impl Place {
    /// Bytes of the whole record.
    pub const fn record_bytes(&self) -> u64 {
        HEAD_BYTES as u64 + self.len as u64
    }
}

impl Journal {
    /// Opens a file or makes it, and reads where everything is. What a crash has left at its end is cut off.
    pub fn open(path: &Path) -> Result<(Self, Places), StoreError> {
        let mut file = open_private(path)?;
        lock(&file, path)?;
        let mut places = Places::new();
        let mut reader = BufReader::new(&file);
        let mut magic = Vec::new();
        reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        if !MAGIC.starts_with(&magic) {
            return Err(StoreError::NotAState { path: path.display().to_string() });
        }
        let mut bytes = MAGIC.len() as u64;
        if magic.len() < MAGIC.len() {
            file.rewind()?;
            file.write_all(&MAGIC)?;
        } else {
            while let Some(content) = read_record(&mut reader)? {
                let place = Place { offset: bytes + HEAD_BYTES as u64, len: content.len() as u32 };
                let Ok(Content { scope, name, value }) = postcard::from_bytes(&content) else { break };
                match value {
                    Some(_) => places.insert((scope.to_owned(), name.to_owned()), place),
                    None => places.remove(&(scope.to_owned(), name.to_owned())),
                };
                bytes += place.record_bytes();
            }
        }
        file.set_len(bytes)?;
        file.sync_all()?;
        sync_folder(path)?;
        Ok((Self { file, bytes }, places))
    }

    /// Bytes of the file.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes a record at the end; it is certain to be there only after [`Journal::sync`].
    pub fn append(&mut self, scope: &str, name: &str, value: Option<&[u8]>) -> Result<Place, StoreError> {
        let content = verinfer_protocols::digest::canonical(&Content { scope, name, value });
        let too_long = |_| StoreError::TooLong { scope: scope.to_owned(), name: name.to_owned() };
        let len = u32::try_from(content.len()).map_err(too_long)?;
        let record = [&len.to_le_bytes(), &checksum(&content)[..], &content].concat();
        // What an earlier failure may have left there is overwritten.
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(&record)?;
        let place = Place { offset: self.bytes + HEAD_BYTES as u64, len };
        self.bytes += place.record_bytes();
        Ok(place)
    }

    /// Waits until everything is on disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.file.sync_data()?)
    }

    /// The value of a record.
    pub fn value(&self, place: &Place) -> Result<Vec<u8>, StoreError> {
        let mut content = vec![0; place.len as usize];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(place.offset))?;
        file.read_exact(&mut content)?;
        let broken = |reason| StoreError::Content { scope: String::new(), name: format!("record at byte {}", place.offset), reason };
        let Content { value, .. } = postcard::from_bytes(&content).map_err(broken)?;
        Ok(value.unwrap_or_default().to_vec())
    }

    /// Writes what counts to a new file, which then takes the place of this one, all at once. Nothing if there is no room for it: this one stays.
    pub fn rewrite(&self, path: &Path, places: &Places) -> Result<Option<(Self, Places)>, StoreError> {
        let new = PathBuf::from(format!("{}.new", path.display()));
        let remove = || match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        };
        remove()?;
        let Ok((journal, moved)) = self.copy(&new, places) else {
            remove()?;
            return Ok(None);
        };
        // The lock is the file's, not the name's: this process has the new one, and still has the old one.
        std::fs::rename(&new, path)?;
        sync_folder(path)?;
        Ok(Some((journal, moved)))
    }

    /// A new file with what counts.
    fn copy(&self, path: &Path, places: &Places) -> Result<(Self, Places), StoreError> {
        let (mut journal, _) = Self::open(path)?;
        let mut moved = Places::new();
        for (key, place) in places {
            moved.insert(key.clone(), journal.append(&key.0, &key.1, Some(&self.value(place)?))?);
        }
        journal.sync()?;
        Ok((journal, moved))
    }
}

/// Opens a file or makes it. It holds salts, keys and documents: its owner alone reads it, from the first byte on; one of an earlier version that others
/// could read is closed to them.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The content of the next record; nothing at the end, or where a record is not whole.
fn read_record(reader: &mut impl Read) -> Result<Option<Vec<u8>>, StoreError> {
    let mut head = Vec::new();
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let Some((len, expected)) = head.split_first_chunk::<4>().filter(|_| head.len() == HEAD_BYTES) else { return Ok(None) };
    let len = u32::from_le_bytes(*len);
    let mut content = Vec::new();
    reader.take(u64::from(len)).read_to_end(&mut content)?;
    let is_whole = content.len() == len as usize && checksum(&content) == expected;
    Ok(is_whole.then_some(content))
}

fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut checksum = [0; CHECKSUM_BYTES];
    blake3::Hasher::new().update(content).finalize_xof().fill(&mut checksum);
    checksum
}

/// That a file is in its folder is on disk only when the folder is.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}
