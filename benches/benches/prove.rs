//! Proofs of the built-in model, their parts, and the commitment of larger vectors.

use std::cell::Cell;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use verinfer_benches::{LEVEL, digits, hidden};
use verinfer_prover::{Floor, Phase, Prover};
use verinfer_relation::setting::Setting;

fn prove(c: &mut Criterion) {
    let (graph, input) = digits();
    let mut group = c.benchmark_group("prove digits");
    group.sample_size(20);
    for (name, setting) in [("public", Setting::default()), ("hidden", hidden(&graph))] {
        let prover = Prover::with_setting(graph.clone(), 1, &setting).expect("it has proofs");
        group.bench_function(name, |bencher| {
            bencher.iter(|| prover.prove(&input, b"", LEVEL, &|_| ()).expect("it is proved"));
        });
    }
    group.finish();
}

/// The sumchecks of a proof: of lookups, and of linear layers.
fn sumchecks(c: &mut Criterion) {
    let (graph, input) = digits();
    let prover = Prover::new(graph.clone()).expect("it has proofs");
    let mut group = c.benchmark_group("sumchecks of digits");
    group.sample_size(20);
    for (name, measured) in [("lookups", Phase::Lookups), ("linear layers", Phase::LinearLayers)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|proofs| {
                let (begun, spent) = (Cell::new(None), Cell::new(Duration::ZERO));
                let started = |phase: Phase| {
                    if let Some(begin) = begun.take() {
                        spent.set(spent.get() + Instant::elapsed(&begin));
                    }
                    begun.set((phase == measured).then(Instant::now));
                };
                for _ in 0..proofs {
                    prover.prove(&input, b"", LEVEL, &started).expect("it is proved");
                }
                spent.get()
            });
        });
    }
    group.finish();
}

/// Encoding cells and hashing the codeword.
fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    group.sample_size(20);
    for log_cells in [16, 20] {
        let floor = Floor::new(1 << log_cells).expect("a vector can be so long");
        group.throughput(Throughput::Elements(1 << log_cells));
        group.bench_function(BenchmarkId::from_parameter(format!("2^{log_cells} cells")), |bencher| bencher.iter(|| floor.commit()));
    }
    group.finish();
}

criterion_group!(benches, prove, sumchecks, commit);
criterion_main!(benches);
