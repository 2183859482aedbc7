//! Measurements as they are made, one file each: an evaluation that was interrupted goes on where it was.

use std::path::PathBuf;

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::machine::{Machine, program_digest};
use crate::output::{Output, with_causes};

/// A folder of measurements of one program on one machine.
pub struct Store {
    folder: PathBuf,
    program: String,
    machine: Machine,
}

/// What a measurement is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Digest of the network.
    pub network: String,
    /// What of it.
    pub quantity: Quantity,
}

/// What is measured of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Costs of proofs.
    Costs {
        /// What is hidden, as the command line names it.
        hide: String,
        /// Images of each proof.
        batch: u32,
        /// Proofs made.
        runs: u32,
        /// In bits.
        security: u16,
        /// Digest of the image, if it is no random one.
        image: Option<String>,
        /// How its pixels are read.
        pixels: String,
    },
    /// Images ranked rightly.
    Accuracy {
        /// Digest of the images with their labels.
        images: String,
        /// How their pixels are read.
        pixels: String,
        /// Digest of the reference outputs.
        reference: Option<String>,
    },
}

/// What a measurement depends on; the name of its file is a digest of this.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Key {
    program: String,
    machine: Machine,
    subject: Subject,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: Key,
    /// BLAKE3 of `value`, hexadecimal.
    checksum: String,
    /// The measurement as JSON text.
    value: String,
}

impl Store {
    /// The store in a folder, which is created if there is none.
    ///
    /// # Errors
    ///
    /// It cannot be created, or this program's own file cannot be read.
    pub fn open(folder: PathBuf) -> anyhow::Result<Self> {
        files::create_folder(&folder)?;
        Ok(Self { folder, program: program_digest()?, machine: Machine::here() })
    }

    /// Digest of the program whose measurements these are.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What was measured before, or else what `measure` gives, which is kept. An entry that is damaged is reported and measured anew.
    ///
    /// # Errors
    ///
    /// The measurement fails or cannot be kept.
    pub fn get_or<T: Serialize + DeserializeOwned>(
        &self,
        subject: Subject,
        output: Output,
        measure: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let key = Key { program: self.program.clone(), machine: self.machine.clone(), subject };
        let name = blake3::hash(&serde_json::to_vec(&key)?).to_hex();
        let path = self.folder.join(format!("{}.json", &name.as_str()[..32]));
        if path.exists() {
            match files::read(&path, files::TEXT_LIMIT).and_then(|bytes| decode(&bytes, &key)) {
                Ok(value) => return Ok(value),
                Err(error) => output.warning(&format!("{} is damaged and measured anew: {}", path.display(), with_causes(&error))),
            }
        }
        let value = measure()?;
        let text = serde_json::to_string(&value)?;
        let entry = Entry { key, checksum: checksum(&text), value: text };
        files::write(&path, &serde_json::to_vec(&entry)?)?;
        Ok(value)
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8], key: &Key) -> anyhow::Result<T> {
    let entry: Entry = serde_json::from_slice(bytes)?;
    anyhow::ensure!(entry.checksum == checksum(&entry.value), "its checksum is wrong");
    anyhow::ensure!(entry.key == *key, "it is of something else");
    serde_json::from_str(&entry.value).context("it is in another form")
}

fn checksum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn subject(network: &str) -> Subject {
        Subject {
            network: network.to_string(),
            quantity: Quantity::Accuracy { images: "images".to_string(), pixels: "raw".to_string(), reference: None },
        }
    }

    #[test]
    fn each_subject_is_measured_once_and_damage_is_measured_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let measured = Cell::new(0);
        let get = |network: &str, value: f64| {
            let measure = || {
                measured.set(measured.get() + 1);
                Ok(value)
            };
            store.get_or(subject(network), Output::new(true), measure).unwrap()
        };
        assert_eq!([get("a", 0.1), get("b", 2.0), get("a", 3.0)], [0.1, 2.0, 0.1]);
        assert_eq!(measured.get(), 2);
        for entry in std::fs::read_dir(folder.path().join("store")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("\"value\":\"0.1", "\"value\":\"0.2").replace("\"value\":\"2.0\"}", "")).unwrap();
        }
        assert_eq!([get("a", 4.0), get("b", 5.0), get("a", 6.0)], [4.0, 5.0, 4.0]);
    }

    #[test]
    fn measurements_that_fail_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_path_buf()).unwrap();
        assert!(store.get_or::<f64>(subject("a"), Output::new(true), || anyhow::bail!("no")).is_err());
        assert_eq!(store.get_or(subject("a"), Output::new(true), || Ok(1.0)).unwrap(), 1.0);
    }
}
