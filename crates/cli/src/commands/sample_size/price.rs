//! What a proof costs, stated or measured.

use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use verinfer_sampling::Cost;

use super::PriceArguments;
use crate::files;

/// Where the price of a proof comes from.
#[derive(Debug, Serialize)]
pub struct Price {
    /// The measured model, and what was hidden; `None` if the time was stated.
    pub model: Option<String>,
    /// Of a proof and its verification, all cores together, for one image.
    pub core_seconds: f64,
    /// In dollars.
    pub price_per_core_hour: f64,
    #[serde(skip)]
    cost: Cost,
}

impl Price {
    /// `None` if no price was given.
    pub fn new(arguments: &PriceArguments) -> anyhow::Result<Option<Self>> {
        let Some(price_per_core_hour) = arguments.price_per_core_hour else { return Ok(None) };
        let (model, core_seconds) = match (&arguments.measured, arguments.seconds_per_proof) {
            (Some(file), _) => Measured::read(file)?.core_seconds().with_context(|| format!("{} cannot be used", file.display()))?,
            (None, Some(seconds)) => (None, seconds * f64::from(arguments.cores)),
            (None, None) => bail!("a price needs a time: --seconds-per-proof or --measured"),
        };
        let cost = Cost::new(core_seconds, price_per_core_hour)?;
        Ok(Some(Self { model, core_seconds, price_per_core_hour, cost }))
    }

    /// Of one sample.
    pub const fn cost(&self) -> Cost {
        self.cost
    }
}

/// The part of the report of `verinfer bench --json` that matters here.
#[derive(Deserialize)]
struct Measured {
    batch: u32,
    threads: u32,
    models: Vec<MeasuredModel>,
}

#[derive(Deserialize)]
struct MeasuredModel {
    model: String,
    hidden: Vec<String>,
    prover: MeasuredSide,
    verifier: MeasuredSide,
}

#[derive(Deserialize)]
struct MeasuredSide {
    seconds: f64,
}

/// Longest report that is read, in bytes.
const LONGEST_REPORT: u64 = 16 << 20;

impl Measured {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let bytes = files::read(file, LONGEST_REPORT)?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no report of `verinfer bench --json`", file.display()))
    }

    /// The model's name and the core-seconds of an image: the prover uses all threads, the verifier one.
    fn core_seconds(&self) -> anyhow::Result<(Option<String>, f64)> {
        let [MeasuredModel { model, hidden, prover, verifier }] = self.models.as_slice() else {
            bail!("it has {} measurements; measure one model with one setting", self.models.len());
        };
        if self.batch == 0 {
            bail!("it is about proofs of no image");
        }
        let hidden = if hidden.is_empty() { "nothing hidden".to_string() } else { format!("hidden {}", hidden.join(" and ")) };
        let core_seconds = (prover.seconds * f64::from(self.threads) + verifier.seconds) / f64::from(self.batch);
        Ok((Some(format!("{model}, {hidden}")), core_seconds))
    }
}
