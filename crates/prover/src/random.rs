//! Secret randomness.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use verinfer_relation::field::F;

use crate::error::ProveError;

pub use rand::Rng;

/// A generator seeded by the operating system.
pub fn from_operating_system() -> Result<ChaCha20Rng, ProveError> {
    ChaCha20Rng::try_from_rng(&mut SysRng).map_err(|error| ProveError::Randomness { reason: error.to_string() })
}

/// A uniform element of `F`.
pub fn random_element(random: &mut impl Rng) -> F {
    loop {
        let value = random.next_u64();
        if value < F::ORDER_U64 {
            return F::from_u64(value);
        }
    }
}

/// A uniform byte.
pub fn random_byte(random: &mut impl Rng) -> u8 {
    random.next_u32() as u8
}
