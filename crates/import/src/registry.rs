//! Which formats of models are read: importers, asked in turn whether a file is theirs.

use std::fmt;
use std::sync::Arc;

use crate::error::ImportError;
use crate::format::Format;
use crate::model::Model;
use crate::tflite::{import_tflite, is_tflite};

/// Bytes at the beginning of a file by which an importer must know it.
pub const HEAD_BYTES: usize = 1 << 16;

/// Reads models of one format.
pub trait Importer: Send + Sync {
    /// Name of the format, `TFLite`.
    fn format(&self) -> &'static str;

    /// Whether a file that begins so, with [`HEAD_BYTES`] or all that it has, is of this format. The name of a file is not asked.
    fn recognizes(&self, head: &[u8]) -> bool;

    /// The network of a file, which may be hostile.
    ///
    /// # Errors
    ///
    /// The file is damaged, or holds what cannot be lowered exactly.
    fn import(&self, bytes: &[u8]) -> Result<Model, ImportError>;
}

/// The importers that are asked, in order.
///
/// # Examples
///
/// ```
/// let importers = verinfer_import::Importers::default();
/// assert!(importers.of(b"GGUF").is_none());
/// let error = importers.import(b"GGUF").unwrap_err();
/// assert!(error.to_string().contains("GGUF"));
/// ```
#[derive(Clone)]
pub struct Importers(Vec<Arc<dyn Importer>>);

impl Importers {
    /// As these, with one more that is asked first.
    #[must_use]
    pub fn with(mut self, importer: impl Importer + 'static) -> Self {
        self.0.insert(0, Arc::new(importer));
        self
    }

    /// The importer of a file that begins so.
    pub fn of(&self, head: &[u8]) -> Option<&dyn Importer> {
        self.0.iter().map(AsRef::as_ref).find(|importer| importer.recognizes(head))
    }

    /// The network of a file.
    ///
    /// # Errors
    ///
    /// No importer knows it ([`ImportError::NotTflite`], which says what it is), or as [`Importer::import`].
    pub fn import(&self, bytes: &[u8]) -> Result<Model, ImportError> {
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
        match self.of(head) {
            Some(importer) => importer.import(bytes),
            None => Err(ImportError::NotTflite { found: Format::of(bytes) }),
        }
    }
}

impl Default for Importers {
    /// The importers of this crate.
    fn default() -> Self {
        Self(vec![Arc::new(Tflite)])
    }
}

impl fmt::Debug for Importers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|importer| importer.format())).finish()
    }
}

/// `.tflite` files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tflite;

impl Importer for Tflite {
    fn format(&self) -> &'static str {
        "TFLite"
    }

    fn recognizes(&self, head: &[u8]) -> bool {
        is_tflite(head)
    }

    fn import(&self, bytes: &[u8]) -> Result<Model, ImportError> {
        import_tflite(bytes)
    }
}
