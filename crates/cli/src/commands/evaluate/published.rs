//! What others report, as a table of data with sources.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use verinfer_graph::Graph;
use verinfer_import::{Architecture, synthetic};

use verinfer_graph::cost;

/// The table.
const TABLE: &str = include_str!("published.json");

/// A system's figures for one network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Short name of the row.
    pub id: String,
    /// Who proves.
    pub system: String,
    /// What, for people.
    pub model: String,
    /// How the figures came about.
    pub evidence: Evidence,
    /// Where they stand.
    pub source: String,
    /// The network, if it is one that can be recognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Whether it stands beside our own figures for the network in table 1.
    pub compared: bool,
    /// Whether proofs reveal nothing but the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_knowledge: Option<bool>,
    /// Whether the hidden weights are bound to a commitment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_bound: Option<bool>,
    /// Share of images whose class is among the first five.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
    /// Once for each model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_seconds: Option<f64>,
    /// For each proof.
    pub prove_seconds: f64,
    /// For each proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_seconds: Option<f64>,
    /// Size of a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof_bytes: Option<u64>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware: Option<String>,
    /// Its logical processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processors: Option<u32>,
    /// Memory of the machine, or of the process where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// How figures came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// By the authors of the system.
    Published,
    /// A published bound: the system takes at least as long.
    LowerBound,
    /// By us, with the system's own program.
    Measured,
}

/// A network by its architecture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "architecture")]
pub enum Network {
    /// MobileNet v2.
    #[serde(rename = "mobilenet_v2")]
    MobileNetV2 {
        /// Width multiplier.
        width: f64,
        /// Side of the picture in pixels.
        resolution: usize,
    },
    /// [`Architecture::LeNet`].
    #[serde(rename = "lenet")]
    LeNet,
}

impl Published {
    /// All rows.
    ///
    /// # Errors
    ///
    /// Never for the committed table, which a test reads.
    pub fn table() -> anyhow::Result<Vec<Self>> {
        serde_json::from_str(TABLE).context("the table of published figures is damaged")
    }

    /// An upper bound of the core-seconds of a proof: all processors for all the time.
    pub fn processor_seconds(&self) -> Option<f64> {
        self.processors.map(|processors| f64::from(processors) * self.prove_seconds)
    }
}

impl Evidence {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::LowerBound => "published lower bound",
            Self::Measured => "measured by us",
        }
    }
}

impl Network {
    /// Whether a graph is this network: the same input and, within one per cent, as many multiply-accumulates (classes and a closing layer may differ).
    pub fn is(self, graph: &Graph) -> bool {
        let architecture = match self {
            Self::MobileNetV2 { width, resolution } => Architecture::MobileNetV2 { width, resolution, classes: 1001 },
            Self::LeNet => Architecture::LeNet,
        };
        let own = synthetic(architecture, 0).graph;
        let shape = |graph: &Graph| graph.spec(graph.input()).shape;
        let macs = |graph: &Graph| graph.nodes().iter().map(|node| cost::macs(graph, node)).sum::<u64>();
        shape(&own) == shape(graph) && macs(&own).abs_diff(macs(graph)) * 100 <= macs(&own)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_can_be_read_and_has_its_own_name() {
        let table = Published::table().unwrap();
        let names: HashSet<_> = table.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(names.len(), table.len());
        assert!(table.iter().all(|row| row.prove_seconds > 0.0 && !row.source.is_empty()));
        assert!(table.iter().all(|row| !row.compared || row.network.is_some()));
    }

    #[test]
    fn networks_are_told_apart_by_width_and_resolution() {
        let network = |width, resolution| Network::MobileNetV2 { width, resolution };
        let graph = |width, resolution| synthetic(Architecture::MobileNetV2 { width, resolution, classes: 1000 }, 1).graph;
        assert!(network(0.35, 96).is(&graph(0.35, 96)));
        assert!(!network(0.35, 96).is(&graph(0.5, 96)) && !network(0.35, 96).is(&graph(0.35, 128)));
        assert!(Network::LeNet.is(&synthetic(Architecture::LeNet, 3).graph) && !Network::LeNet.is(&graph(0.35, 96)));
    }
}
