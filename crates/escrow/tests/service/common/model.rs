//! The digits classifier: commitments, predictions, proofs.

use std::sync::Arc;

use verinfer_commitments::{Public, Salt, commit_model, draw_salt};
use verinfer_graph::Graph;
use verinfer_import::import_tflite;
use verinfer_items::OpenedInput;
use verinfer_protocols::digest::Digest;
use verinfer_prover::{Execution, Prover};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};

/// A provider's model.
pub struct Model {
    pub graph: Arc<Graph>,
    salt: Salt,
    pub public: Vec<u8>,
}

impl Model {
    pub fn digits() -> Self {
        let graph = import_tflite(include_bytes!("../../../../../models/digits/digits_int8.tflite")).unwrap().graph;
        let salt = draw_salt().unwrap();
        let public: Public = commit_model(&graph, &salt).unwrap();
        Self { graph, salt, public: public.encode() }
    }

    pub fn digest(&self) -> Digest {
        Digest::of_bytes(&self.public)
    }

    /// Some input, different for each number.
    pub fn input(&self, number: u32) -> OpenedInput {
        let spec = self.graph.spec(self.graph.input());
        let value = |place: usize| i16::try_from((place * 97 + number as usize * 31) % 251).unwrap() + spec.dtype.min();
        let values: Vec<i16> = (0..spec.shape.num_elements()).map(value).collect();
        OpenedInput::new(spec.shape, spec.dtype, &values, &draw_salt().unwrap()).unwrap()
    }

    /// The scores of all classes.
    pub fn scores(&self, input: &OpenedInput) -> Vec<i16> {
        verinfer_graph::run(&self.graph, &input.values()).unwrap().tensors.swap_remove(self.graph.output().0)
    }

    /// How many classes there are.
    pub fn classes(&self) -> u32 {
        u32::try_from(self.scores(&self.input(0)).len()).unwrap()
    }

    /// The class that no other is ahead of.
    pub fn class(&self, input: &OpenedInput) -> u32 {
        let scores = self.scores(input);
        let best = scores.iter().max().unwrap();
        u32::try_from(scores.iter().position(|score| score == best).unwrap()).unwrap()
    }

    /// A proof about these inputs; of labels where the output is a count of those that are right.
    pub fn prove(&self, inputs: &[&OpenedInput], output: OutputForm, labels: &[(u32, Salt)], context: &[u8]) -> Vec<u8> {
        let setting = Setting { weights: Some(Envelope::of(&self.graph).unwrap()), hidden_input: true, output };
        let prover = Prover::with_setting(Arc::clone(&self.graph), inputs.len(), &setting).unwrap();
        let values: Vec<i16> = inputs.iter().flat_map(|input| input.values()).collect();
        let mut salts = vec![(ObjectKind::Model, self.salt.clone())];
        salts.extend(inputs.iter().enumerate().map(|(image, input)| (ObjectKind::Input(image), input.salt().unwrap())));
        salts.extend(labels.iter().enumerate().map(|(image, (_, salt))| (ObjectKind::Label(image), salt.clone())));
        let classes: Vec<u32> = labels.iter().map(|(class, _)| *class).collect();
        let execution = Execution { input: &values, labels: &classes, salts: &salts };
        prover.prove_execution(&execution, context, 128, &|_| ()).unwrap().proof.encode()
    }
}
