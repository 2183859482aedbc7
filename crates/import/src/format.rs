//! What a file that is not a TFLite model is, by its first bytes.

use std::fmt;

/// Bytes looked at for words inside an archive.
const SEARCHED: usize = 1 << 16;

/// A kind of file that people take for a TFLite model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The name says it; the message of each, what to do.
pub enum Format {
    Empty,
    Onnx,
    OrtModel,
    PyTorch,
    Pickle,
    Keras,
    Hdf5,
    SavedModel,
    FrozenGraph,
    CoreMl,
    ExecuTorch,
    Gguf,
    Ggml,
    Safetensors,
    Numpy,
    Picture,
    Zip,
    Gzip,
    CSource,
    Html,
    LfsPointer,
    Json,
    Verinfer,
    Unknown,
}

/// How a network in another format becomes one that can be proved.
const QUANTIZE: &str = "convert it to a fully quantized (INT8 or UINT8) .tflite file, ";

impl Format {
    /// What `bytes`, which lack the identifier of TFLite, are.
    pub fn of(bytes: &[u8]) -> Self {
        let start = bytes.get(..bytes.len().min(SEARCHED)).unwrap_or_default();
        match start {
            [] => Self::Empty,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::of_archive(start, bytes),
            [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Hdf5,
            [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => Self::Picture,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Self::Numpy,
            [b'G', b'G', b'U', b'F', ..] => Self::Gguf,
            [b'l', b'm', b'g', b'g', ..] | [b't', b'j', b'g', b'g', ..] => Self::Ggml,
            [b'V', b'E', b'R', rest @ ..] if rest.iter().take(5).all(u8::is_ascii_uppercase) => Self::Verinfer,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x80, 2..=5, ..] => Self::Pickle,
            [_, _, _, _, b'O', b'R', b'T', b'M', ..] => Self::OrtModel,
            [_, _, _, _, b'E', b'T', b'0'..=b'9', b'0'..=b'9', ..] => Self::ExecuTorch,
            _ if is_safetensors(start) => Self::Safetensors,
            _ => Self::of_text(start).or_else(|| Self::of_protobuf(start)).unwrap_or(Self::Unknown),
        }
    }

    fn of_archive(start: &[u8], bytes: &[u8]) -> Self {
        // The list of an archive's files is at its end.
        let end = bytes.get(bytes.len().saturating_sub(SEARCHED)..).unwrap_or_default();
        let names = |word: &[u8]| contains(start, word) || contains(end, word);
        if names(b"data.pkl") || names(b"constants.pkl") {
            Self::PyTorch
        } else if names(b"model.weights.h5") || names(b"config.json") {
            Self::Keras
        } else if names(b"saved_model.pb") {
            Self::SavedModel
        } else {
            Self::Zip
        }
    }

    fn of_text(start: &[u8]) -> Option<Self> {
        let text = start.trim_ascii_start();
        let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
        if begins(b"version https://git-lfs") {
            Some(Self::LfsPointer)
        } else if begins(b"<!doctype") || begins(b"<html") {
            Some(Self::Html)
        } else if begins(b"{") || begins(b"[") {
            Some(Self::Json)
        } else if text.is_ascii() && (contains(text, b"unsigned char") || contains(text, b"uint8_t")) {
            Some(Self::CSource)
        } else {
            None
        }
    }

    /// Protobuf has no identifier: the first fields of each message tell.
    fn of_protobuf(start: &[u8]) -> Option<Self> {
        match *start {
            // SavedModel: schema version 1, then a MetaGraphDef.
            [8, 1, 0x12, ..] if contains(start, b"tensorflow") || contains(start, b"serve") || contains(start, b"saver") => {
                Some(Self::SavedModel)
            }
            // Core ML: specification version, then a description with the type of its features.
            [8, 1..=20, 0x12, _, ..] if contains(start, b"com.github.apple") || contains(start, b"coremltools") => Some(Self::CoreMl),
            // ONNX: version of the representation, then the producer's name, its domain or the graph.
            [8, 1..=20, 0x12 | 0x1a | 0x22 | 0x2a | 0x32 | 0x3a | 0x42, ..] => Some(Self::Onnx),
            // GraphDef: nodes, each with a name first.
            [0x0a, _, 0x0a, ..] | [0x0a, _, _, 0x0a, ..] if contains(start, b"Placeholder") || contains(start, b"Const") => {
                Some(Self::FrozenGraph)
            }
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "the file is empty",
            Self::Onnx => "this is an ONNX model",
            Self::OrtModel => "this is a model in ONNX Runtime's ORT format",
            Self::PyTorch => "this is a PyTorch model",
            Self::Pickle => "this is a Python pickle, as of PyTorch or scikit-learn",
            Self::Keras => "this is a Keras model (.keras)",
            Self::Hdf5 => "this is an HDF5 file, as Keras writes (.h5)",
            Self::SavedModel => "this is a TensorFlow SavedModel",
            Self::FrozenGraph => "this is a frozen TensorFlow graph (.pb)",
            Self::CoreMl => "this is a Core ML model",
            Self::ExecuTorch => "this is an ExecuTorch program (.pte)",
            Self::Gguf => "this is a GGUF file",
            Self::Ggml => "this is a GGML file",
            Self::Safetensors => "this is a safetensors file, weights without a network",
            Self::Numpy => "this is a NumPy array, which can be an input of a model",
            Self::Picture => "this is a picture, which can be an input of a model",
            Self::Zip => "this is a zip archive",
            Self::Gzip => "this is compressed by gzip",
            Self::CSource => "this is C source with a model's bytes in it",
            Self::Html => "this is a web page, perhaps saved in place of the file it shows",
            Self::LfsPointer => "this is a pointer of Git LFS, not the file itself",
            Self::Json => "this is JSON",
            Self::Verinfer => "this is a file of verinfer, not a model",
            Self::Unknown => "the file identifier TFL3 is missing",
        }
    }

    /// What to do, if anything can be said.
    const fn way_out(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Onnx | Self::OrtModel => Some((QUANTIZE, "with onnx2tf -oiqt for instance")),
            Self::PyTorch | Self::ExecuTorch | Self::Safetensors => Some((QUANTIZE, "with litert-torch, or through ONNX")),
            Self::Pickle | Self::CoreMl => Some((QUANTIZE, "from the network it was made of")),
            Self::Keras | Self::Hdf5 | Self::SavedModel | Self::FrozenGraph => {
                Some((QUANTIZE, "with tf.lite.TFLiteConverter and a representative data set"))
            }
            Self::Gguf | Self::Ggml => Some(("its block-wise quantization has no integer-only arithmetic that could be proved", "")),
            Self::Zip | Self::Gzip => Some(("unpack it first", "")),
            Self::CSource => Some(("convert it back with xxd -r -p, or take the .tflite file it was made of", "")),
            Self::LfsPointer => Some(("fetch the file with git lfs pull", "")),
            Self::Empty | Self::Numpy | Self::Picture | Self::Html | Self::Json | Self::Verinfer | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.way_out() {
            Some((what, how)) => write!(f, ": {what}{how}"),
            None => Ok(()),
        }
    }
}

/// Eight bytes of length, then a JSON object of that length.
fn is_safetensors(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    length.is_some_and(|length| (2..1 << 32).contains(&length)) && bytes.get(8) == Some(&b'{') && contains(bytes, b"\"dtype\"")
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_told_by_their_first_bytes() {
        let safetensors = [b"\x20\0\0\0\0\0\0\0".as_slice(), br#"{"w":{"dtype":"F32","shape":[1]}}"#].concat();
        let keras = [b"PK\x03\x04\0\0".as_slice(), &[b' '; 100_000], b"PK\x01\x02model.weights.h5"].concat();
        for (bytes, expected) in [
            (b"".as_slice(), Format::Empty),
            (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0\x3a", Format::Onnx),
            (b"\x08\x04\x22\x0bonnx-domain", Format::Onnx),
            (b"\x30\0\0\0ORTM\0\0", Format::OrtModel),
            (b"PK\x03\x04\0\0archive/data.pkl", Format::PyTorch),
            (&keras, Format::Keras),
            (b"PK\x03\x04\0\0photo.png", Format::Zip),
            (b"\x80\x02}q\0", Format::Pickle),
            (b"\x89HDF\r\n\x1a\n\0", Format::Hdf5),
            (b"\x08\x01\x12\xf2\x1c\x0a\x05serve", Format::SavedModel),
            (b"\x0a\x1a\x0a\x05input\x12\x0bPlaceholder", Format::FrozenGraph),
            (b"\x34\0\0\0ET12\0\0", Format::ExecuTorch),
            (b"GGUF\x03\0\0\0", Format::Gguf),
            (b"lmgg\x01\0\0\0", Format::Ggml),
            (&safetensors, Format::Safetensors),
            (b"\x93NUMPY\x01\0", Format::Numpy),
            (b"\x89PNG\r\n\x1a\n", Format::Picture),
            (b"\x1f\x8b\x08\0", Format::Gzip),
            (b"// model\nconst unsigned char g_model[] = {0x1c, 0x00};", Format::CSource),
            (b"\n<!DOCTYPE html><html>", Format::Html),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", Format::LfsPointer),
            (br#"{"format": "layers-model"}"#, Format::Json),
            (b"nothing anybody knows", Format::Unknown),
        ] {
            assert_eq!(Format::of(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn the_message_names_the_format_and_the_way_out() {
        let text = Format::Onnx.to_string();
        assert!(text.starts_with("this is an ONNX model: convert it") && text.contains("onnx2tf"), "{text}");
    }
}
