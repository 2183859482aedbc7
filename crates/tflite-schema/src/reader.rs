//! Flatbuffers: a table is a signed offset back to its vtable and then its fields; the vtable says where each field lies.

use std::borrow::Cow;
use std::cell::Cell;

use crate::enums::{ActivationFunctionType, BuiltinOperator, FullyConnectedOptionsWeightsFormat, Padding, TensorType};

/// Why a file is not a flatbuffer of the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// An offset leads out of the file.
    #[error("{what} at byte {position} lies outside the file")]
    OutOfBounds {
        /// What was to be read.
        what: &'static str,
        /// Where.
        position: u64,
    },
    /// A list of tables is longer than that of any network.
    #[error("a list has {found} tables, more than {limit}")]
    TooManyTables {
        /// Length of the list.
        found: u64,
        /// Largest length.
        limit: u64,
    },
    /// Lists are named so often that reading them takes more memory than a file of this size needs.
    #[error("its lists overlap: together they are longer than {limit} bytes")]
    Overlapping {
        /// Bytes of lists allowed.
        limit: usize,
    },
}

/// Tables of a list; the largest mobile networks have a few thousand.
const MAX_TABLES: u64 = 200_000;

/// The bytes of a file, and how much may still be copied out of them.
pub struct Reader<'a> {
    bytes: &'a [u8],
    limit: usize,
    left: Cell<usize>,
}

/// A table of a file.
#[derive(Clone, Copy)]
pub struct Table<'r, 'a> {
    reader: &'r Reader<'a>,
    position: u64,
}

impl<'a> Reader<'a> {
    /// A reader that copies at most eight times the file, and a megabyte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        let limit = bytes.len().saturating_mul(8).saturating_add(1 << 20);
        Self { bytes, limit, left: Cell::new(limit) }
    }

    /// The table that the file begins with an offset to.
    pub fn root(&self) -> Result<Table<'_, 'a>, Damage> {
        self.table(0)
    }

    fn slice(&self, position: u64, length: u64, what: &'static str) -> Result<&'a [u8], Damage> {
        let start = usize::try_from(position).ok();
        let end = position.checked_add(length).and_then(|end| usize::try_from(end).ok());
        start.zip(end).and_then(|(start, end)| self.bytes.get(start..end)).ok_or(Damage::OutOfBounds { what, position })
    }

    fn array<const N: usize>(&self, position: u64, what: &'static str) -> Result<[u8; N], Damage> {
        let bytes = self.slice(position, N as u64, what)?;
        bytes.try_into().map_err(|_| Damage::OutOfBounds { what, position })
    }

    /// The position that the unsigned offset at `position` leads to.
    fn follow(&self, position: u64) -> Result<u64, Damage> {
        let offset = u32::from_le_bytes(self.array(position, "an offset")?);
        Ok(position.saturating_add(u64::from(offset)))
    }

    fn table(&self, position: u64) -> Result<Table<'_, 'a>, Damage> {
        Ok(Table { reader: self, position: self.follow(position)? })
    }

    /// Start and length of the vector that the offset at `position` leads to.
    fn vector(&self, position: u64) -> Result<(u64, u64), Damage> {
        let start = self.follow(position)?;
        let length = u32::from_le_bytes(self.array(start, "a vector")?);
        Ok((start.saturating_add(4), u64::from(length)))
    }

    /// The elements of a vector, copied: counted against what may be copied.
    fn elements(&self, position: u64, size: u64) -> Result<&'a [u8], Damage> {
        let (start, length) = self.vector(position)?;
        let bytes = self.slice(start, length.saturating_mul(size), "a vector")?;
        let left = self.left.get().checked_sub(bytes.len()).ok_or(Damage::Overlapping { limit: self.limit })?;
        self.left.set(left);
        Ok(bytes)
    }
}

impl<'r, 'a> Table<'r, 'a> {
    /// Where the field of a slot lies; `None` if the table leaves it out.
    fn position_of(self, slot: u16) -> Result<Option<u64>, Damage> {
        let reader = self.reader;
        let back = i32::from_le_bytes(reader.array(self.position, "a table")?);
        let outside = Damage::OutOfBounds { what: "the layout of a table", position: self.position };
        let vtable = i64::try_from(self.position).ok().and_then(|position| position.checked_sub(i64::from(back)));
        let vtable = vtable.and_then(|vtable| u64::try_from(vtable).ok()).ok_or(outside)?;
        let length = u16::from_le_bytes(reader.array(vtable, "the layout of a table")?);
        // After two lengths of two bytes each.
        let entry = u64::from(slot).saturating_mul(2).saturating_add(4);
        if entry.saturating_add(2) > u64::from(length) {
            return Ok(None);
        }
        let offset = u16::from_le_bytes(reader.array(vtable.saturating_add(entry), "the layout of a table")?);
        Ok((offset != 0).then(|| self.position.saturating_add(u64::from(offset))))
    }

    /// The value of a slot; `None` if the table leaves it out.
    pub fn field<T: Field>(self, slot: u16) -> Result<Option<T>, Damage> {
        self.position_of(slot)?.map(|position| T::read(self.reader, position)).transpose()
    }

    /// The bytes of a slot, which are not copied.
    pub fn bytes(self, slot: u16) -> Result<Option<&'a [u8]>, Damage> {
        let Some(position) = self.position_of(slot)? else { return Ok(None) };
        let (start, length) = self.reader.vector(position)?;
        self.reader.slice(start, length, "a vector").map(Some)
    }

    /// The text of a slot; what is not UTF-8 is replaced.
    pub fn text(self, slot: u16) -> Result<Option<Cow<'a, str>>, Damage> {
        Ok(match self.position_of(slot)? {
            Some(position) => Some(String::from_utf8_lossy(self.reader.elements(position, 1)?)),
            None => None,
        })
    }

    /// The table of a slot.
    pub fn table(self, slot: u16) -> Result<Option<Self>, Damage> {
        self.position_of(slot)?.map(|position| self.reader.table(position)).transpose()
    }

    /// The first `most` tables of a slot, each as `read` understands it.
    pub fn tables<T>(self, slot: u16, most: usize, read: impl Fn(Self) -> Result<T, Damage>) -> Result<Vec<T>, Damage> {
        let Some(position) = self.position_of(slot)? else { return Ok(Vec::new()) };
        let (start, length) = self.reader.vector(position)?;
        self.reader.slice(start, length.saturating_mul(4), "a vector")?;
        if length > MAX_TABLES {
            return Err(Damage::TooManyTables { found: length, limit: MAX_TABLES });
        }
        (0..length).take(most).map(|index| read(self.reader.table(start.saturating_add(index.saturating_mul(4)))?)).collect()
    }
}

/// A value that a field of a table holds.
pub trait Field: Sized {
    /// The value at `position`.
    fn read(reader: &Reader<'_>, position: u64) -> Result<Self, Damage>;
}

macro_rules! fields {
    ($($number:ty),*) => {
        $(
            impl Field for $number {
                fn read(reader: &Reader<'_>, position: u64) -> Result<Self, Damage> {
                    reader.array(position, "a field").map(Self::from_le_bytes)
                }
            }

            impl Field for Vec<$number> {
                fn read(reader: &Reader<'_>, position: u64) -> Result<Self, Damage> {
                    let bytes = reader.elements(position, size_of::<$number>() as u64)?;
                    let (elements, _) = bytes.as_chunks();
                    Ok(elements.iter().map(|&element| <$number>::from_le_bytes(element)).collect())
                }
            }
        )*
    };
}

fields!(u8, i8, u32, i32, u64, i64, f32);

macro_rules! named_fields {
    ($($name:ident),*) => {
        $(
            impl Field for $name {
                fn read(reader: &Reader<'_>, position: u64) -> Result<Self, Damage> {
                    Field::read(reader, position).map($name)
                }
            }
        )*
    };
}

named_fields!(ActivationFunctionType, BuiltinOperator, FullyConnectedOptionsWeightsFormat, Padding, TensorType);

impl Field for bool {
    fn read(reader: &Reader<'_>, position: u64) -> Result<Self, Damage> {
        u8::read(reader, position).map(|byte| byte != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    /// A model with `count` times the same operator code, whose custom code has `length` bytes.
    fn file(count: u32, length: u32) -> Vec<u8> {
        let table = |bytes: &mut Vec<u8>| {
            // Lengths of the layout and of the table, no slot 0, slot 1 at byte 4; then how far back the layout is, and slot 1: a vector follows.
            bytes.extend([8u16, 8, 0, 4].iter().flat_map(|number| number.to_le_bytes()));
            bytes.extend([8u32, 4].iter().flat_map(|number| number.to_le_bytes()));
        };
        let mut bytes = b"\x10\0\0\0TFL3".to_vec();
        table(&mut bytes);
        bytes.extend(count.to_le_bytes());
        for index in 0..count {
            bytes.extend((4 * (count - index) + 8).to_le_bytes());
        }
        table(&mut bytes);
        bytes.extend(length.to_le_bytes());
        bytes.resize(bytes.len() + length as usize, b'x');
        bytes
    }

    #[test]
    fn tables_may_share_what_they_name() {
        let bytes = file(3, 5);
        let codes = Model::read(&bytes).unwrap().operator_codes;
        assert!(codes.len() == 3 && codes.iter().all(|code| code.custom_code.as_deref() == Some("xxxxx")));
    }

    #[test]
    fn what_leads_out_of_the_file_is_damage() {
        let bytes = file(3, 5);
        for length in 0..bytes.len() {
            assert!(matches!(Model::read(&bytes[..length]), Err(Damage::OutOfBounds { .. })), "{length}");
        }
        let mut far = bytes;
        far[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Model::read(&far).unwrap_err(), Damage::OutOfBounds { what: "a table", position: u64::from(u32::MAX) });
    }

    #[test]
    fn a_list_of_too_many_tables_is_not_read() {
        let found = MAX_TABLES + 1;
        let bytes = file(u32::try_from(found).unwrap(), 0);
        assert_eq!(Model::read(&bytes).unwrap_err(), Damage::TooManyTables { found, limit: MAX_TABLES });
    }

    #[test]
    fn a_small_file_cannot_ask_for_much_memory() {
        let bytes = file(3000, 100_000);
        assert_eq!(Model::read(&bytes).unwrap_err(), Damage::Overlapping { limit: 8 * bytes.len() + (1 << 20) });
    }
}
