use verinfer_commitments::CommitError;

/// Why bytes are no item, or an item is not the promised one.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// They are not the encoding of an item.
    #[error("the bytes are no item: {reason}")]
    Encoding {
        /// What is wrong with them.
        reason: String,
    },
    /// Another encoding of an item is the right one.
    #[error("the bytes are not the canonical encoding of their item")]
    NotCanonical,
    /// A salt has another length.
    #[error("a salt has {found} bytes, expected {expected}")]
    Salt {
        /// What it has.
        found: usize,
        /// What it should have.
        expected: usize,
    },
    /// Input or label are none that can be committed to.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The item is of another form than was promised.
    #[error("entry {index} has another input, a class that there is not, or its label in another form than was promised")]
    Form {
        /// The place.
        index: u32,
    },
    /// The item is not in the list at this place.
    #[error("the item is not entry {index} of the committed list")]
    NotInList {
        /// The place.
        index: u32,
    },
    /// The trusted source has not signed it.
    #[error("the document is not signed by its source")]
    Signature,
}
