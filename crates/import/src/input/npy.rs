//! NumPy's `.npy` files, formats 1.0 to 3.0: magic, version, header length, a Python dictionary, the elements.

use super::InputError;

/// Longest header, far beyond what NumPy writes for a few dimensions.
const MAX_HEADER: usize = 1 << 16;

/// NumPy's most dimensions.
const MAX_DIMENSIONS: usize = 64;

/// The `.npy` file (version 1.0) of an array in C order; `descr` is NumPy's name of its type, `<f4` for 32-bit floats. Shapes have so few sides that their
/// list fits the two bytes of its length.
pub fn write_npy(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // Magic, version, length and header fill a multiple of 64 bytes; the header ends in a newline.
    let unpadded = header.len().saturating_add(11);
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64).saturating_sub(unpadded)));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// An array file with its header understood and its elements still bytes.
#[derive(Debug)]
pub struct Array<'a> {
    /// Type code, `<f4`; nothing for records.
    pub descr: Option<&'a str>,
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

    /// The dictionary has the three keys in any order, each once.
    fn understand(header: &'a str, data: &'a [u8]) -> Option<Self> {
        let mut literal = Literal { rest: header };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        literal.expect("{")?;
        while !literal.take("}") {
            let key = literal.string()?;
            literal.expect(":")?;
            let is_new = match key {
                "descr" => descr.replace(literal.descr()?).is_none(),
                "fortran_order" => fortran_order.replace(literal.boolean()?).is_none(),
                "shape" => shape.replace(literal.tuple()?).is_none(),
                _ => false,
            };
            if !is_new {
                return None;
            }
            if !literal.take(",") {
                literal.expect("}")?;
                break;
            }
        }
        literal.is_at_end().then_some(())?;
        Some(Self { descr: descr?, fortran_order: fortran_order?, shape: shape?, data })
    }
}

/// What is left of a Python literal.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn is_at_end(&self) -> bool {
        self.rest.trim_start().is_empty()
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.take(token).then_some(())
    }

    /// A string without escapes, in quotes of either kind; Python 2 and 3 may mark it `u` or `b`.
    fn string(&mut self) -> Option<&'a str> {
        let _ = self.take("u") || self.take("b");
        let quote = if self.take("'") { '\'' } else { self.take("\"").then_some('"')? };
        let (string, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        (!string.contains('\\')).then_some(string)
    }

    fn boolean(&mut self) -> Option<bool> {
        if self.take("True") { Some(true) } else { self.take("False").then_some(false) }
    }

    /// A string, or a list, whose end is found by counting brackets outside of strings.
    fn descr(&mut self) -> Option<Option<&'a str>> {
        if !self.take("[") {
            return self.string().map(Some);
        }
        let (mut depth, mut quote) = (1_u32, None);
        for (at, letter) in self.rest.char_indices() {
            match (quote, letter) {
                (Some(open), _) if open == letter => quote = None,
                (None, '\'' | '"') => quote = Some(letter),
                (None, '[') => depth = depth.checked_add(1)?,
                (None, ']') => depth = depth.checked_sub(1)?,
                (_, _) => {}
            }
            if depth == 0 {
                self.rest = self.rest.get(at.checked_add(1)?..)?;
                return Some(None);
            }
        }
        None
    }

    /// Integers in parentheses; Python 2 may mark them `L`.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut sides = Vec::new();
        self.expect("(")?;
        while !self.take(")") {
            let rest = self.rest.trim_start();
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            let (digits, rest) = rest.split_at_checked(end)?;
            self.rest = rest;
            sides.push(digits.parse().ok()?);
            let _ = self.take("L");
            if sides.len() > MAX_DIMENSIONS {
                return None;
            }
            if !self.take(",") {
                self.expect(")")?;
                // `(3)` is a number, not a tuple.
                return (sides.len() > 1).then_some(sides);
            }
        }
        Some(sides)
    }
}
