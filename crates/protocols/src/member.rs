//! Entries of a test set or a corpus, as a party names them beside a proof.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bytes::fixed_bytes;
use crate::digest::{AgreementId, Digest};
use crate::merkle::{Path, Root};
use crate::refusal::{MemberFault, ProofFault, Refusal};
use crate::statement::{Statement, context};

fixed_bytes! {
    /// Hides a label in its digest: 32 uniform bytes, new for each label.
    LabelSalt, 32
}

/// An entry and the path that shows it is in the committed list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its place in the list.
    pub index: u32,
    /// From it to the root.
    pub path: Path,
}

/// The class of an example, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenedLabel {
    /// The true class.
    pub class: u32,
    /// What hid it.
    pub salt: LabelSalt,
}

impl OpenedLabel {
    /// The digest that stands for the label in the test set.
    pub fn digest(&self) -> Digest {
        Digest::of("verinfer protocols v1 label", self)
    }
}

/// The entry of a test set: an input and its true class, as digests of commitments to them. The class is either an [`OpenedLabel`], or a commitment
/// that proofs can count with.
pub fn example_entry(input: &Digest, label: &Digest) -> Digest {
    Digest::of("verinfer protocols v1 example", &(input, label))
}

/// The entry of a corpus: the digest of the commitment to a document.
pub fn document_entry(document: &Digest) -> Digest {
    Digest::of("verinfer protocols v1 document", document)
}

/// Checks that a proof is about this agreement's model, in this stage, and about `images` images, at least one.
///
/// # Errors
///
/// The first thing about it that is different.
pub fn check_proof(statement: &Statement, model: Digest, agreement: AgreementId, stage: &str, images: usize) -> Result<(), ProofFault> {
    if statement.model != model {
        return Err(ProofFault::OtherModel);
    }
    if statement.context != context(agreement, stage) {
        return Err(ProofFault::OtherContext);
    }
    match statement.inputs.len() {
        found if found == images && images > 0 => Ok(()),
        found => Err(ProofFault::Images { found, expected: images }),
    }
}

/// Adds an entry to those that were handled.
///
/// # Errors
///
/// It is not due, or was handled before.
pub fn handle(index: u32, due: &BTreeSet<u32>, handled: &mut BTreeSet<u32>) -> Result<(), MemberFault> {
    if !due.contains(&index) {
        Err(MemberFault::NotDue)
    } else if !handled.insert(index) {
        Err(MemberFault::Repeated)
    } else {
        Ok(())
    }
}

/// Checks that an entry has its place in a list.
///
/// # Errors
///
/// The path does not show it.
pub fn check_place(root: &Root, member: &Member, entry: &Digest) -> Result<(), MemberFault> {
    if root.holds(member.index, entry, &member.path) { Ok(()) } else { Err(MemberFault::NotInList) }
}

/// Says which entry of a move a fault is in.
pub fn at(position: usize) -> impl FnOnce(MemberFault) -> Refusal {
    move |fault| Refusal::Member { position, fault }
}
