//! Folders of labelled images.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use verinfer_import::{Input, Model, Pixels};

use crate::files;
use crate::input::{InputArguments, decode_input};

/// Endings of the files that count as images.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "npy"];

/// Images with their classes, in the order of their names.
pub struct LabelledImages {
    /// The folder.
    pub folder: PathBuf,
    /// File and class.
    pub images: Vec<(PathBuf, usize)>,
}

impl LabelledImages {
    /// The images of a folder; the class of each is the first number in its name (`0285_n02124075.png` is of class 285).
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or an image has no number in its name.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut images = Vec::new();
        for path in entries(folder)? {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
            if path.is_file() && ENDINGS.contains(&ending.as_str()) {
                let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
                let class = first_number(name).with_context(|| format!("{} has no class in its name", path.display()))?;
                images.push((path, class));
            }
        }
        Ok(Self { folder: folder.to_path_buf(), images })
    }

    /// The folder itself or, if it has no images, each folder in it that has some.
    ///
    /// # Errors
    ///
    /// As [`LabelledImages::read`], or there are no images.
    pub fn find(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let own = Self::read(folder)?;
        if !own.images.is_empty() {
            return Ok(vec![own]);
        }
        let mut found = Vec::new();
        for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            let inner = Self::read(&path)?;
            if !inner.images.is_empty() {
                found.push(inner);
            }
        }
        if found.is_empty() {
            bail!("{} holds no images", folder.display());
        }
        Ok(found)
    }

    /// Whether the first image fits a model as it is.
    pub fn fits(&self, model: &Model, pixels: Pixels) -> bool {
        self.images.first().is_some_and(|(path, _)| load(path, model, pixels).is_ok())
    }

    /// Digest of all names and contents.
    ///
    /// # Errors
    ///
    /// An image cannot be read.
    pub fn digest(&self) -> anyhow::Result<String> {
        let mut hasher = blake3::Hasher::new();
        for (path, _) in &self.images {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            hasher.update(blake3::hash(name.as_bytes()).as_bytes());
            hasher.update(blake3::hash(&files::read(path, files::IMAGE_LIMIT)?).as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// The input of a model for an image of its own size.
///
/// # Errors
///
/// The image cannot be read or does not fit.
pub fn load(path: &Path, model: &Model, pixels: Pixels) -> anyhow::Result<Input> {
    decode_input(&path.display().to_string(), &files::read(path, files::IMAGE_LIMIT)?, InputArguments::with_pixels(pixels), model)
}

/// What is in a folder, in the order of the names.
pub fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = read().with_context(|| format!("cannot read the folder {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

fn first_number(name: &str) -> Option<usize> {
    let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_the_first_numbers_in_names() {
        assert_eq!(["0285_n02124075", "digit-7-43", "cat"].map(first_number), [Some(285), Some(7), None]);
    }

    #[test]
    fn folders_without_images_are_searched_one_level_down() {
        let folder = tempfile::tempdir().unwrap();
        assert!(LabelledImages::find(folder.path()).is_err());
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["b/2_x.png", "b/10_x.npy", "b/readme.txt"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let found = LabelledImages::find(folder.path()).unwrap();
        let classes: Vec<usize> = found[0].images.iter().map(|(_, class)| *class).collect();
        assert_eq!((found.len(), classes), (1, vec![10, 2]));
    }
}
