//! Commitments made outside of proofs are those in the proofs.

use verinfer_commitments::{Committed, Public, Salt, commit_input, commit_label, commit_model, commit_output, draw_salt};
use verinfer_graph::{DataType, Graph, MaxPool, Node, Op, Shape, TensorId, TensorSpec, Window};
use verinfer_import::{Architecture, synthetic};
use verinfer_prover::{Execution, Witness, from_operating_system};
use verinfer_relation::Relation;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};

/// Some values of the input of `images` images.
fn input(graph: &Graph, images: usize) -> Vec<i16> {
    let spec = graph.spec(graph.input());
    (0..images * spec.shape.num_elements()).map(|i| (i * 97 % 251) as i16 + spec.dtype.min()).collect()
}

/// The commitments in a witness in this setting.
fn in_proof(
    graph: &Graph,
    images: usize,
    setting: &Setting,
    labels: &[u32],
    salts: &[(ObjectKind, Salt)],
) -> Vec<(ObjectKind, Commitment)> {
    let relation = Relation::with_setting(graph, images, setting).unwrap();
    let input = input(graph, images);
    let execution = Execution { input: &input, labels, salts };
    Witness::of(graph, &relation, &execution, &mut from_operating_system().unwrap()).unwrap().commitments
}

fn find(commitments: &[(ObjectKind, Commitment)], kind: ObjectKind) -> Commitment {
    commitments.iter().find(|(other, _)| *other == kind).unwrap().1
}

#[test]
fn a_model_has_one_commitment_in_all_proofs() {
    let graph = synthetic(Architecture::LeNet, 3).graph;
    let salt = draw_salt().unwrap();
    let public = commit_model(&graph, &salt).unwrap();
    let weights = Some(Envelope::of(&graph).unwrap());
    let salts = [(ObjectKind::Model, salt)];
    for (images, hidden_input) in [(1, false), (1, true), (2, true), (3, false)] {
        for output in [OutputForm::Shown, OutputForm::Committed, OutputForm::AtLeast { class: 1, value: -128 }] {
            let setting = Setting { weights, hidden_input, output };
            let found = in_proof(&graph, images, &setting, &[], &salts);
            assert_eq!(find(&found, ObjectKind::Model), public.commitment, "{images} {setting:?}");
        }
    }
    let Committed::Model { architecture, envelope } = &public.committed else { panic!() };
    assert_eq!((architecture.architecture_digest(), Some(*envelope)), (graph.architecture_digest(), weights));
}

/// More weights than a block has: two levels.
#[test]
fn a_model_of_several_blocks_too() {
    let graph = synthetic(Architecture::MobileNetV2 { width: 0.1, resolution: 32, classes: 10 }, 0).graph;
    let salt = draw_salt().unwrap();
    let public = commit_model(&graph, &salt).unwrap();
    let setting = Setting { weights: Some(Envelope::of(&graph).unwrap()), ..Setting::default() };
    let found = in_proof(&graph, 1, &setting, &[], &[(ObjectKind::Model, salt)]);
    assert_eq!(find(&found, ObjectKind::Model), public.commitment);
}

/// A network without weights whose output has more than one pixel.
fn pool(dtype: DataType) -> Graph {
    let tensor = |height, width| TensorSpec { name: String::new(), shape: Shape::new(height, width, 3), dtype };
    let window = Window { kernel_h: 2, kernel_w: 3, ..Window::POINT };
    let op = Op::MaxPool(MaxPool { input: TensorId(0), window, min: dtype.min(), max: dtype.max() });
    let node = Node { source: String::new(), op, output: TensorId(1) };
    Graph::new(vec![tensor(6, 9), tensor(5, 7)], vec![node], TensorId(0), TensorId(1)).unwrap()
}

#[test]
fn each_image_of_a_batch_has_its_own_commitments() {
    for dtype in [DataType::U8, DataType::I8] {
        let graph = pool(dtype);
        for images in [1, 2, 5] {
            let kinds = (0..images).flat_map(|image| [ObjectKind::Input(image), ObjectKind::Output(image)]);
            let salts: Vec<_> = kinds.map(|kind| (kind, draw_salt().unwrap())).collect();
            let setting = Setting { weights: None, hidden_input: true, output: OutputForm::Committed };
            let found = in_proof(&graph, images, &setting, &[], &salts);
            let (input_spec, output_spec) = (graph.spec(graph.input()), graph.spec(graph.output()));
            let all = input(&graph, images);
            for (image, values) in all.chunks_exact(input_spec.shape.num_elements()).enumerate() {
                let salt = |kind| &salts.iter().find(|(other, _)| *other == kind).unwrap().1;
                let public = commit_input(input_spec.shape, dtype, values, salt(ObjectKind::Input(image))).unwrap();
                assert_eq!(find(&found, ObjectKind::Input(image)), public.commitment);
                let outputs = verinfer_graph::run(&graph, values).unwrap().tensors.swap_remove(graph.output().0);
                let public = commit_output(output_spec.shape, dtype, &outputs, salt(ObjectKind::Output(image))).unwrap();
                assert_eq!(find(&found, ObjectKind::Output(image)), public.commitment);
            }
        }
    }
}

#[test]
fn labels_are_two_bytes() {
    let graph = synthetic(Architecture::LeNet, 3).graph;
    let labels = [9, 0, 4];
    let salts: Vec<_> = (0..3).map(|image| (ObjectKind::Label(image), draw_salt().unwrap())).collect();
    let setting = Setting { output: OutputForm::Correct { k: 10, count: 3 }, ..Setting::default() };
    let found = in_proof(&graph, 3, &setting, &labels, &salts);
    for (image, (&label, (_, salt))) in labels.iter().zip(&salts).enumerate() {
        let public: Public = commit_label(label, salt).unwrap();
        assert_eq!(find(&found, ObjectKind::Label(image)), public.commitment);
    }
    assert!(commit_label(65535, &salts[0].1).is_ok());
    assert!(commit_label(65536, &salts[0].1).is_err());
}
