//! The forger: a prover for one network, the genuine witness and statement, and ways to change them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use verinfer_graph::{Graph, TensorId};
use verinfer_prover::{Execution, NO_ROW, ProveError, Proved, Prover, Witness};
use verinfer_relation::Relation;
use verinfer_relation::check::{Assignment, check, for_each_tuple};
use verinfer_relation::field::{F, from_signed};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{Leaf, ObjectKind, Role};
use verinfer_relation::setting::Setting;
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, PublicTensor, Statement};
use verinfer_relation::table::TableId;
use verinfer_relation::transcript::{Alteration, ProverTranscript};
use verinfer_verifier::{Accepted, Expectations, Verifier, VerifyError};

use crate::network::{input, network};
use crate::unmasked::{Broken, broken};

/// Security level of the proofs here: few queries, so that they are short. Nothing here relies on luck.
pub const LEVEL: u16 = 24;

/// Context of the proofs here.
pub const CONTEXT: &[u8] = b"forgeries";

/// What the verifiers here demand. That true statements say something is not at stake, but in [`crate::degenerate`].
pub static EXPECTATIONS: LazyLock<Expectations> =
    LazyLock::new(|| Expectations { security_level: LEVEL, context: CONTEXT.to_vec(), allow_degenerate: true, ..Expectations::default() });

/// A prover who can be told to lie, and the verifier to be convinced.
pub struct Forger {
    pub graph: &'static Graph,
    pub prover: Prover,
    pub verifier: Verifier,
    pub witness: Witness,
    pub statement: Statement,
}

/// The forger of [`network`].
pub static FORGER: LazyLock<Forger> = LazyLock::new(|| Forger::new(network(|_| ())));

/// A genuine proof of [`network`].
pub static GENUINE: LazyLock<Proved> = LazyLock::new(|| FORGER.prove(FORGER.statement.clone(), FORGER.witness.clone()));

impl Forger {
    /// For a network with the input of [`network`].
    pub fn new(graph: Graph) -> Self {
        Self::batch(graph, 1, &input())
    }

    /// For a network with several inputs.
    pub fn batch(graph: Graph, images: usize, input: &[i16]) -> Self {
        Self::with_setting(graph, images, &Setting::default(), &Execution { input, ..Execution::default() })
    }

    /// For a network of which something is hidden, or of whose outputs something else than their values is said.
    pub fn with_setting(graph: Graph, images: usize, setting: &Setting, execution: &Execution<'_>) -> Self {
        let graph: &'static Graph = Box::leak(Box::new(graph));
        let prover = Prover::showing_scales(graph.clone(), images, setting).unwrap();
        let witness = Witness::of(graph, prover.relation(), execution, &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
        let statement = prover.statement(&witness, execution.input, CONTEXT, LEVEL);
        let verifier = match (setting.weights, statement.commitment(ObjectKind::Model)) {
            (Some(envelope), Some(commitment)) => {
                let architecture: &'static Graph = Box::leak(Box::new(graph.without_learned()));
                Verifier::hidden(architecture.clone(), envelope, *commitment, images, setting).unwrap()
            }
            _ => Verifier::with_setting(graph.clone(), images, setting).unwrap(),
        };
        Self { graph, prover, verifier, witness, statement }
    }

    pub fn relation(&self) -> &Relation {
        self.prover.relation()
    }

    /// The proof of whatever is claimed.
    pub fn prove(&self, statement: Statement, witness: Witness) -> Proved {
        self.prover.prove_statement(statement, witness, &|_| ()).unwrap()
    }

    /// What the verifier says to a proof file.
    pub fn verify(&self, file: &[u8]) -> Result<Accepted, VerifyError> {
        self.verifier.verify(file, &EXPECTATIONS)
    }

    /// Why a false witness is rejected.
    pub fn rejection(&self, statement: Statement, witness: Witness) -> VerifyError {
        self.verify(&self.prove(statement, witness).proof.encode()).unwrap_err()
    }

    /// The equations that a false witness breaks, which the combined claim must notice.
    pub fn broken(&self, statement: Statement, witness: Witness) -> Vec<Broken> {
        let cells = witness.cells.clone();
        self.broken_by(&self.prove(statement, witness), &cells)
    }

    /// The equations that a proof breaks, with these cells committed; the combined claim must notice if there is one. The verifier expects the
    /// model that the statement names.
    pub fn broken_by(&self, proved: &Proved, cells: &[F]) -> Vec<Broken> {
        let statement = &proved.proof.statement;
        let broken = broken(self, statement.transcript(), &proved.proof, cells);
        let expected = if broken.is_empty() { None } else { Some(VerifyError::CombinedClaim) };
        let file = proved.proof.encode();
        let found = match &statement.model {
            ModelClaim::Hidden { envelope, commitment, .. } if statement.model != self.statement.model => {
                let (images, setting) = (self.relation().images, &self.relation().setting);
                let verifier = Verifier::hidden(self.graph.clone(), *envelope, **commitment, images, setting).unwrap();
                verifier.verify(&file, &EXPECTATIONS).err()
            }
            ModelClaim::Hidden { .. } | ModelClaim::Public { .. } => self.verify(&file).err(),
        };
        assert_eq!(found, expected, "{broken:?}");
        broken
    }

    /// Proves with cells as they are, the leaves of the lookup argument following them or not. Returns the tables of the strays, sorted, and the
    /// equations broken.
    pub fn following(&self, statement: &Statement, mut witness: Witness) -> (Vec<&str>, Vec<Broken>) {
        let mut strays: Vec<&str> =
            self.follow_cells(statement, &mut witness).into_iter().map(|id| self.relation().tables[id.0].name.as_str()).collect();
        strays.sort_unstable();
        strays.dedup();
        (strays, self.broken(statement.clone(), witness))
    }

    /// The proof of a prover with a true witness who alters messages.
    pub fn prove_altered(&self, alteration: Box<Alteration>) -> Result<Proved, ProveError> {
        let transcript = ProverTranscript::new(self.statement.transcript()).altered_by(alteration);
        self.prover.prove_through(transcript, self.statement.clone(), self.witness.clone(), &|_| ())
    }

    /// Whether the plain checker accepts.
    pub fn holds(&self, statement: &Statement, witness: &Witness) -> bool {
        check(self.graph, self.relation(), &Assigned::new(self, statement, witness).assignment(witness)).is_ok()
    }

    /// Makes the leaves of the lookup argument what the cells say: rows where they are rows, strays where they are not, and multiplicities that
    /// count the rows. Returns the tables of the strays.
    pub fn follow_cells(&self, statement: &Statement, witness: &mut Witness) -> Vec<TableId> {
        let relation = self.relation();
        let reads = self.reads();
        let (mut rows, mut found) = (witness.rows.clone(), std::mem::take(&mut witness.tuples));
        let (mut strays, mut read, mut scores) = (Vec::new(), Vec::new(), BTreeMap::new());
        let assigned = Assigned::new(self, statement, witness);
        for_each_tuple(self.graph, relation, &assigned.assignment(witness), |cell, id, tuple| {
            let table = &relation.tables[id.0];
            if table.len == 0 {
                found.insert(cell, tuple.to_vec());
                if reads.contains(&cell) {
                    scores.insert(tuple.to_vec(), (cell, 0));
                } else {
                    read.push((id, tuple.to_vec()));
                }
                return;
            }
            let integers: Vec<i64> = tuple.iter().copied().map(signed).collect();
            let row = table.row(integers[0]).filter(|&row| table.output(row).into_iter().eq(integers[1..].iter().copied()));
            rows[cell] = row.map_or(NO_ROW, |row| row as u32);
            if row.is_none() {
                strays.push(id);
                found.insert(cell, tuple.to_vec());
            }
        })
        .unwrap();
        for (id, tuple) in read {
            match scores.get_mut(&tuple) {
                Some((_, count)) => *count += 1,
                None => strays.push(id),
            }
        }
        scores.into_values().for_each(|(cell, count)| witness.cells[cell] = F::from_u32(count));
        (witness.rows, witness.tuples) = (rows, found);
        witness.count(relation);
        strays
    }

    /// Cells that count how often a row of cells is read.
    fn reads(&self) -> BTreeSet<usize> {
        let columns = self.relation().columns.iter().zip(self.relation().layout.placements());
        let rows = columns.filter(|(column, _)| matches!(column.leaf, Leaf::Row { .. }));
        rows.flat_map(|(_, placement)| &placement.chunks).flat_map(|chunk| chunk.first_cell(0)..chunk.first_cell(1)).collect()
    }

    /// A witness with changes: column, channel, pixel, and what is added.
    pub fn edited(&self, edits: &[(ColumnId, usize, usize, i64)]) -> Witness {
        let mut witness = self.witness.clone();
        for &(column, channel, pixel, change) in edits {
            witness.cells[self.cell(column, channel, pixel)] += from_signed(change);
        }
        witness
    }

    /// Column with a role that belongs to no node.
    pub fn of_role(&self, role: Role) -> ColumnId {
        ColumnId(self.relation().columns.iter().position(|column| column.role == role).unwrap())
    }

    /// The integer in a cell.
    pub fn get(&self, column: ColumnId, channel: usize, pixel: usize) -> i64 {
        signed(self.witness.cells[self.cell(column, channel, pixel)])
    }

    /// Column of a part of a node.
    pub fn column(&self, node: usize, role: Role) -> ColumnId {
        let found = self.relation().columns.iter().position(|column| column.node.is_some_and(|id| id.0 == node) && column.role == role);
        ColumnId(found.unwrap())
    }

    /// Address of a cell.
    pub fn cell(&self, column: ColumnId, channel: usize, pixel: usize) -> usize {
        let chunks = &self.relation().layout.placement(column).chunks;
        let chunk = chunks.iter().find(|chunk| chunk.pixels().contains(&pixel)).unwrap();
        chunk.first_cell(channel) + pixel - chunk.first_pixel
    }
}

/// What the plain checker compares cells with; the prover's own values where nothing is shown.
struct Assigned {
    input: Vec<i16>,
    output: Vec<i16>,
}

impl Assigned {
    fn new(forger: &Forger, statement: &Statement, witness: &Witness) -> Self {
        let values = |shown: Option<&PublicTensor>, tensor: TensorId| match shown {
            Some(shown) => shown.values.clone(),
            None => witness.tensors[tensor.0].clone(),
        };
        let graph = forger.graph;
        Self { input: values(statement.input.shown(), graph.input()), output: values(statement.output.shown(), graph.output()) }
    }

    fn assignment<'a>(&'a self, witness: &'a Witness) -> Assignment<'a> {
        Assignment { cells: &witness.cells, input: &self.input, output: &self.output }
    }
}

/// The values of an input that is shown.
pub fn shown_input(statement: &Statement) -> &[i16] {
    &statement.input.shown().unwrap().values
}

/// The values of an output that is shown.
pub fn shown_output(statement: &Statement) -> &[i16] {
    &statement.output.shown().unwrap().values
}

/// An input that is shown.
pub fn input_mut(statement: &mut Statement) -> &mut PublicTensor {
    let InputClaim::Shown(tensor) = &mut statement.input else { panic!("the input is hidden") };
    tensor
}

/// An output that is shown.
pub fn output_mut(statement: &mut Statement) -> &mut PublicTensor {
    let OutputClaim::Shown(tensor) = &mut statement.output else { panic!("the output is not shown") };
    tensor
}

/// The integer of smallest magnitude in the class of an element.
pub fn signed(value: F) -> i64 {
    let negative = (-value).as_canonical_u64();
    if value.as_canonical_u64() <= negative || value == F::ZERO { value.as_canonical_u64() as i64 } else { -(negative as i64) }
}

#[test]
fn the_genuine_proof_is_accepted() {
    assert!(FORGER.holds(&FORGER.statement, &FORGER.witness));
    FORGER.verify(&GENUINE.proof.encode()).unwrap();
    assert_eq!(FORGER.broken_by(&GENUINE, &FORGER.witness.cells), []);
}

#[test]
fn following_the_cells_of_a_true_witness_changes_nothing() {
    let mut witness = FORGER.witness.clone();
    assert_eq!(FORGER.follow_cells(&FORGER.statement, &mut witness), []);
    assert_eq!((&witness.cells, &witness.rows), (&FORGER.witness.cells, &FORGER.witness.rows));
}
