//! Names of classes.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::Value;
use verinfer_import::Model;

use crate::files;
use crate::model::Source;
use crate::output::Output;

/// Where the names of classes come from.
#[derive(Clone, Debug, Args)]
pub struct LabelArguments {
    /// Class names, one on each line, class 0 first, or with their numbers (`3  tench`, `3: tench`), or a JSON array or object; UTF-8.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

/// Names by class, empty where there is none.
#[derive(Default, Debug, PartialEq, Eq)]
struct Labels {
    names: Vec<String>,
    /// How many names are of no class.
    beyond: usize,
}

impl LabelArguments {
    /// The names by class: of the file, or those that come with the model; warns of a list that is too long.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not UTF-8, or is not about so many classes.
    pub fn read(&self, source: &Source, model: &Model, output: Output) -> anyhow::Result<Vec<String>> {
        // Of a map of pixels, each pixel has the classes.
        let classes = model.output.shape.channels;
        let Some(path) = &self.labels else {
            return Ok(source.labels().map(|text| Labels::read(text, classes)).transpose()?.unwrap_or_default().names);
        };
        let bytes = files::read(path, files::TEXT_LIMIT)?;
        let labels = text(&bytes).and_then(|text| Labels::read(text, classes));
        let Labels { names, beyond } = labels.with_context(|| format!("cannot use {}", path.display()))?;
        if beyond > 0 {
            let (path, names) = (path.display(), names.len());
            output.warning(&format!(
                "{path} has {} names for {classes} classes: is it of another model, or its first name of a background class that this one has not? Names may be wrong",
                names.saturating_add(beyond)
            ));
        }
        Ok(names)
    }
}

impl Labels {
    /// From a text, of which a JSON document, numbered lines and plain lines are understood.
    fn read(text: &str, classes: usize) -> anyhow::Result<Self> {
        let text = text.trim_start();
        if text.starts_with('{') || text.starts_with('[') {
            return Self::from_json(text, classes);
        }
        // Also the line ends of Windows and of old Macs.
        let mut lines: Vec<&str> = text.split('\n').flat_map(|line| line.trim_end_matches('\r').split('\r')).map(str::trim).collect();
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let written: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
        let named: Vec<&str> = written.iter().copied().filter(|line| !is_comment(line)).collect();
        if let Some(numbered) = named.iter().map(|line| numbered(line)).collect::<Option<Vec<_>>>()
            && !numbered.is_empty()
        {
            return Self::from_numbered(numbered, classes);
        }
        // A line may be left empty for a class without a name, or between names.
        let candidates = [&lines, &written, &named];
        let names = candidates.iter().find(|lines| lines.len() == classes).copied().unwrap_or(&named);
        ensure!(
            names.len() >= classes,
            "it has {} names, the model {classes} classes: number the lines if some have no name (`3  tench`)",
            names.len()
        );
        Ok(Self::cut(names.iter().map(|name| (*name).to_string()).collect(), classes))
    }

    fn cut(mut names: Vec<String>, classes: usize) -> Self {
        let beyond = names.len().saturating_sub(classes);
        names.truncate(classes);
        Self { names, beyond }
    }

    fn from_numbered(numbered: Vec<(usize, String)>, classes: usize) -> anyhow::Result<Self> {
        let mut names = vec![String::new(); classes];
        for (class, name) in numbered {
            let place =
                names.get_mut(class).with_context(|| format!("it names class {class}, the model has the classes 0 to {}", classes - 1))?;
            ensure!(place.is_empty(), "it names class {class} twice; names that begin with numbers can be given as a JSON array");
            *place = name;
        }
        Ok(Self { names, beyond: 0 })
    }

    /// An array of names; or an object of names by class, of lists by class whose last element is the name (Keras), or of classes by name.
    fn from_json(text: &str, classes: usize) -> anyhow::Result<Self> {
        let name = |value: &Value| match value {
            Value::String(name) => Some(name.clone()),
            Value::Array(list) => list.last().and_then(Value::as_str).map(str::to_string),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        };
        match serde_json::from_str(text).context("it begins as JSON, but is not")? {
            Value::Array(names) => {
                let names = names.iter().map(name).collect::<Option<Vec<_>>>().context("its JSON array holds other things than names")?;
                ensure!(names.len() >= classes, "it has {} names, the model {classes} classes", names.len());
                Ok(Self::cut(names, classes))
            }
            Value::Object(entries) => {
                let numbered = entries.iter().map(|(key, value)| match value {
                    Value::Number(class) => Some((usize::try_from(class.as_u64()?).ok()?, key.clone())),
                    Value::String(_) | Value::Array(_) => Some((key.parse().ok()?, name(value)?)),
                    Value::Null | Value::Bool(_) | Value::Object(_) => None,
                });
                let numbered =
                    numbered.collect::<Option<Vec<_>>>().context("its JSON object is neither of names by class nor of classes by name")?;
                Self::from_numbered(numbered, classes)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => bail!("its JSON is neither an array nor an object"),
        }
    }
}

/// The text of a file in UTF-8, with or without a byte order mark.
fn text(bytes: &[u8]) -> anyhow::Result<&str> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        bail!("it is UTF-16 text: save it as UTF-8");
    }
    let text = std::str::from_utf8(bytes).context("it is not UTF-8 text, but perhaps Latin-1: save it as UTF-8")?;
    ensure!(!text.contains('\0'), "it is not UTF-8 text, but perhaps UTF-16: save it as UTF-8");
    Ok(text.trim_start_matches('\u{feff}'))
}

/// `# names of classes`; a class may be called `#`.
fn is_comment(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// Class and name of `3  tench`, `3: tench`, `3,tench`.
fn numbered(line: &str) -> Option<(usize, String)> {
    let end = line.find(|letter: char| !letter.is_ascii_digit())?;
    let (class, rest) = line.split_at_checked(end)?;
    let name = rest.trim_start().trim_start_matches([':', ',']).trim();
    let is_separated = rest.starts_with([' ', '\t', ':', ',']);
    (is_separated && !name.is_empty()).then(|| Some((class.parse().ok()?, name.to_string())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8], classes: usize) -> Result<Vec<String>, String> {
        let labels = text(bytes).and_then(|text| Labels::read(text, classes));
        labels.map(|labels| labels.names).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn lists_of_every_kind_name_the_same_classes() {
        for list in [
            "a\nb b\n3c",
            "a\nb b\n3c\n\n",
            "a\r\nb b\r\n3c\r\n",
            "a\rb b\r3c\r",
            "\u{feff}a\nb b\n3c\n",
            "a\n\nb b\n\n3c\n",
            "# names\na\nb b\n# more\n3c\n",
            "0  a\n1  b b\n2  3c\n",
            "2\t3c\n0\ta\n1\tb b",
            "0: a\n1: b b\n2: 3c",
            "0:a\n1:b b\n2:3c",
            "0,a\n1,b b\n2,3c",
            "# names\n0 a\n\n1 b b\n2 3c",
            "[\"a\", \"b b\", \"3c\"]",
            "{\"0\": \"a\", \"1\": \"b b\", \"2\": \"3c\"}",
            "{\"2\": [\"n03\", \"3c\"], \"0\": [\"n01\", \"a\"], \"1\": [\"n02\", \"b b\"]}",
            "{\"3c\": 2, \"a\": 0, \"b b\": 1}",
        ] {
            assert_eq!(names(list.as_bytes(), 3).unwrap(), ["a", "b b", "3c"], "{list:?}");
        }
    }

    #[test]
    fn names_that_look_like_something_else_are_names() {
        assert_eq!(names(b"0\n1\n2\n", 3).unwrap(), ["0", "1", "2"]);
        assert_eq!(names(b"#\n+\n-\n", 3).unwrap(), ["#", "+", "-"]);
        assert_eq!(names(b"# sharp\nb flat\nc\n", 3).unwrap(), ["# sharp", "b flat", "c"]);
        assert_eq!(names(b"3 cows\ntwo\n1\n", 3).unwrap(), ["3 cows", "two", "1"]);
        assert_eq!(names(b"a\n\nc\n", 3).unwrap(), ["a", "", "c"]);
    }

    #[test]
    fn classes_without_a_number_have_no_name() {
        assert_eq!(names(b"0  a\n3  d\n", 5).unwrap(), ["a", "", "", "d", ""]);
        assert_eq!(names(b"{\"3\": \"d\"}", 5).unwrap(), ["", "", "", "d", ""]);
    }

    #[test]
    fn lists_that_are_too_long_are_cut_and_counted() {
        let labels = Labels::read("a\nb\nc\nd\n", 3).unwrap();
        assert_eq!((labels.names.len(), labels.beyond), (3, 1));
        assert_eq!(Labels::read("[\"a\", \"b\", \"c\", \"d\", \"e\"]", 3).unwrap().beyond, 2);
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        for (bytes, reason) in [
            (b"a\nb\n".as_slice(), "it has 2 names, the model 3 classes"),
            (b"", "it has 0 names, the model 3 classes"),
            (b"[\"a\"]", "it has 1 names, the model 3 classes"),
            (b"0 a\n1 b\n3 c", "it names class 3, the model has the classes 0 to 2"),
            (b"1 a\n1 b\n2 c", "it names class 1 twice"),
            (b"\xff\xfea\0\n\0", "it is UTF-16 text"),
            (b"\0a\0\n\0b", "perhaps UTF-16"),
            (b"b\xe4ckground\nb\nc", "perhaps Latin-1"),
            (b"{\"0\": \"a\"", "it begins as JSON, but is not"),
            (b"[1, 2, 3]", "its JSON array holds other things than names"),
            (b"{\"a\": {}}", "its JSON object is neither"),
        ] {
            let error = names(bytes, 3).unwrap_err();
            assert!(error.contains(reason), "{error} is not {reason}");
        }
    }
}
