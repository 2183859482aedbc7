use std::path::Path;

use verinfer_commitments as files_of;
use verinfer_commitments::{Committed, Kind, Public, Salt, commit_label, draw_salt};

use crate::tensor::{ElementType, sides};
use crate::{Result, files};

/// What everybody may know of a commitment: a `.vcm` file. Of a model it holds the architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    pub(crate) public: Public,
}

/// With what the owner of a committed value proves about it: a `.vsk` file. It does not hold the value. Whoever has it can test guesses of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub(crate) secret: files_of::Secret,
}

/// A commitment that was made just now, with its secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// For everybody.
    pub commitment: Commitment,
    /// For the owner of the value.
    pub secret: Secret,
}

/// What a commitment is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CommitmentKind {
    /// What a network has learned.
    Model,
    /// One input.
    Input,
    /// One output.
    Output,
    /// The true class of one input.
    Label,
}

impl Commitment {
    /// Reads a public file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or as [`Commitment::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_bytes(&files::read(path.as_ref(), files::COMMITMENT_LIMIT)?)
    }

    /// Of the bytes of a public file, which may be hostile.
    ///
    /// # Errors
    ///
    /// They are not such a file, or are damaged or of another version ([`crate::Error::CommitmentFile`]).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self { public: Public::decode(bytes)? })
    }

    /// The bytes of the public file: the same for equal commitments.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.public.encode()
    }

    /// Writes the public file, whole or not at all.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write(path.as_ref(), &self.to_bytes())
    }

    /// What it is to.
    pub const fn kind(&self) -> CommitmentKind {
        CommitmentKind::of(self.public.committed.kind())
    }

    /// Shape and type of a committed input or output.
    pub fn tensor(&self) -> Option<(Vec<usize>, ElementType)> {
        match &self.public.committed {
            Committed::Input { shape, dtype } | Committed::Output { shape, dtype } => Some((sides(*shape), ElementType::of(*dtype))),
            Committed::Model { .. } | Committed::Label => None,
        }
    }

    #[doc(hidden)] // For this workspace: its content changes.
    pub const fn file(&self) -> &Public {
        &self.public
    }

    /// By what people and reports name it: BLAKE3 of its 1024 bytes, hexadecimal.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.public.commitment)
    }
}

/// BLAKE3 of the bytes of a commitment, hexadecimal.
pub(crate) fn fingerprint(commitment: &verinfer_relation::commitment::Commitment) -> String {
    blake3::hash(&commitment.to_bytes()).to_hex().to_string()
}

impl Secret {
    /// Reads a secret file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or as [`Secret::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_bytes(&files::read(path.as_ref(), files::COMMITMENT_LIMIT)?)
    }

    /// Of the bytes of a secret file.
    ///
    /// # Errors
    ///
    /// They are not such a file, or are damaged or of another version ([`crate::Error::CommitmentFile`]).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self { secret: files_of::Secret::decode(bytes)? })
    }

    /// The bytes of the secret file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.secret.encode()
    }

    /// Writes the secret file, which only its owner can read. One that is there is not replaced: what was committed to with it could not be proved about
    /// any more.
    ///
    /// # Errors
    ///
    /// It cannot be written, or is there.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_private(path.as_ref(), &self.to_bytes())
    }

    /// What the commitment is to.
    pub const fn kind(&self) -> CommitmentKind {
        CommitmentKind::of(self.secret.kind)
    }

    /// [`Commitment::fingerprint`] of the commitment.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.secret.commitment)
    }
}

impl Opening {
    pub(crate) fn new(public: Public, salt: Salt) -> Self {
        let secret = files_of::Secret { kind: public.committed.kind(), salt, commitment: public.commitment };
        Self { commitment: Commitment { public }, secret: Secret { secret } }
    }

    /// Commits to the true class of an input, below 65,536, for [`crate::Claim::CountCorrect`].
    ///
    /// # Errors
    ///
    /// There is no such class.
    pub fn of_label(class: u32) -> Result<Self> {
        let salt = draw_salt()?;
        let public = commit_label(class, &salt)?;
        Ok(Self::new(public, salt))
    }

    /// Writes the secret file and then the public one.
    ///
    /// # Errors
    ///
    /// One cannot be written; a secret that is there is not replaced.
    pub fn write(&self, public: impl AsRef<Path>, secret: impl AsRef<Path>) -> Result<()> {
        self.secret.write(secret)?;
        self.commitment.write(public)
    }
}

impl CommitmentKind {
    /// Name for people and reports: `model`, `input`, `output`, `label`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => Kind::Model.name(),
            Self::Input => Kind::Input.name(),
            Self::Output => Kind::Output.name(),
            Self::Label => Kind::Label.name(),
        }
    }

    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Model => Self::Model,
            Kind::Input => Self::Input,
            Kind::Output => Self::Output,
            Kind::Label => Self::Label,
        }
    }
}

#[doc(hidden)] // For this workspace: its content changes.
impl From<Public> for Commitment {
    fn from(public: Public) -> Self {
        Self { public }
    }
}

#[doc(hidden)] // For this workspace: its content changes.
impl From<files_of::Secret> for Secret {
    fn from(secret: files_of::Secret) -> Self {
        Self { secret }
    }
}
