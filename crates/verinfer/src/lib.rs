//! Proofs that a quantized neural network was run exactly.
//!
//! Whoever has a model proves that it gives an output on an input; whoever has the proof verifies it in milliseconds, without running the model, and where its
//! owner wants that, without seeing model, input or output. The network is run bit for bit as its runtime's reference kernels run it; the argument is
//! zero-knowledge, has no trusted setup and 128 bits of security.
//!
//! # First proof
//!
//! ```
//! use verinfer::{Expectations, Prover, Request, Verifier, digits};
//!
//! let model = digits::model()?; // Model::load("digits.tflite") reads one from a file,
//! let image = digits::sample(7)?; // model.read("seven.png") a picture or an array.
//! assert_eq!(model.run(&image)?.only()?.argmax(), Some(7));
//!
//! let proof = Prover::new(&model).prove(&Request::new([image.clone()]))?.proof;
//!
//! let verifier = Verifier::of_model(&model);
//! let accepted = verifier.verify(proof.to_bytes(), &Expectations::new().inputs([image]))?;
//! println!("{accepted}"); // what the proof says, and what it does not
//! assert_eq!(accepted.outputs().unwrap()[0].argmax(), Some(7));
//! # Ok::<(), verinfer::Error>(())
//! ```
//!
//! # What is public is chosen
//!
//! A statement says that *this* network gives *this* output on *this* input. Each of the three can be hidden behind a commitment instead, which is made once and
//! named in any number of proofs: [`Model::commit`] and [`Model::commit_inputs`] give a [`Commitment`] for everybody and a [`Secret`] for its owner.
//! [`Request::hide_weights`], [`Request::hide_inputs`] and [`Request::hide_outputs`] put commitments in the place of values, and [`Request::claim`] says
//! something of the outputs in their place: that a class is the first, that a score is high enough, how many hidden labels are right ([`Claim`]).
//!
//! ```
//! use verinfer::{Claim, Expectations, Prover, Request, Verifier, digits};
//!
//! let model = digits::model()?;
//! let opening = model.commit()?; // opening.write("model.vcm", "model.vsk")
//! let request = Request::new([digits::sample(3)?])
//!     .hide_weights(&opening.secret)
//!     .hide_inputs()
//!     .claim(Claim::Top { classes: vec![3], k: 1 })
//!     .context("invoice 17");
//! let proved = Prover::new(&model).prove(&request)?;
//!
//! // A customer has the commitment, and neither model nor image.
//! let verifier = Verifier::of_commitment(&opening.commitment)?;
//! let accepted = verifier.verify(proved.proof.to_bytes(), &Expectations::new().top([3], 1).context("invoice 17"))?;
//! assert!(accepted.outputs().is_none());
//! # Ok::<(), verinfer::Error>(())
//! ```
//!
//! # What a verifier demands
//!
//! A proof that holds says what its statement says, and no more. A verifier that wants something of it says so with [`Expectations`]: the input, the context,
//! the form of the output. What was not demanded is the prover's choice, and [`Verified::warnings`] and [`Verified::does_not_say`] tell.
//!
//! # Before a proof is made
//!
//! [`Model::estimate`] gives the size of a proof and the memory and work of the prover; [`estimate`](mod@estimate) also its time. [`Request::max_memory`] refuses
//! what takes too much, [`Request::progress`] tells how far a proof is, and a [`Cancellation`] ends it. The prover uses all threads of rayon's global pool; a
//! pool of its own with fewer threads is entered by `rayon::ThreadPool::install`.
//!
//! # Files
//!
//! Proofs, commitments (`.vcm`) and secrets (`.vsk`) have a version and one encoding; [`AnyFile`] tells from its first bytes what a file is. Files are written
//! whole or not at all, secrets such that only their owner can read them.
//!
//! # Errors
//!
//! All functions give [`Error`], whose [`kind`](Error::kind) is stable. That a proof is not accepted is one of them ([`Error::is_rejection`]).
//!
//! # Stability
//!
//! Shapes are lists of sides, inputs and outputs have names, and enums and structs that may grow are `#[non_exhaustive]`: models of any rank, several inputs and
//! outputs, and other formats and types fit this interface. Options that make a proof or its verification say less have names that begin with `dangerous_`.

mod any_file;
mod claim;
mod commitment;
pub mod digits;
mod error;
pub mod estimate;
mod example;
mod expectations;
mod files;
mod model;
mod proof;
mod prover;
mod request;
pub mod statement;
mod tensor;
mod verifier;

pub use any_file::AnyFile;
pub use claim::{Claim, Question, QuestionError};
pub use commitment::{Commitment, CommitmentKind, Opening, Secret};
pub use error::{Error, Result};
pub use estimate::Estimate;
pub use example::Example;
pub use expectations::Expectations;
pub use model::{Model, Size};
pub use proof::Proof;
pub use prover::{NewCommitment, Object, Proved, Prover};
pub use request::{Cancellation, Part, Progress, Request};
pub use statement::Statement;
pub use tensor::{ElementType, Quantization, Tensor, TensorInfo};
pub use verifier::{Verified, Verifier};

/// How models and inputs are read: formats, preprocessing of pictures, networks to measure with.
pub use verinfer_import::{Architecture, ImportError, Importer, Importers, InputError, InputOptions, Pixels, Resize};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
