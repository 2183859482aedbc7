//! What an escrow allows strangers and parties, as options.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;

/// What the escrow allows.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// Agreements that an account may have proposed and that have not ended; 0 lets no agreement begin.
    #[arg(long, value_name = "N", default_value_t = Limits::default().open_agreements)]
    max_open: u64,

    /// MiB of files that a party may leave with an agreement that nobody has accepted yet.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().proposed_bytes >> 20)]
    max_proposal_files: u64,

    /// MiB of files that a party may leave with an agreement that was accepted.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().agreement_bytes >> 20)]
    max_agreement_files: u64,

    /// MiB of files that an account may leave with all agreements that have not ended.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().account_bytes >> 20)]
    max_account_files: u64,

    /// MiB that must be free on the disk of an SQLite database: with less, no files are taken and time stands still, so that there is room for the log.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().reserve >> 20)]
    reserve: u64,

    /// Proofs that are verified at the same time.
    #[arg(long, value_name = "N", default_value_t = Limits::default().verifying)]
    verifying: NonZeroUsize,

    /// Proofs that may wait to be verified: of more, those of agreements that hold least are told to come again.
    #[arg(long, value_name = "N", default_value_t = Limits::default().waiting)]
    max_waiting: usize,

    /// Requests of one address in a second.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().requests_per_second)]
    max_rate: NonZeroU32,

    /// Connections at the same time.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().connections)]
    max_connections: usize,

    /// KiB of a request.
    #[arg(long, value_name = "KIB", default_value_t = HttpLimits::default().body_bytes >> 10)]
    max_request: usize,

    /// MiB of all requests and long answers that are in memory at the same time.
    #[arg(long, value_name = "MIB", default_value_t = HttpLimits::default().bodies_bytes >> 20)]
    max_memory: usize,

    /// One address has at most one part in so many of the connections and of the memory.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().shares)]
    shares: NonZeroUsize,

    /// One part in so many of the connections and of the memory is kept for addresses from which an account that is known here has signed a request within
    /// a day.
    #[arg(long, value_name = "N", default_value = "4")]
    kept: NonZeroUsize,

    /// Seconds that a client may take for the header of a request, for its body, and to read an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = HttpLimits::default().patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

impl LimitArguments {
    /// Those of the escrow.
    pub fn escrow(&self) -> Limits {
        Limits {
            open_agreements: self.max_open,
            proposed_bytes: self.max_proposal_files.saturating_mul(1 << 20),
            agreement_bytes: self.max_agreement_files.saturating_mul(1 << 20),
            account_bytes: self.max_account_files.saturating_mul(1 << 20),
            reserve: self.reserve.saturating_mul(1 << 20),
            verifying: self.verifying,
            waiting: self.max_waiting,
            ..Limits::default()
        }
    }

    /// Those of its HTTP server.
    pub fn http(&self) -> HttpLimits {
        HttpLimits {
            requests_per_second: self.max_rate,
            connections: self.max_connections,
            body_bytes: self.max_request.saturating_mul(1 << 10),
            bodies_bytes: self.max_memory.saturating_mul(1 << 20),
            shares: self.shares,
            kept: Some(self.kept),
            patience: Duration::from_secs(self.patience),
        }
    }
}
