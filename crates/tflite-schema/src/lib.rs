//! Reader of `.tflite` files: code that `flatc --rust` 25.12.19 generated from `schema/tflite.fbs`, and nothing else.
//!
//! [`tflite::root_as_model_with_opts`] runs the flatbuffers verifier; every accessor of a [`tflite::Model`] it returns stays within the
//! buffer. The generated `*_unchecked` functions skip the verifier and are not for use. To regenerate:
//!
//! ```text
//! flatc --rust -o src schema/tflite.fbs && mv src/tflite_generated.rs src/generated.rs
//! ```

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction)]
#[rustfmt::skip]
mod generated;

pub use generated::tflite;
