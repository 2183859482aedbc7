use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use verinfer_commitments::{Salt, commit_input};
use verinfer_graph::{DataType, Shape};
use verinfer_protocols::digest::{Digest, canonical};
use verinfer_relation::commitment::SALT_CELLS;

use crate::error::ItemError;

/// An input of a network, with what opens its commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedInput {
    /// Height, width, channels.
    pub shape: [u32; 3],
    /// Whether values are signed bytes.
    pub signed: bool,
    /// The values in NHWC order, each less the smallest that its type has.
    pub values: Vec<u8>,
    /// The salt of the commitment.
    pub salt: Vec<u8>,
}

impl OpenedInput {
    /// The input of these values in NHWC order; nothing if one is out of the type's range or the shape too large to be written.
    pub fn new(shape: Shape, dtype: DataType, values: &[i16], salt: &Salt) -> Option<Self> {
        let side = |side: usize| u32::try_from(side).ok();
        let byte = |&value: &i16| value.checked_sub(dtype.min()).and_then(|value| u8::try_from(value).ok());
        Some(Self {
            shape: [side(shape.height)?, side(shape.width)?, side(shape.channels)?],
            signed: dtype == DataType::I8,
            values: values.iter().map(byte).collect::<Option<_>>()?,
            salt: salt.to_vec(),
        })
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        let [height, width, channels] = self.shape.map(|side| usize::try_from(side).unwrap_or(usize::MAX));
        Shape::new(height, width, channels)
    }

    /// Its type.
    pub const fn dtype(&self) -> DataType {
        if self.signed { DataType::I8 } else { DataType::U8 }
    }

    /// Digest of its shape and type: [`input_kind`].
    pub fn kind(&self) -> Digest {
        input_kind(self.shape(), self.dtype())
    }

    /// Its values, in NHWC order.
    pub fn values(&self) -> Vec<i16> {
        let min = self.dtype().min();
        self.values.iter().map(|&value| i16::from(value).saturating_add(min)).collect()
    }

    /// The salt of the commitment.
    ///
    /// # Errors
    ///
    /// It has another length than salts have.
    pub fn salt(&self) -> Result<Salt, ItemError> {
        salt(&self.salt)
    }

    /// The digest of the commitment.
    ///
    /// # Errors
    ///
    /// There is none to such an input, or the salt is none.
    pub fn digest(&self) -> Result<Digest, ItemError> {
        let public = commit_input(self.shape(), self.dtype(), &self.values(), &self.salt()?)?;
        Ok(Digest::of_bytes(&public.commitment.to_bytes()))
    }
}

/// By which terms name the shape and type of inputs.
pub fn input_kind(shape: Shape, dtype: DataType) -> Digest {
    let sides = [shape.height, shape.width, shape.channels];
    Digest::of("verinfer items v1 input", &(sides, dtype == DataType::I8))
}

/// The salt of these bytes.
pub(crate) fn salt(bytes: &[u8]) -> Result<Salt, ItemError> {
    let wrong = |_| ItemError::Salt { found: bytes.len(), expected: SALT_CELLS };
    Box::<[u8]>::from(bytes).try_into().map_err(wrong)
}

/// Reads an item that is in its one encoding.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, ItemError> {
    let item: T = postcard::from_bytes(bytes).map_err(|error| ItemError::Encoding { reason: error.to_string() })?;
    if canonical(&item) == bytes { Ok(item) } else { Err(ItemError::NotCanonical) }
}
