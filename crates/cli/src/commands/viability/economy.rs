//! The economy's parameters as arguments.

use verinfer_sampling::Probability;
use verinfer_viability::{Economy, EconomyError};

/// What differs from the paper's prices.
#[derive(Debug, clap::Args)]
pub struct EconomyArguments {
    /// E, a test input and its label.
    #[arg(long, value_name = "AMOUNT")]
    example: Option<u64>,

    /// Z, a proof of one input.
    #[arg(long, value_name = "AMOUNT")]
    proof: Option<u64>,

    /// P, an inference.
    #[arg(long, value_name = "AMOUNT")]
    inference: Option<u64>,

    /// What each party to an agreement about accuracy pays the escrow; without it, N1 P / 99.
    #[arg(long, value_name = "AMOUNT")]
    fee: Option<u64>,

    /// N1, examples that the provider tries first.
    #[arg(long, value_name = "N1")]
    first: Option<u32>,

    /// N2, examples that are proved.
    #[arg(long, value_name = "N2")]
    second: Option<u32>,

    /// So many of the N2 have to be correct; without it, three quarters.
    #[arg(long, value_name = "N")]
    target: Option<u32>,

    /// The accuracy of the promised model.
    #[arg(long, value_name = "ACCURACY")]
    accuracy: Option<Probability>,

    /// What a sale after a met target is worth to each party; without it, a hundredth of 1000 N1 E.
    #[arg(long, value_name = "AMOUNT")]
    surplus: Option<u64>,

    /// K, predictions of a round.
    #[arg(long, value_name = "K")]
    round: Option<u32>,

    /// K1, predictions of a round that the customer contests at random.
    #[arg(long, value_name = "K1")]
    contested: Option<u32>,

    /// The provider's deposit in proofs of the whole round.
    #[arg(long, value_name = "BETA")]
    beta: Option<u32>,
}

impl EconomyArguments {
    /// The economy.
    ///
    /// # Errors
    ///
    /// It is impossible.
    pub fn economy(&self) -> Result<Economy, EconomyError> {
        let paper = Economy::of_the_paper()?;
        let (first, inference) = (self.first.unwrap_or(paper.first), self.inference.unwrap_or(paper.inference));
        let (second, example) = (self.second.unwrap_or(paper.second), self.example.unwrap_or(paper.example));
        let economy = Economy {
            example,
            proof: self.proof.unwrap_or(paper.proof),
            inference,
            fee: self.fee.unwrap_or(u64::from(first).saturating_mul(inference) / 99),
            first,
            second,
            target: self.target.unwrap_or(second - second / 4),
            accuracy: self.accuracy.unwrap_or(paper.accuracy),
            surplus: self.surplus.unwrap_or(u64::from(first).saturating_mul(example).saturating_mul(10)),
            round: self.round.unwrap_or(paper.round),
            contested: self.contested.unwrap_or(paper.contested),
            beta: self.beta.unwrap_or(paper.beta),
            ..paper
        };
        economy.check()?;
        Ok(economy)
    }
}
