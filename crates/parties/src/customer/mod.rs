//! A provider's customers. Each has one agreement, and one state for it.

pub mod accuracy;
pub mod serving;
mod test_set;

use crate::drive::Step;
use crate::peer::PeerError;

/// The other party need not take what it is sent: the escrow sees to it. Nothing is to be done until it has moved.
pub(crate) fn tolerate(sent: Result<(), PeerError>) -> Result<Step, PeerError> {
    match sent {
        Ok(()) | Err(PeerError::Refused { .. } | PeerError::Unreachable { .. }) => Ok(Step::Waiting),
        Err(error) => Err(error),
    }
}
