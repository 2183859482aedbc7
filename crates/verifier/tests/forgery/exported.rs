//! Proofs and forgeries with this verifier's verdicts, for the second verifier (`spec/tests/compare.py`).
//!
//! A folder has a subfolder for each model: `model.graph` ([`Graph::encode`]) or `model.vcm`, `demands` (level, context) and proofs; and
//! `cases`, a line for each proof: folder, file, and `accepted` or the reason's name. `architectures` has encodings in hexadecimal, each with `valid` or
//! `refused`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use p3_field::PrimeCharacteristicRing;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use verinfer_graph::Graph;
use verinfer_prover::Execution;
use verinfer_relation::Relation;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::learned::Learned;
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Proof, Statement};
use verinfer_relation::transcript::Message;
use verinfer_verifier::{Expectations, Verifier, VerifyError};

use crate::altered::increment;
use crate::forger::{EXPECTATIONS, FORGER, Forger};
use crate::hidden::{self, AT_LEAST, BIG, COMMITTED, CORRECT, DECIDED, DECIDED_SCORE, HIDDEN, RANK, SMALL};
use crate::manifest::{Content, content};
use crate::network::{input, network};
use crate::random::{Rng, descriptions, random_input};

/// Random networks.
const NETWORKS: u32 = 60;

/// Cells that are changed in each witness.
const CELLS: usize = 12;

/// Cells of the largest relations of random networks: the second verifier takes its time for each.
const MAX_CELLS: usize = 1 << 18;

struct Export {
    folder: PathBuf,
    cases: String,
    numbers: BTreeMap<String, usize>,
    architectures: String,
}

/// The proofs about one model.
struct Group<'a> {
    export: &'a mut Export,
    name: String,
    verifier: &'a Verifier,
    expectations: Expectations,
}

impl Export {
    fn group<'a>(
        &'a mut self,
        name: &str,
        model: &Graph,
        claim: &ModelClaim,
        verifier: &'a Verifier,
        expectations: Expectations,
    ) -> Group<'a> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        match claim {
            ModelClaim::Public { .. } => fs::write(folder.join("model.graph"), model.encode()).unwrap(),
            ModelClaim::Hidden { envelope, commitment, .. } => {
                let architecture = model.encode_architecture();
                let mut file = b"VERCOMMT\x02\0\0".to_vec();
                file.extend(u32::try_from(architecture.len()).unwrap().to_le_bytes());
                file.extend(architecture);
                file.extend(envelope.to_bytes());
                file.extend(commitment.to_bytes());
                fs::write(folder.join("model.vcm"), file).unwrap();
            }
        }
        let context = String::from_utf8(expectations.context.to_vec()).unwrap();
        fs::write(folder.join("demands"), format!("{} {context}", expectations.security_level)).unwrap();
        Group { export: self, name: name.to_owned(), verifier, expectations }
    }
}

impl Export {
    /// The encoding of an architecture, and changed ones.
    fn architecture(&mut self, graph: &Graph, rng: &mut Rng) {
        let encoding = graph.encode_architecture();
        let mut write = |bytes: &[u8]| {
            let verdict = if Graph::decode_architecture_within(1 << 24, bytes).is_ok() { "valid" } else { "refused" };
            let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(self.architectures, "{hexadecimal} {verdict}").unwrap();
        };
        write(&encoding);
        for number in 0..40 {
            let mut changed = encoding.clone();
            // The first bytes are those of shapes and of the first operator.
            let place = if number % 2 == 0 { rng.below(changed.len().min(80)) } else { rng.below(changed.len()) };
            match rng.below(3) {
                0 => changed[place] ^= 1 << rng.below(8),
                1 => changed[place] = changed[place].wrapping_add(1),
                _ => changed[place] = changed[place].wrapping_sub(1),
            }
            write(&changed);
        }
    }
}

impl Group<'_> {
    /// Writes a file and this verifier's verdict.
    fn add(&mut self, kind: &str, file: &[u8]) -> Result<(), VerifyError> {
        let verdict = self.verifier.verify(file, &self.expectations).map(|_| ());
        let number = self.export.numbers.entry(self.name.clone()).or_default();
        *number += 1;
        let path = format!("{number:04}-{}", kind.replace(' ', "-"));
        fs::write(self.export.folder.join(&self.name).join(&path), file).unwrap();
        let word = match &verdict {
            Ok(()) => "accepted".to_owned(),
            Err(error) => format!("{error:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned(),
        };
        writeln!(self.export.cases, "{} {path} {word}", self.name).unwrap();
        verdict
    }

    /// Also with what is demanded by default: that a hidden model's architecture decides nothing.
    fn demanding(&mut self, file: &[u8]) {
        let expectations = std::mem::replace(&mut self.expectations.allow_degenerate, false);
        let _ = self.add("demanding", file);
        self.expectations.allow_degenerate = expectations;
    }

    fn honest(&mut self, kind: &str, proof: &Proof) {
        assert_eq!(self.add(kind, &proof.encode()), Ok(()), "{} {kind}", self.name);
    }

    fn forged(&mut self, kind: &str, file: &[u8]) {
        assert!(self.add(kind, file).is_err(), "{} {kind}", self.name);
    }

    /// The bytes of a proof changed: the first, middle and last message with each label, and a byte of each field of the statement.
    fn bytes(&mut self, proof: &Proof, messages: &[Message], every_header: bool) {
        let mut by_label: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
        messages.iter().for_each(|message| by_label.entry(message.label).or_default().push(message));
        for (label, found) in by_label {
            let mut chosen = vec![0, found.len() / 2, found.len() - 1];
            chosen.dedup();
            for index in chosen {
                let Message { offset, len, .. } = *found[index];
                let mut changed = proof.clone();
                match content(label) {
                    Content::Elements => {
                        let place = offset + len / 16 * 8;
                        let element = &mut changed.body[place..place + 8];
                        let value = u64::from_le_bytes(element.as_ref().try_into().unwrap());
                        element.copy_from_slice(&(if value == 0 { 1 } else { value - 1 }).to_le_bytes());
                    }
                    Content::Bytes => changed.body[offset + len / 2] ^= 1,
                }
                self.forged(label, &changed.encode());
            }
        }
        let file = proof.encode();
        let header = file.len() - proof.body.len();
        let step = if every_header { 1 } else { header.div_ceil(12) };
        for place in (0..header.min(64)).chain((64..header).step_by(step.max(header / 40))).step_by(step) {
            let mut changed = file.clone();
            changed[place] ^= 1 << (place % 8);
            self.forged("header", &changed);
        }
        let mut beyond = proof.clone();
        beyond.body[40..48].fill(0xff);
        self.forged("not canonical", &beyond.encode());
        for len in [0, 7, header / 2, header, file.len() / 2, file.len() - 1] {
            self.forged("truncated", &file[..len]);
        }
        self.forged("trailing", &[&file[..], &[0]].concat());
        let mut longer = proof.clone();
        longer.body.push(0);
        self.forged("longer body", &longer.encode());
        longer.body.truncate(proof.body.len() - 1);
        self.forged("shorter body", &longer.encode());
    }

    /// The messages of a proof under other statements.
    fn statements(&mut self, proof: &Proof) {
        let mut other = |kind: &str, change: &dyn Fn(&mut Statement)| {
            let mut statement = proof.statement.clone();
            change(&mut statement);
            if statement != proof.statement {
                self.forged(kind, &Proof { statement, body: proof.body.clone() }.encode());
            }
        };
        other("higher level", &|statement| statement.security_level += 1);
        other("lower level", &|statement| statement.security_level -= 1);
        other("other context", &|statement| statement.context.push(0));
        other("an input", &|statement| match &mut statement.input {
            InputClaim::Shown(tensor) => tensor.values[0] = if tensor.values[0] == 5 { 6 } else { 5 },
            InputClaim::Hidden(commitments) => commitments[0].0[3] += F::ONE,
        });
        other("no input", &|statement| statement.input = InputClaim::Hidden(Vec::new()));
        other("an output", &|statement| match &mut statement.output {
            OutputClaim::Shown(tensor) => tensor.values[0] = if tensor.values[0] == 5 { 6 } else { 5 },
            OutputClaim::Hidden(commitments) => commitments[0].0[3] += F::ONE,
            OutputClaim::Rank { k, .. } => *k -= 1,
            OutputClaim::AtLeast { value, .. } => *value += 1,
            OutputClaim::Correct { count, .. } => *count += 1,
            OutputClaim::Decided { holds, .. } => holds[0] = !holds[0],
        });
        other("a label", &|statement| match &mut statement.output {
            OutputClaim::Rank { labels, .. } => labels.swap(0, 1),
            OutputClaim::AtLeast { class, .. } => *class = 1 << 20,
            OutputClaim::Correct { labels, .. } => labels[0].0[0] += F::ONE,
            OutputClaim::Decided { predicate, .. } => *predicate = Predicate::AtLeast { class: 0, value: 3 },
            OutputClaim::Shown(_) | OutputClaim::Hidden(_) => {}
        });
        other("a model", &|statement| match &mut statement.model {
            ModelClaim::Public { digest } => digest[31] ^= 1,
            ModelClaim::Hidden { commitment, .. } => commitment.0[127] += F::ONE,
        });
        other("an envelope", &|statement| match &mut statement.model {
            ModelClaim::Public { .. } => {}
            ModelClaim::Hidden { envelope, .. } => envelope.keys.1 += 1,
        });
    }

    /// Provers that send something else than they computed, and go on from there.
    fn altered(&mut self, forger: &Forger, messages: &[Message], most: usize) {
        let mut by_label: BTreeMap<&'static str, usize> = BTreeMap::new();
        messages.iter().for_each(|message| *by_label.entry(message.label).or_default() += 1);
        for (label, count) in by_label {
            let mut chosen = vec![0, count / 2, count - 1];
            chosen.dedup();
            for number in chosen.into_iter().take(most) {
                let mut seen = 0;
                let alteration = move |found: &'static str, bytes: &mut [u8]| {
                    if found == label {
                        if seen == number {
                            match content(label) {
                                Content::Elements if bytes.len().is_multiple_of(24) => increment(0)(bytes),
                                Content::Elements | Content::Bytes => bytes[0] ^= 1,
                            }
                        }
                        seen += 1;
                    }
                };
                if let Ok(proved) = forger.prove_altered(Box::new(alteration)) {
                    // A nonce may do by chance; a changed proof of the same cells may also hold.
                    let _ = self.add(&format!("altered {label}"), &proved.proof.encode());
                }
            }
        }
    }

    /// Honest arguments about false witnesses.
    fn cells(&mut self, forger: &Forger) {
        let mut rng = Rng::new(7);
        for _ in 0..CELLS {
            let change = some_cell(forger, &mut rng);
            let role = format!("{:?}", forger.relation().columns[change.0.0].role);
            let proved = forger.prove(forger.statement.clone(), forger.edited(&[change]));
            let kind: String = role.chars().filter(|&c| c.is_alphanumeric()).collect();
            let _ = self.add(&format!("cell {kind}"), &proved.proof.encode());
            self.followed(forger, change);
        }
    }

    /// A false witness with lookups and counts that follow its cells.
    fn followed(&mut self, forger: &Forger, change: (ColumnId, usize, usize, i64)) {
        let mut witness = forger.edited(&[change]);
        forger.follow_cells(&forger.statement, &mut witness);
        let _ = self.add("cell followed", &forger.prove(forger.statement.clone(), witness).proof.encode());
    }
}

/// A cell, and what is added to it.
fn some_cell(forger: &Forger, rng: &mut Rng) -> (ColumnId, usize, usize, i64) {
    loop {
        let id = ColumnId(rng.below(forger.relation().columns.len()));
        let column = forger.relation().column(id);
        if column.pixels > 0 {
            return (id, rng.below(column.channels), rng.below(column.pixels), 1);
        }
    }
}

fn folder() -> PathBuf {
    env::var_os("VERINFER_CASES").map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("cases"), PathBuf::from)
}

/// Everything hidden, if the network's constants fit.
fn all_hidden(graph: &Graph, output: OutputForm, hidden_input: bool) -> Option<Setting> {
    let setting = Setting { weights: Some(Envelope::of(graph).ok()?), hidden_input, output };
    let relation = Relation::with_setting(graph, 1, &setting).ok()?;
    Learned::new(graph, &relation).ok().map(|_| setting)
}

#[test]
#[ignore = "for the second verifier: spec/tests/compare.py"]
fn proofs_and_forgeries_are_written() {
    let folder = folder();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut export = Export { folder, cases: String::new(), numbers: BTreeMap::new(), architectures: String::new() };
    let batch: Vec<i16> = [input(), input().into_iter().rev().collect(), input()].concat();
    let batched = Forger::batch(network(|_| ()), 3, &batch);
    let hidden_input = Forger::with_setting(
        hidden::hidden_network(|_| ()),
        hidden::IMAGES,
        &Setting { hidden_input: true, ..Setting::default() },
        &Execution { input: &hidden::inputs(), ..Execution::default() },
    );
    let forgers: [(&str, &Forger); 13] = [
        ("public", &FORGER),
        ("batch", &batched),
        ("hidden-input", &hidden_input),
        ("hidden", &HIDDEN),
        ("committed", &COMMITTED),
        ("rank", &RANK),
        ("least", &AT_LEAST),
        ("correct", &CORRECT),
        ("decided", &DECIDED),
        ("decided-score", &DECIDED_SCORE),
        ("small", &SMALL),
        ("big", &BIG),
        ("public-again", &FORGER),
    ];
    for (index, (name, forger)) in forgers.into_iter().enumerate() {
        let mut group = export.group(name, forger.graph, &forger.statement.model, &forger.verifier, EXPECTATIONS.clone());
        let proved = forger.prove(forger.statement.clone(), forger.witness.clone());
        group.honest("genuine", &proved.proof);
        if name == "public-again" {
            // At other levels, and with another context.
            for level in [24, 64, 100, 128] {
                let statement = Statement { security_level: level, ..forger.statement.clone() };
                group.honest("level", &forger.prove(statement, forger.witness.clone()).proof);
            }
            for (_, other) in forgers {
                let proved = other.prove(other.statement.clone(), other.witness.clone());
                let _ = group.add("of another model", &proved.proof.encode());
            }
            continue;
        }
        group.demanding(&proved.proof.encode());
        group.bytes(&proved.proof, &proved.messages, index == 0);
        group.statements(&proved.proof);
        group.altered(forger, &proved.messages, if index < 4 { 3 } else { 1 });
        group.cells(forger);
    }
    let mut runner = TestRunner::deterministic();
    for number in 0..NETWORKS {
        let description = descriptions(5).new_tree(&mut runner).unwrap().current();
        let Some(graph) = description.graph() else { continue };
        export.architecture(&graph, &mut Rng::new(u64::from(number)));
        let images = [1, 1, 2, 3][number as usize % 4];
        let mut rng = Rng::new(u64::from(number));
        let input: Vec<i16> = (0..images).flat_map(|_| random_input(&graph, &mut rng)).collect();
        let output = if number % 3 == 0 { OutputForm::Committed } else { OutputForm::Shown };
        for (name, setting) in [
            ("public", Some(Setting { output: output.clone(), ..Setting::default() })),
            ("hidden", all_hidden(&graph, output, number % 2 == 0)),
        ] {
            let Some(setting) = setting else { continue };
            let forger = Forger::with_setting(graph.clone(), images, &setting, &Execution { input: &input, ..Execution::default() });
            if forger.relation().layout.num_stored() > MAX_CELLS {
                continue;
            }
            let name = format!("random-{number}-{name}");
            let mut group = export.group(&name, forger.graph, &forger.statement.model, &forger.verifier, EXPECTATIONS.clone());
            let proved = forger.prove(forger.statement.clone(), forger.witness.clone());
            group.honest("genuine", &proved.proof);
            group.demanding(&proved.proof.encode());
            group.statements(&proved.proof);
            for _ in 0..2 {
                group.followed(&forger, some_cell(&forger, &mut rng));
            }
        }
    }
    fs::write(export.folder.join("cases"), &export.cases).unwrap();
    fs::write(export.folder.join("architectures"), &export.architectures).unwrap();
    println!("{} cases in {}", export.cases.lines().count(), export.folder.display());
}
