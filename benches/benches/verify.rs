//! Verifying a proof of the built-in model, from the network and from its public architecture.

use criterion::{Criterion, criterion_group, criterion_main};
use verinfer_benches::{LEVEL, digits, hidden};
use verinfer_prover::Prover;
use verinfer_relation::statement::ModelClaim;
use verinfer_verifier::{Expectations, Verifier};

fn verify(c: &mut Criterion) {
    let (graph, input) = digits();
    let expectations = Expectations::default();
    let mut group = c.benchmark_group("verify digits");

    let prover = Prover::new(graph.clone()).expect("it has proofs");
    let proof = prover.prove(&input, b"", LEVEL, &|_| ()).expect("it is proved").proof.encode();
    let verifier = Verifier::new(graph.clone()).expect("its proofs can be verified");
    group.bench_function("public", |bencher| {
        bencher.iter(|| verifier.verify(&proof, &expectations).expect("it is accepted"));
    });

    let setting = hidden(&graph);
    let prover = Prover::with_setting(graph.clone(), 1, &setting).expect("it has proofs");
    let proof = prover.prove(&input, b"", LEVEL, &|_| ()).expect("it is proved").proof;
    let ModelClaim::Hidden { envelope, commitment, .. } = &proof.statement.model else { panic!("the weights are hidden") };
    let verifier = Verifier::hidden(graph.clone(), *envelope, **commitment, 1, &setting).expect("its proofs can be verified");
    let proof = proof.encode();
    group.bench_function("hidden", |bencher| {
        bencher.iter(|| verifier.verify(&proof, &expectations).expect("it is accepted"));
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
