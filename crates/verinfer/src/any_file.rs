use std::path::Path;

use verinfer_commitments::{is_public_file, is_secret_file};
use verinfer_import::{HEAD_BYTES, Importers};
use verinfer_relation::statement::is_proof_file;

use crate::{Commitment, Error, Model, Proof, Result, Secret, files};

/// What a file of ours is, which its first bytes tell.
///
/// # Examples
///
/// ```
/// use verinfer::{AnyFile, digits};
///
/// assert!(matches!(AnyFile::from_bytes(digits::MODEL)?, AnyFile::Model(_)));
/// let secret = digits::model()?.commit()?.secret;
/// assert!(matches!(AnyFile::from_bytes(&secret.to_bytes())?, AnyFile::Secret(read) if *read == secret));
/// assert_eq!(AnyFile::from_bytes(b"hello").unwrap_err().kind(), "unknown_file");
/// # Ok::<(), verinfer::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyFile {
    /// A model, of any format that is read.
    Model(Model),
    /// A proof, unverified.
    Proof(Box<Proof>),
    /// The public file of a commitment.
    Commitment(Box<Commitment>),
    /// The secret file of a commitment.
    Secret(Box<Secret>),
}

impl AnyFile {
    /// Reads a file as far as one of its kind goes.
    ///
    /// # Errors
    ///
    /// It cannot be read, or as [`AnyFile::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let limit = |head: &[u8]| {
            if is_proof_file(head) {
                Some(files::PROOF_LIMIT)
            } else if is_public_file(head) || is_secret_file(head) {
                Some(files::COMMITMENT_LIMIT)
            } else {
                files::model_limit(head)
            }
        };
        Self::from_bytes(&files::read_if(path.as_ref(), limit)?)
    }

    /// Of the bytes of a file, which may be hostile.
    ///
    /// # Errors
    ///
    /// It is of no kind ([`Error::UnknownFile`]), damaged, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
        if is_proof_file(head) {
            Ok(Self::Proof(Box::new(Proof::from_bytes(bytes)?)))
        } else if is_public_file(head) {
            Ok(Self::Commitment(Box::new(Commitment::from_bytes(bytes)?)))
        } else if is_secret_file(head) {
            Ok(Self::Secret(Box::new(Secret::from_bytes(bytes)?)))
        } else if Importers::default().of(head).is_some() {
            Ok(Self::Model(Model::from_bytes(bytes)?))
        } else {
            Err(Error::UnknownFile)
        }
    }
}
