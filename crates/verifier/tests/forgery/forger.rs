//! The forger: a prover for one network, the genuine witness and statement, and ways to change them.

use std::sync::LazyLock;

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use verinfer_graph::Graph;
use verinfer_prover::{NO_ROW, ProveError, Proved, Prover, Witness};
use verinfer_relation::Relation;
use verinfer_relation::check::{Assignment, check, for_each_tuple};
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::Role;
use verinfer_relation::statement::{PublicTensor, Statement};
use verinfer_relation::table::TableId;
use verinfer_relation::transcript::{Alteration, ProverTranscript};
use verinfer_verifier::{Accepted, Expectations, Verifier, VerifyError};

use crate::network::{input, network};
use crate::unmasked::{Broken, broken};

/// Security level of the proofs here: few queries, so that they are short. Nothing here relies on luck.
pub const LEVEL: u16 = 24;

/// Context of the proofs here.
pub const CONTEXT: &[u8] = b"forgeries";

/// A prover who can be told to lie, and the verifier to be convinced.
pub struct Forger {
    pub graph: &'static Graph,
    pub prover: Prover<'static>,
    pub verifier: Verifier<'static>,
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
        let graph: &'static Graph = Box::leak(Box::new(graph));
        let prover = Prover::with_setting(graph, images, &Setting::default()).unwrap();
        let witness = Witness::new(graph, prover.relation(), input, &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
        let tensor = |id: verinfer_graph::TensorId| {
            let spec = graph.spec(id);
            PublicTensor { shape: spec.shape, dtype: spec.dtype, values: witness.tensors[id.0].clone() }
        };
        let statement = Statement {
            graph_digest: graph.digest(),
            security_level: LEVEL,
            context: CONTEXT.to_vec(),
            images: images as u32,
            input: tensor(graph.input()),
            output: tensor(graph.output()),
        };
        Self { graph, prover, verifier: Verifier::with_setting(graph, images, &Setting::default()).unwrap(), witness, statement }
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
        self.verifier.verify(file, &Expectations { security_level: LEVEL, context: CONTEXT, input: None })
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

    /// The equations that a proof breaks, with these cells committed; the combined claim must notice if there is one.
    pub fn broken_by(&self, proved: &Proved, cells: &[F]) -> Vec<Broken> {
        let broken = broken(self, proved.proof.statement.transcript(), &proved.proof, cells);
        let expected = if broken.is_empty() { None } else { Some(VerifyError::CombinedClaim) };
        assert_eq!(self.verify(&proved.proof.encode()).err(), expected, "{broken:?}");
        broken
    }

    /// The proof of a prover with a true witness who alters messages.
    pub fn prove_altered(&self, alteration: Box<Alteration>) -> Result<Proved, ProveError> {
        let transcript = ProverTranscript::new(self.statement.transcript()).altered_by(alteration);
        self.prover.prove_through(transcript, self.statement.clone(), self.witness.clone(), &|_| ())
    }

    /// Whether the plain checker accepts.
    pub fn holds(&self, statement: &Statement, witness: &Witness) -> bool {
        check(self.graph, self.relation(), &assignment(statement, witness)).is_ok()
    }

    /// Makes the leaves of the lookup argument what the cells say: rows where they are rows, strays where they are not, and multiplicities that
    /// count the rows. Returns the tables of the strays.
    pub fn follow_cells(&self, statement: &Statement, witness: &mut Witness) -> Vec<TableId> {
        let relation = self.relation();
        let mut strays = Vec::new();
        let (mut rows, mut found) = (witness.rows.clone(), std::mem::take(&mut witness.tuples));
        for_each_tuple(self.graph, relation, &assignment(statement, witness), |cell, id, tuple| {
            let table = &relation.tables[id.0];
            let integers: Vec<i64> = tuple.iter().copied().map(signed).collect();
            let row =
                table.row(integers[0]).filter(|&row| table.outputs.iter().map(|output| output[row]).eq(integers[1..].iter().copied()));
            rows[cell] = row.map_or(NO_ROW, |row| row as u32);
            if row.is_none() {
                strays.push(id);
                found.insert(cell, tuple.to_vec());
            }
        })
        .unwrap();
        (witness.rows, witness.tuples) = (rows, found);
        witness.count(relation);
        strays
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

fn assignment<'a>(statement: &'a Statement, witness: &'a Witness) -> Assignment<'a> {
    Assignment { cells: &witness.cells, input: &statement.input.values, output: &statement.output.values }
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
