//! Random agreements, each played through the machine.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use verinfer_protocols::accuracy::Outcome;
use verinfer_protocols::coin::Share;

use super::{Customer, Game, Provider, sale};
use crate::{Economy, Estimate, Gains, PlayError};

/// Gains of `games` agreements between these players.
///
/// # Errors
///
/// The economy is impossible.
pub fn simulate(
    economy: &Economy,
    customer: &Customer,
    provider: &Provider,
    games: u32,
    random: &mut impl Rng,
) -> Result<Estimate, PlayError> {
    let game = Game::new(economy)?;
    let accuracy = provider.quality.accuracy(economy).value();
    let mut gains = Vec::new();
    for _ in 0..games {
        let mut labels_right: Vec<bool> = (0..economy.examples()).map(|index| index >= customer.wrong_labels).collect();
        labels_right.shuffle(random);
        let correct: Vec<bool> = labels_right.into_iter().map(|right| right && random.random_bool(accuracy)).collect();
        let mut share = Share([0; 32]);
        random.fill_bytes(&mut share.0);
        let played = game.play(provider, &correct, share, None)?;
        let met = matches!(played.outcome, Outcome::TargetMet { .. });
        gains.push(played.gains + if met { sale(economy, provider.quality) } else { Gains::default() });
    }
    Ok(Estimate::new(&gains))
}
