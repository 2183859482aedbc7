//! Text on a terminal: what names, labels, messages of peers and paths hold must not move its cursor, change its colours, hide or reorder characters, or forge lines.
//!
//! [`output`](crate::output) passes everything it prints through [`lines`] or [`json`]; reports put foreign text that belongs in one line through [`one_line`].

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;

/// Text in one line, with every character visible and in its place.
pub struct OneLine<T>(T);

/// `text` without line breaks, tabs, control characters, and characters without width or against the direction of reading: each is escaped.
pub const fn one_line<T: AsRef<str>>(text: T) -> OneLine<T> {
    OneLine(text)
}

impl<T: AsRef<str>> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(self.0.as_ref(), |_| false, |escaped, c| write!(escaped, "{}", c.escape_default())))
    }
}

/// `text` with its line breaks, and everything else as in [`one_line`].
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n', |escaped, c| write!(escaped, "{}", c.escape_default()))
}

/// JSON with what a terminal would obey written as `\uXXXX`, which means the same: such characters occur in strings only.
pub fn json(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n', |escaped, c| c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(escaped, "\\u{unit:04x}")))
}

/// A stream of which every write goes through [`lines`].
pub struct Escaping<W>(pub W);

impl<W: io::Write> io::Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(lines(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escape(text: &str, keep: impl Fn(char) -> bool, mut write: impl FnMut(&mut String, char) -> fmt::Result) -> Cow<'_, str> {
    let is_obeyed = |c: char| is_obeyed(c) && !keep(c);
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len().saturating_mul(2));
    for c in text.chars() {
        if is_obeyed(c) {
            // Writing to a string does not fail.
            let _ = write(&mut escaped, c);
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal does something else with a character than to show it: controls, separators of lines, directions of reading, and what has no width.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Escape sequences of both kinds, line breaks, directions, no width, tags.
    const HOSTILE: &str = "a\x1b[2K\u{9b}1A\r\n\tb\u{7f}\u{202e}c\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}é字";

    #[test]
    fn one_line_shows_what_a_terminal_would_obey() {
        let shown = one_line(HOSTILE).to_string();
        assert_eq!(shown, "a\\u{1b}[2K\\u{9b}1A\\r\\n\\tb\\u{7f}\\u{202e}c\\u{2066}\\u{200b}\\u{feff}\\u{2028}\\u{e0041}é字");
        assert_eq!(one_line("plain 日本語 text").to_string(), "plain 日本語 text");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("one\ntwo\x1b[0m\n"), "one\ntwo\\u{1b}[0m\n");
    }

    #[test]
    fn json_means_the_same() {
        let text = serde_json::to_string_pretty(&[HOSTILE]).unwrap();
        let escaped = json(&text);
        assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).unwrap(), [HOSTILE]);
        assert!(!escaped.contains(|c| is_obeyed(c) && c != '\n'), "{escaped}");
    }

    #[test]
    fn a_stream_is_escaped() {
        let mut stream = Escaping(Vec::new());
        io::Write::write_all(&mut stream, b"one\ntwo\x1b[0m\xff\n").unwrap();
        assert_eq!(String::from_utf8(stream.0).unwrap(), "one\ntwo\\u{1b}[0m\u{fffd}\n");
    }
}
