//! A responder's documents with the openings of their commitments, kept one by one.

use verinfer_commitments::draw_salt;
use verinfer_graph::{DataType, Shape};
use verinfer_items::{Document, OpenedInput};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::member::document_entry;
use verinfer_protocols::merkle::{Path, Tree};
use verinfer_protocols::retrieval::sign_document;

use crate::error::PartyError;
use crate::model::ModelError;
use crate::store::{Store, StoreError, numbered};
use crate::transfer::check_size;

const DOCUMENTS: &str = "documents";

/// Commits to documents and keeps them, each signed by the source, if there is one; what has been kept is not made anew. Gives the tree over them,
/// and how many bytes an escrow counts for all of them, sealed.
///
/// # Errors
///
/// A document cannot be committed to or kept, one of an earlier start has another shape or type, or there are more than can be handed over.
pub fn commit(
    store: &Store,
    (shape, dtype): (Shape, DataType),
    source: Option<&SecretKey>,
    documents: &[Vec<i16>],
) -> Result<(Tree, u64), PartyError> {
    for (index, values) in (0..).zip(documents) {
        store.once(DOCUMENTS, &numbered(index), || {
            let salt = draw_salt().map_err(ModelError::from)?;
            let content = OpenedInput::new(shape, dtype, values, &salt);
            let content = content.ok_or_else(|| PartyError::Plan(format!("document {index} is out of range")))?;
            let digest = content.digest()?;
            let signature = source.map(|source| sign_document(source, &digest));
            Ok::<_, PartyError>((Document { content, signature, path: Path(Vec::new()) }, digest))
        })?;
    }
    let entry = |kept: Result<(String, (Document, Digest)), StoreError>| {
        let (name, (document, digest)) = kept?;
        if (document.content.shape(), document.content.dtype()) == (shape, dtype) {
            return Ok(document_entry(&digest));
        }
        Err(PartyError::Plan(format!("the document {name} of an earlier start has another shape or type than {shape} {dtype:?}")))
    };
    let entries: Vec<Digest> = store.list(DOCUMENTS).map(entry).collect::<Result<_, _>>()?;
    let tree = Tree::new(&entries)?;
    let bytes = check_size(tree.root().len, document(store, &tree, 0)?.encode().len())?;
    Ok((tree, bytes))
}

/// The document at a place, with its path.
///
/// # Errors
///
/// There is none.
pub fn document(store: &Store, tree: &Tree, index: u32) -> Result<Document, PartyError> {
    let lost = || PartyError::Plan(format!("the corpus has no document {index}"));
    let (mut document, _) = store.get::<(Document, Digest)>(DOCUMENTS, &numbered(index))?.ok_or_else(lost)?;
    document.path = tree.path(index).ok_or_else(lost)?;
    Ok(document)
}
