//! Every reason of rejection, with the test that produces it. A new variant does not compile until it has a row here.

use verinfer_graph::{
    Add, Conv, DataType, Graph, Lookup, Node, Op, Operand, Requantization, Rounding, Shape, TensorId, TensorSpec, Window,
};
use verinfer_relation::RelationError;
use verinfer_relation::commitment::{Commitment, CommitmentError};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_relation::statement::{FormatError, MAX_CONTEXT_BYTES};
use verinfer_relation::transcript::DecodeError;
use verinfer_verifier::{OutputKind, Verifier, VerifyError};

use crate::forger::{CONTEXT, FORGER, GENUINE, shown_input};

/// Where a variant is produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Produced {
    /// In this file.
    Here,
    /// By the tests of this file.
    In(&'static str),
    /// By nobody: the challenges that lead there have probability 2^-191, or only impossible parameters do.
    Never,
}

fn produced(error: &VerifyError) -> Produced {
    match error {
        VerifyError::Format(error) => match error {
            FormatError::Truncated { .. } | FormatError::NotAProof | FormatError::UnsupportedVersion { .. } => Produced::In("header"),
            FormatError::TrailingBytes { .. } => Produced::In("header"),
            FormatError::NoImages => Produced::Here,
            // Who reads a file sees it before a verifier has it.
            FormatError::TooLong { .. } => Produced::Never,
            FormatError::UnknownForm { .. } => Produced::Here,
            FormatError::Commitment { reason, .. } => match reason {
                CommitmentError::NotCanonical { .. } => Produced::In("settings"),
                // As many bytes are taken as a commitment has, and only a prover commits.
                CommitmentError::Bytes { .. }
                | CommitmentError::Range { .. }
                | CommitmentError::Length { .. }
                | CommitmentError::Nothing => Produced::Never,
            },
            FormatError::UnknownType { .. } | FormatError::ImpossibleShape { .. } | FormatError::ContextTooLong { .. } => Produced::Here,
        },
        VerifyError::Message(error) => match error {
            DecodeError::Truncated { .. } | DecodeError::NotCanonical { .. } | DecodeError::TrailingBytes { .. } => Produced::In("bytes"),
        },
        VerifyError::Relation(error) => match error {
            // Lines are made shorter until they fit: no network that a graph can hold is known to have none.
            RelationError::TooWide { .. } => Produced::Never,
            RelationError::TooLarge { .. } | RelationError::TableTooLarge { .. } => Produced::Here,
            RelationError::TooManyConnections { .. } => Produced::Here,
            RelationError::NoImages | RelationError::Labels { .. } => Produced::Here,
            RelationError::NoClasses { .. } | RelationError::Envelope(_) => Produced::Here,
            RelationError::Commitment(CommitmentError::Length { .. }) => Produced::Here,
            RelationError::Predicate { .. } | RelationError::Score { .. } => Produced::In("predicates"),
            // What is derived has none of these gaps: they are made in the tests of `total`, of layouts, grids and parameters.
            RelationError::Layout(_) | RelationError::Contraction(_) | RelationError::Incomplete(_) => Produced::Never,
            RelationError::NoParameters { .. } => Produced::Never,
            // Only who commits learns these; an accumulator without range is no valid graph.
            RelationError::NotHideable { .. }
            | RelationError::ShowsScale { .. }
            | RelationError::Commitment(_)
            | RelationError::NoAccumulator { .. } => Produced::Never,
        },
        VerifyError::WrongNetwork { .. } => Produced::In("statement"),
        VerifyError::WrongArchitecture { .. } | VerifyError::WrongModelCommitment => Produced::In("settings"),
        VerifyError::ModelHidden | VerifyError::ModelNotHidden => Produced::In("settings"),
        VerifyError::InputHidden | VerifyError::InputNotHidden => Produced::In("settings"),
        VerifyError::WrongInputCommitment { .. } | VerifyError::InputCount { .. } => Produced::In("settings"),
        VerifyError::WrongOutputForm { .. } | VerifyError::OutputCount { .. } => Produced::In("demands"),
        VerifyError::WrongOutputCommitment { .. } | VerifyError::WrongLabelCommitment { .. } => Produced::In("demands"),
        VerifyError::LabelCount { .. } | VerifyError::WrongLabel { .. } | VerifyError::LowerRank { .. } => Produced::In("demands"),
        VerifyError::WrongClass { .. } | VerifyError::LowerScore { .. } | VerifyError::FewerCorrect { .. } => Produced::In("demands"),
        VerifyError::WrongPredicate { .. } => Produced::In("demands"),
        VerifyError::TooManyImages { .. } => Produced::In("demands"),
        VerifyError::ShownBehind { .. } | VerifyError::NoSuchClass { .. } | VerifyError::NoClasses { .. } => Produced::In("demands"),
        VerifyError::EqualInputs { .. } | VerifyError::MaybeEqualInputs => Produced::In("demands"),
        VerifyError::ConstantOutput | VerifyError::OutputIgnoresInput => Produced::In("degenerate"),
        VerifyError::OutputIgnoresWeights | VerifyError::PredicateAlwaysHolds => Produced::In("degenerate"),
        VerifyError::InputShape { .. } | VerifyError::OutputShape { .. } => Produced::In("statement"),
        VerifyError::WrongInput { .. } | VerifyError::InputLength { .. } => Produced::In("statement"),
        VerifyError::WrongContext | VerifyError::InsecureParameters { .. } => Produced::In("statement"),
        VerifyError::ZeroDenominator => Produced::In("altered"),
        VerifyError::Grinding { .. } | VerifyError::MerkleRoot { .. } | VerifyError::FinalPolynomial { .. } => Produced::In("altered"),
        VerifyError::CombinedClaim => Produced::In("altered"),
        VerifyError::DegenerateChallenge { .. } | VerifyError::Parameters => Produced::Never,
    }
}

/// First byte of the number of images.
const IMAGES: usize = 16 + CONTEXT.len();

/// First byte of what is said about the model.
const MODEL: usize = IMAGES + 4;

/// First byte of the input's shape.
const INPUT: usize = MODEL + 1 + 32 + 1;

fn rejection(offset: usize, bytes: &[u8]) -> VerifyError {
    let mut file = GENUINE.proof.encode();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    let error = FORGER.verify(&file).unwrap_err();
    assert_eq!(produced(&error), Produced::Here);
    error
}

#[test]
fn a_proof_about_no_image_is_refused() {
    assert_eq!(rejection(IMAGES, &[0]), VerifyError::Format(FormatError::NoImages));
    let error = Verifier::with_setting(FORGER.graph.clone(), 0, &Setting::default()).err().unwrap();
    assert_eq!(produced(&error), Produced::Here);
    assert_eq!(error, VerifyError::Relation(RelationError::NoImages));
}

#[test]
fn a_batch_larger_than_any_commitment_cannot_be_proved() {
    for images in [1 << 22, u32::MAX as usize, usize::MAX] {
        let error = Verifier::with_setting(FORGER.graph.clone(), images, &Setting::default()).err().unwrap();
        assert!(matches!(error, VerifyError::Relation(RelationError::TooLarge { .. })), "{error}");
    }
    // Before anything is set aside for each image.
    let setting = Setting { hidden_input: true, ..Setting::default() };
    let hidden = Verifier::with_setting(FORGER.graph.clone(), usize::MAX, &setting).err().unwrap();
    let shape = Shape::new(1, 1, 1 << 16);
    let wide = graph(shape, Op::Lookup(Lookup { input: TensorId(0), table: vec![0; 256] }), shape);
    let images = 1 << 20;
    let setting = Setting { output: OutputForm::Rank { labels: vec![0; images], k: 1 }, ..Setting::default() };
    let ranks = Verifier::with_setting(wide.clone(), images, &setting).err().unwrap();
    for error in [hidden, ranks] {
        assert!(matches!(error, VerifyError::Relation(RelationError::TooLarge { .. })), "{error}");
    }
}

#[test]
fn an_unknown_type_is_refused() {
    assert_eq!(rejection(INPUT + 12, &[2]), VerifyError::Format(FormatError::UnknownType { field: "input", found: 2 }));
}

#[test]
fn an_unknown_form_is_refused() {
    let output = INPUT + 13 + shown_input(&FORGER.statement).len();
    for (field, at, found) in [("model", MODEL, 2), ("input", INPUT - 1, 2), ("output", output, 6), ("output", output, 255)] {
        assert_eq!(rejection(at, &[found]), VerifyError::Format(FormatError::UnknownForm { field, found }));
    }
}

#[test]
fn an_empty_or_overflowing_shape_is_refused() {
    let error = FormatError::ImpossibleShape { field: "input", height: 0, width: 6, channels: 2 };
    assert_eq!(rejection(INPUT, &[0]), VerifyError::Format(error));
    let most = u32::MAX;
    let error = FormatError::ImpossibleShape { field: "input", height: most, width: most, channels: most };
    assert_eq!(rejection(INPUT, &[255; 12]), VerifyError::Format(error));
}

#[test]
fn a_context_longer_than_any_is_refused() {
    let len = MAX_CONTEXT_BYTES + 1;
    assert_eq!(rejection(12, &(len as u32).to_le_bytes()), VerifyError::Format(FormatError::ContextTooLong { len }));
}

#[test]
fn a_network_whose_own_multiplier_leaves_the_field_has_a_shorter_line() {
    // 52 bits of remainder under keys of eleven bits.
    let most = (1 << 30) - 1;
    assert!(Verifier::new(add(most, most, i32::MAX, -22)).is_ok());
}

#[test]
fn a_network_whose_quotients_fill_no_table_cannot_be_proved() {
    let error = unprovable(add(1 << 26, 0, 1 << 30, 0));
    assert!(matches!(error, RelationError::TableTooLarge { node: 0, .. }), "{error}");
}

#[test]
fn a_network_larger_than_any_commitment_cannot_be_proved() {
    // 2^28 outputs with at least four cells each.
    let (side, channels) = (1 << 10, 1 << 8);
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: 0,
        window: Window { stride_h: 1, ..Window::POINT },
        weights: vec![1; channels],
        weight_zero_point: 0,
        bias: vec![0; channels],
        requantization: requantization(1_500_000_001, -7),
    };
    let graph = graph(Shape::new(side, side, 1), Op::DepthwiseConv2d(conv), Shape::new(side, side, channels));
    let error = unprovable(graph);
    assert!(matches!(error, RelationError::TooLarge { .. }), "{error}");
}

#[test]
fn a_network_of_few_cells_that_would_take_too_many_steps_cannot_be_proved() {
    let window = Window { kernel_h: 1 << 7, kernel_w: 1 << 7, ..Window::POINT };
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: 0,
        window,
        weights: vec![1; window.num_taps()],
        weight_zero_point: 0,
        bias: vec![0],
        requantization: requantization(1_500_000_001, -20),
    };
    let graph = graph(Shape::new(255, 255, 1), Op::DepthwiseConv2d(conv), Shape::new(128, 128, 1));
    let error = unprovable(graph);
    assert!(matches!(error, RelationError::TooManyConnections { .. }), "{error}");
}

#[test]
fn another_number_of_labels_than_of_images_is_refused() {
    for labels in [Vec::new(), vec![0], vec![0; 3]] {
        let found = labels.len();
        let setting = Setting { output: OutputForm::Rank { labels, k: 1 }, ..Setting::default() };
        let error = Verifier::with_setting(FORGER.graph.clone(), 2, &setting).err().unwrap();
        assert_eq!(produced(&error), Produced::Here);
        assert_eq!(error, VerifyError::Relation(RelationError::Labels { found, images: 2 }));
    }
}

#[test]
fn predicates_about_an_output_that_is_no_list_of_scores_are_refused() {
    let shape = Shape::new(2, 2, 3);
    let graph = graph(shape, Op::Pad(verinfer_graph::Pad { input: TensorId(0), before: Shape::new(0, 0, 0), value: 0 }), shape);
    let forms = [OutputForm::AtLeast { class: 0, value: 0 }, OutputForm::Correct { k: 1, count: 1 }];
    let decided = [Predicate::Top { class: 0, k: 1 }, Predicate::AtLeast { class: 0, value: 0 }];
    let decided = decided.map(|predicate| OutputForm::Decided { predicate, holds: vec![true] });
    for output in forms.into_iter().chain([OutputForm::Rank { labels: vec![0], k: 1 }]).chain(decided) {
        let error = Verifier::with_setting(graph.clone(), 1, &Setting { output, ..Setting::default() }).err().unwrap();
        assert_eq!(produced(&error), Produced::Here);
        assert_eq!(error, VerifyError::Relation(RelationError::NoClasses { shape }));
    }
}

#[test]
fn an_impossible_envelope_is_refused() {
    let possible = Envelope { num_limbs: 2, limb_bits: 20, keys: (-512, 512), signed_keys: (-512, 512) };
    let wrong = [
        Envelope { num_limbs: 0, ..possible },
        Envelope { num_limbs: 255, limb_bits: 255, ..possible },
        Envelope { limb_bits: 0, ..possible },
        Envelope { num_limbs: 1, limb_bits: 40, ..possible },
        Envelope { keys: (1, 512), ..possible },
        Envelope { keys: (-512, -1), ..possible },
        Envelope { signed_keys: (i32::MIN, i32::MAX), ..possible },
    ];
    possible.check().unwrap();
    for envelope in wrong {
        let error = hidden(FORGER.graph, envelope);
        assert!(matches!(error, RelationError::Envelope(_)), "{envelope:?}: {error}");
    }
}

#[test]
fn more_weights_than_a_commitment_holds_cannot_be_hidden() {
    let channels = 1 << 11;
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: 0,
        window: Window::POINT,
        weights: vec![1; channels * (channels + 1)],
        weight_zero_point: 0,
        bias: vec![0; channels + 1],
        requantization: requantization(1_500_000_001, -7),
    };
    let graph = graph(Shape::new(1, 1, channels), Op::Conv2d(conv), Shape::new(1, 1, channels + 1));
    let envelope = Envelope { num_limbs: 2, limb_bits: 20, keys: (-512, 512), signed_keys: (-512, 512) };
    let error = hidden(&graph, envelope);
    assert!(matches!(error, RelationError::Commitment(CommitmentError::Length { .. })), "{error}");
}

/// Why a network with hidden weights cannot be proved.
fn hidden(graph: &Graph, envelope: Envelope) -> RelationError {
    let commitment = Commitment([verinfer_relation::field::from_signed(0); 128]);
    let error = Verifier::hidden(graph.clone(), envelope, commitment, 1, &Setting::default()).err().unwrap();
    assert_eq!(produced(&error), Produced::Here);
    let VerifyError::Relation(error) = error else { panic!("{error}") };
    error
}

#[test]
fn the_files_named_expect_the_variants() {
    let text = String::new;
    for error in [
        VerifyError::Format(FormatError::Truncated { field: "", offset: 0 }),
        VerifyError::Format(FormatError::NotAProof),
        VerifyError::Format(FormatError::UnsupportedVersion { found: 0 }),
        VerifyError::Format(FormatError::TrailingBytes { extra: 0 }),
        VerifyError::Message(DecodeError::Truncated { label: "", offset: 0, needed: 0, left: 0 }),
        VerifyError::Message(DecodeError::NotCanonical { label: "", offset: 0 }),
        VerifyError::Message(DecodeError::TrailingBytes { extra: 0 }),
        VerifyError::WrongNetwork { found: text(), expected: text() },
        VerifyError::Format(FormatError::Commitment { field: "", reason: CommitmentError::NotCanonical { coordinate: 0 } }),
        VerifyError::Relation(RelationError::Predicate { label: 0, k: 0, classes: 0 }),
        VerifyError::WrongArchitecture { found: text(), expected: text() },
        VerifyError::WrongModelCommitment,
        VerifyError::ModelHidden,
        VerifyError::ModelNotHidden,
        VerifyError::InputHidden,
        VerifyError::InputNotHidden,
        VerifyError::WrongInputCommitment { image: 0 },
        VerifyError::InputCount { found: 0, expected: 0 },
        VerifyError::Relation(RelationError::Score { value: 0, first: 0, last: 0 }),
        VerifyError::WrongOutputForm { found: OutputKind::Shown, expected: OutputKind::Shown },
        VerifyError::OutputCount { found: 0, expected: 0 },
        VerifyError::WrongOutputCommitment { image: 0 },
        VerifyError::LabelCount { found: 0, expected: 0 },
        VerifyError::WrongLabel { image: 0, found: 0, expected: 0 },
        VerifyError::WrongLabelCommitment { image: 0 },
        VerifyError::LowerRank { found: 0, expected: 0 },
        VerifyError::WrongClass { found: 0, expected: 0 },
        VerifyError::LowerScore { found: 0, expected: 0 },
        VerifyError::WrongPredicate { found: Predicate::Top { class: 0, k: 1 }, expected: Predicate::Top { class: 0, k: 2 } },
        VerifyError::FewerCorrect { found: 0, expected: 0 },
        VerifyError::TooManyImages { found: 0, limit: 0 },
        VerifyError::ShownBehind { image: 0, class: 0, ahead: 0, k: 0 },
        VerifyError::NoSuchClass { class: 0, classes: 0 },
        VerifyError::NoClasses { shape: Shape::new(1, 1, 1) },
        VerifyError::EqualInputs { first: 0, second: 0 },
        VerifyError::MaybeEqualInputs,
        VerifyError::ConstantOutput,
        VerifyError::OutputIgnoresInput,
        VerifyError::OutputIgnoresWeights,
        VerifyError::PredicateAlwaysHolds,
        VerifyError::InputShape { found: text(), expected: text() },
        VerifyError::OutputShape { found: text(), expected: text() },
        VerifyError::WrongInput { index: 0, found: 0, expected: 0 },
        VerifyError::InputLength { found: 0, expected: 0 },
        VerifyError::WrongContext,
        VerifyError::InsecureParameters { found: 0.0, demanded: 0 },
        VerifyError::ZeroDenominator,
        VerifyError::Grinding { oracle: 0 },
        VerifyError::MerkleRoot { oracle: 0 },
        VerifyError::FinalPolynomial { oracle: 0, row: 0 },
        VerifyError::CombinedClaim,
    ] {
        let file = match produced(&error) {
            Produced::In(file) => FILES.iter().find(|(name, _)| *name == file).unwrap().1,
            Produced::Here | Produced::Never => panic!("{error:?} is produced by another file"),
        };
        let debug = format!("{error:?}");
        let variant = debug.trim_start_matches("Format(").trim_start_matches("Message(").trim_start_matches("Relation(");
        let variant = variant.split([' ', ')']).next().unwrap();
        assert!(file.contains(&format!("Error::{variant}")), "{variant}");
    }
}

/// The tests that are named.
const FILES: [(&str, &str); 8] = [
    ("altered", include_str!("altered.rs")),
    ("bytes", include_str!("bytes.rs")),
    ("degenerate", include_str!("degenerate.rs")),
    ("demands", include_str!("demands.rs")),
    ("header", include_str!("header.rs")),
    ("predicates", include_str!("predicates.rs")),
    ("settings", include_str!("settings.rs")),
    ("statement", include_str!("statement.rs")),
];

/// Why a network cannot be proved.
fn unprovable(graph: Graph) -> RelationError {
    let error = Verifier::new(graph.clone()).err().unwrap();
    assert_eq!(produced(&error), Produced::Here);
    let VerifyError::Relation(error) = error else { panic!("{error}") };
    error
}

/// An addition whose table reaches `size`.
fn add(size: i32, addend: i32, multiplier: i32, shift: i32) -> Graph {
    let op = Op::Add(Add {
        left: TensorId(0),
        left_table: (0..256).map(|i| if i % 2 == 0 { size - i } else { i - size }).collect(),
        right: Operand::Constant(vec![addend]),
        requantization: requantization(multiplier, shift),
    });
    graph(Shape::new(1, 1, 1), op, Shape::new(1, 1, 1))
}

fn graph(input: Shape, op: Op, output: Shape) -> Graph {
    let spec = |shape| TensorSpec { name: "t".into(), shape, dtype: DataType::I8 };
    let node = Node { source: "OP #0".into(), op, output: TensorId(1) };
    Graph::new(vec![spec(input), spec(output)], vec![node], TensorId(0), TensorId(1)).unwrap()
}

fn requantization(multiplier: i32, shift: i32) -> Requantization {
    Requantization { multipliers: vec![multiplier], shifts: vec![shift], rounding: Rounding::Twice, zero_point: 3, min: -128, max: 127 }
}
