//! Retrieval: a responder with a corpus, and a requester with a model.

pub mod approval;
pub mod requester;
pub mod responder;

mod corpus;
mod policy;
