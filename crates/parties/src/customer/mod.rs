//! A provider's customers. Each has one agreement, and one state for it.

pub mod accuracy;
pub mod record;
pub mod serving;
mod test_set;
