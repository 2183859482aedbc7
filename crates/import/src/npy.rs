//! NumPy's `.npy` files, formats 1.0 to 3.0: magic, version, header length, a Python dictionary, the elements.

use crate::input::InputError;

/// Longest header, far beyond what NumPy writes for a few dimensions.
const MAX_HEADER: usize = 1 << 16;

/// An array file with its header understood and its elements still bytes.
pub struct Array<'a> {
    /// Type code, `<f4`.
    pub descr: &'a str,
    /// Whether the first index varies fastest.
    pub fortran_order: bool,
    /// Sides.
    pub shape: Vec<u64>,
    /// Everything after the header.
    pub data: &'a [u8],
}

impl<'a> Array<'a> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// [`InputError::NotNpy`], [`InputError::NpyHeader`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InputError> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or(InputError::NotNpy)?;
        let (length, rest) = match *rest {
            [1, _, a, b, ref rest @ ..] => (usize::from(u16::from_le_bytes([a, b])), rest),
            [2 | 3, _, a, b, c, d, ref rest @ ..] => (usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX), rest),
            _ => return Err(InputError::NotNpy),
        };
        let (header, data) = rest.split_at_checked(length).filter(|_| length <= MAX_HEADER).ok_or(InputError::NpyHeader)?;
        let header = std::str::from_utf8(header).map_err(|_| InputError::NpyHeader)?;
        Self::understand(header, data).ok_or(InputError::NpyHeader)
    }

    fn understand(header: &'a str, data: &'a [u8]) -> Option<Self> {
        let fortran_order = value_of(header, "fortran_order")?;
        Some(Self {
            descr: value_of(header, "descr")?.strip_prefix('\'')?.split_once('\'')?.0,
            fortran_order: match (fortran_order.starts_with("True"), fortran_order.starts_with("False")) {
                (true, false) => true,
                (false, true) => false,
                (_, _) => return None,
            },
            shape: value_of(header, "shape")?
                .strip_prefix('(')?
                .split_once(')')?
                .0
                .split(',')
                .map(str::trim)
                .filter(|side| !side.is_empty())
                .map(|side| side.parse().ok())
                .collect::<Option<_>>()?,
            data,
        })
    }

    /// Elements in total; as many as can be named if there are more.
    pub fn num_elements(&self) -> u64 {
        self.shape.iter().copied().fold(1, u64::saturating_mul)
    }
}

/// What follows a key and its colon.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}'"))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}
