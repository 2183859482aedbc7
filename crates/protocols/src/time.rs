//! Time as a parameter: the escrow's clock, in milliseconds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A time on the escrow's clock: milliseconds since the Unix epoch, less the time during which the escrow was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timestamp(pub u64);

/// A duration in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Millis(pub u64);

impl Millis {
    /// The longest period that terms may set: 366 days.
    pub const MAX_PERIOD: Self = Self(366 * 24 * 60 * 60 * 1000);
}

impl Timestamp {
    /// The time a period later.
    pub const fn after(self, period: Millis) -> Self {
        Self(self.0.saturating_add(period.0))
    }

    /// The time a period earlier.
    pub const fn before(self, period: Millis) -> Self {
        Self(self.0.saturating_sub(period.0))
    }

    /// How long it is until a later time.
    pub const fn until(self, later: Self) -> Millis {
        Millis(later.0.saturating_sub(self.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
