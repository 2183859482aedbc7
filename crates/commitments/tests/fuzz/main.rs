//! Changed bytes of public and secret files: whatever they are, reading them does not panic and takes bounded time and memory, and what is read has one
//! encoding. How to choose time and cases is said in `crates/verifier/tests/fuzz`.

#[path = "../../../verifier/tests/fuzz/limits.rs"]
mod limits;
#[allow(dead_code)]
#[path = "../../../verifier/tests/fuzz/random.rs"]
mod random;
#[path = "../../../verifier/tests/fuzz/runner.rs"]
mod runner;

use random::Rng;
use verinfer_commitments::{
    Committed, FileError, Kind, Public, Salt, Secret, commit_input, commit_label, commit_model, commit_output, is_public_file,
};
use verinfer_graph::{Conv, DataType, Graph, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_import::{Architecture, synthetic};

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// The public file of a model.
    Model,
    /// A public file of something else.
    Other,
    /// A secret file.
    Secret,
    /// The file of one kind under the head of another.
    Splice,
}

impl Target {
    const ALL: [Self; 4] = [Self::Model, Self::Other, Self::Secret, Self::Splice];

    /// Bytes that a case may allocate at once, besides its file.
    fn memory(self) -> usize {
        match self {
            // Learned values and tables that an architecture implies, twice while they are read, and the file some hundred times.
            Self::Model | Self::Splice => 160 << 20,
            Self::Other | Self::Secret => 1 << 20,
        }
    }
}

/// Genuine files.
struct Files {
    model: Vec<u8>,
    /// Of an input, an output and a label.
    others: Vec<Vec<u8>>,
    secret: Vec<u8>,
}

impl Files {
    fn new() -> Self {
        let salt: Salt = Box::new(std::array::from_fn(|i| i as u8));
        let shape = Shape::new(2, 1, 3);
        let model = commit_model(&synthetic(Architecture::LeNet, 0).graph, &salt).unwrap();
        let others = [
            commit_input(shape, DataType::U8, &[0, 1, 2, 3, 4, 255], &salt).unwrap(),
            commit_output(shape, DataType::I8, &[0, 1, 2, 3, -128, 127], &salt).unwrap(),
            commit_label(7, &salt).unwrap(),
        ];
        let secret = Secret { kind: Kind::Model, salt, commitment: model.commitment };
        Self { model: model.encode(), others: others.iter().map(Public::encode).collect(), secret: secret.encode() }
    }

    /// Changes a file and reads it as either.
    fn run(&self, target: Target, random: &mut Rng) -> Result<(), String> {
        let file = match target {
            Target::Model => random::bytes(&self.model, random),
            Target::Other => {
                let file: &Vec<u8> = random.pick(&self.others);
                random::bytes(file, random)
            }
            Target::Secret => random::bytes(&self.secret, random),
            Target::Splice => {
                let all: Vec<&Vec<u8>> = self.others.iter().chain([&self.model, &self.secret]).collect();
                let (head, rest) = (random.pick(&all), random.pick(&all));
                let at = 8 + random.below(20);
                random::bytes(&[&head[..at], &rest[at..]].concat(), random)
            }
        };
        if let Ok(public) = Public::decode(&file)
            && (public.encode() != file || !is_public_file(&file))
        {
            return Err("two public files of one commitment".into());
        }
        if let Ok(secret) = Secret::decode(&file)
            && (secret.encode() != file || is_public_file(&file))
        {
            return Err("two secret files of one commitment".into());
        }
        Ok(())
    }

    /// A fully connected layer of `2^25` weights fits a file of a few dozen bytes besides the commitment.
    fn refuse_what_no_commitment_holds(&self) {
        let Ok(Public { committed: Committed::Model { envelope, .. }, commitment }) = Public::decode(&self.model) else {
            panic!("a genuine file of a model")
        };
        let architecture = Box::new(dense(1 << 13, 1 << 12));
        let file = Public { committed: Committed::Model { architecture, envelope }, commitment }.encode();
        assert!(file.len() < 2048, "{}", file.len());
        assert!(matches!(Public::decode(&file), Err(FileError::Architecture(_))));
    }
}

/// One test, as the allocator's limit is for all threads.
#[test]
fn any_bytes_are_read_or_refused_without_a_panic_in_bounded_time_and_memory() {
    let files = Files::new();
    files.refuse_what_no_commitment_holds();
    runner::run(&Target::ALL, Target::memory, |target, random| files.run(target, random));
}

/// One layer without learned values.
fn dense(inputs: usize, outputs: usize) -> Graph {
    let spec = |channels| TensorSpec { name: String::new(), shape: Shape::new(1, 1, channels), dtype: DataType::I8 };
    let conv = Conv {
        input: TensorId(0),
        input_zero_point: 0,
        window: Window::POINT,
        weights: vec![0; inputs * outputs],
        weight_zero_point: 0,
        bias: vec![0; outputs],
        requantization: Requantization {
            multipliers: vec![1_500_000_000],
            shifts: vec![-12],
            rounding: Rounding::Twice,
            zero_point: 0,
            min: -128,
            max: 127,
        },
    };
    let node = Node { source: String::new(), op: Op::Conv2d(conv), output: TensorId(1) };
    Graph::new(vec![spec(inputs), spec(outputs)], vec![node], TensorId(0), TensorId(1)).unwrap().without_learned()
}
