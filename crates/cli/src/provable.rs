//! In which settings a network can be proved.

use serde::Serialize;
use verinfer_graph::Graph;
use verinfer_relation::learned::Learned;
use verinfer_relation::{Relation, RelationError};

use crate::hide::{HideArguments, Part};

/// Whether a network can be proved with certain parts hidden.
#[derive(Debug, Serialize)]
pub struct SettingReport {
    /// `public`, `weights hidden`, ...
    pub setting: String,
    /// Why it cannot be proved; `None` if it can.
    pub unprovable: Option<String>,
}

/// Public, weights, input and both hidden, in this order, for proofs of so many images.
pub fn settings(graph: &Graph, images: usize) -> Vec<SettingReport> {
    let settings = HideArguments::settings(true, &HideArguments::default());
    let report = |hide: HideArguments| SettingReport {
        setting: hide.title(),
        unprovable: check(graph, &hide, images).err().map(|error| error.to_string()),
    };
    settings.into_iter().map(report).collect()
}

fn check(graph: &Graph, hide: &HideArguments, images: usize) -> Result<(), RelationError> {
    let relation = Relation::with_setting(graph, images, &hide.setting(graph, None)?)?;
    if hide.hides(Part::Weights) {
        Learned::new(graph, &relation)?;
    }
    Ok(())
}
