use verinfer_protocols::keys::AccountId;

use crate::client::Patience;
use crate::tls::Roots;

/// An escrow, as far as it is known before it is asked anything.
#[derive(Clone, Debug, Default)]
pub struct EscrowAddress {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    /// Whose certificates are believed at `https://`.
    pub roots: Roots,
    /// Its account: nobody else is heard. Without it the escrow is the one that has signed what was kept, or else the first that answers.
    pub account: Option<AccountId>,
    /// How long it is waited for.
    pub patience: Patience,
}

impl EscrowAddress {
    /// One of which nothing else is known.
    pub fn of(url: &str, patience: Patience) -> Self {
        Self { url: url.to_owned(), patience, ..Self::default() }
    }
}
