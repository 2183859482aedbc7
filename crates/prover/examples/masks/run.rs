//! One proof with or without masks, timed.

use std::cell::RefCell;
use std::convert::Infallible;

use p3_field::PrimeCharacteristicRing;
use rand::{Rng, TryRng};
use rustix::time::{ClockId, clock_gettime};
use verinfer_graph::Graph;
use verinfer_prover::measure::commit_and_open_without_masks;
use verinfer_prover::{Execution, Phase, ProveError, Prover, Salt, Witness, from_operating_system};
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{ObjectKind, Role};
use verinfer_relation::statement::{ModelClaim, Statement};
use verinfer_verifier::{Expectations, Verifier, VerifyError};

use crate::LEVEL;

/// How a proof is masked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// As always.
    Masked,
    /// By zeros.
    Zero,
    /// By zeros, and committed and opened without them.
    Bare,
}

impl Masking {
    /// In the order of the report.
    pub const ALL: [Self; 3] = [Self::Masked, Self::Zero, Self::Bare];
}

/// Proves one statement again and again.
pub struct Runner<'a> {
    graph: &'a Graph,
    prover: &'a Prover,
    input: Vec<i16>,
    /// Salts belong to the commitments of the statement, which are made before any proof: they are the same in all.
    salts: Vec<(ObjectKind, Salt)>,
    /// Cells that are there without zero-knowledge, too.
    num_computed: usize,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

impl<'a> Runner<'a> {
    /// Draws the salts.
    pub fn new(graph: &'a Graph, prover: &'a Prover, input: Vec<i16>, num_computed: usize) -> Result<Self> {
        let execution = Execution { input: &input, ..Execution::default() };
        let mut random = from_operating_system()?;
        let salts = prover.relation().objects.iter().map(|object| {
            let salt: Salt = Box::new(std::array::from_fn(|_| random.next_u32() as u8));
            (object.kind, salt)
        });
        let salts: Vec<_> = salts.collect();
        // Caches are filled and pages are mapped before the first measurement.
        Witness::of(graph, prover.relation(), &Execution { salts: &salts, ..execution }, &mut Zeros)?;
        Ok(Self { graph, prover, input, salts, num_computed })
    }

    /// Processor seconds of each phase of [`Phase::ALL`]; the proof is verified.
    pub fn run(&self, masking: Masking) -> Result<[f64; Phase::ALL.len()]> {
        let clock = Clock::default();
        clock.start(Phase::Witness);
        let witness = self.witness(masking)?;
        let statement = self.prover.statement(&witness, &self.input, b"", LEVEL);
        let proved = self.prover.prove_statement(statement, witness, &|phase| clock.start(phase))?;
        let mut seconds = clock.stop();
        self.verify(&proved.proof.statement, &proved.proof.encode())?;
        if masking == Masking::Bare {
            let clock = Clock::default();
            commit_and_open_without_masks(self.num_computed, usize::from(LEVEL), &|phase| clock.start(phase))?;
            let bare = clock.stop();
            for (index, phase) in Phase::ALL.into_iter().enumerate() {
                if matches!(phase, Phase::Commit | Phase::Open) {
                    seconds[index] = bare[index];
                }
            }
        }
        Ok(seconds)
    }

    fn witness(&self, masking: Masking) -> std::result::Result<Witness, ProveError> {
        let relation = self.prover.relation();
        let execution = Execution { input: &self.input, salts: &self.salts, ..Execution::default() };
        if masking == Masking::Masked {
            return Witness::of(self.graph, relation, &execution, &mut from_operating_system()?);
        }
        let mut witness = Witness::of(self.graph, relation, &execution, &mut Zeros)?;
        // The spare denominator is a factor that may not be zero.
        for (index, column) in relation.columns.iter().enumerate() {
            if column.role == Role::Spare {
                witness.cells[relation.layout.placement(ColumnId(index)).chunks[0].first_cell(0)] = F::ONE;
            }
        }
        Ok(witness)
    }

    fn verify(&self, statement: &Statement, proof: &[u8]) -> std::result::Result<(), VerifyError> {
        let setting = statement.setting();
        let verifier = match &statement.model {
            ModelClaim::Public { .. } => Verifier::with_setting(self.graph.clone(), 1, &setting),
            ModelClaim::Hidden { envelope, commitment, .. } => Verifier::hidden(self.graph.clone(), *envelope, **commitment, 1, &setting),
        };
        verifier?.verify(proof, &Expectations { security_level: LEVEL, ..Expectations::default() }).map(|_| ())
    }
}

/// A generator of zeros: what is drawn from it hides nothing.
struct Zeros;

impl TryRng for Zeros {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

/// Processor time of phases.
#[derive(Default)]
struct Clock {
    started: RefCell<Vec<(Phase, f64)>>,
}

impl Clock {
    fn start(&self, phase: Phase) {
        self.started.borrow_mut().push((phase, processor_seconds()));
    }

    /// Seconds of each phase of [`Phase::ALL`]; the last ends now.
    fn stop(&self) -> [f64; Phase::ALL.len()] {
        let started = self.started.borrow();
        let ends = started.iter().skip(1).map(|&(_, start)| start).chain([processor_seconds()]);
        let mut seconds = [0.0; Phase::ALL.len()];
        for (&(phase, start), end) in started.iter().zip(ends) {
            if let Some(index) = Phase::ALL.iter().position(|&other| other == phase) {
                seconds[index] += end - start;
            }
        }
        seconds
    }
}

/// Of all threads of this process.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
