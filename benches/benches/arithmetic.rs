//! Products of vectors over the challenge field, equality tables, and hashes of Merkle trees: what prover and verifier do most.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use p3_field::PrimeCharacteristicRing;
use verinfer_relation::dot::dot;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::lanes::Lanes;
use verinfer_relation::merkle;

const LOG_LEN: usize = 16;
const LEN: usize = 1 << LOG_LEN;

/// Field elements without a pattern that arithmetic could use.
fn elements(seed: u64) -> impl Iterator<Item = F> {
    (seed..).map(|index| F::from_u64(index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1))
}

fn challenges(seed: u64, len: usize) -> Vec<K> {
    let mut coordinates = elements(seed);
    let mut next = || coordinates.next().unwrap_or_default();
    (0..len).map(|_| from_coordinates([next(), next(), next()])).collect()
}

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("products");
    group.throughput(Throughput::Elements(LEN as u64));
    let (a, b) = (challenges(1, LEN), challenges(2, LEN));
    group.bench_function("dot, 2^16 challenges", |bencher| bencher.iter(|| dot(black_box(&a), black_box(&b))));
    let lanes = Lanes::new(&a);
    let bytes: Vec<i16> = (0..LEN).map(|index| (index % 255) as i16 - 127).collect();
    group.bench_function("dot, 2^16 challenges by bytes", |bencher| bencher.iter(|| lanes.dot(black_box(&bytes))));
    let point = challenges(3, LOG_LEN);
    group.bench_function("equality table, 2^16", |bencher| bencher.iter(|| eq_table(black_box(&point), LEN)));
    group.finish();
}

fn merkle_tree(c: &mut Criterion) {
    let mut group = c.benchmark_group("merkle");
    let row: Vec<F> = elements(4).take(64).collect();
    let mut buffer = Vec::new();
    group.throughput(Throughput::Bytes(64 * 8));
    group.bench_function("leaf of 64 elements", |bencher| bencher.iter(|| merkle::leaf(black_box(&row), &mut buffer)));
    group.throughput(Throughput::Elements(1 << 12));
    let leaves: Vec<(usize, merkle::Digest)> =
        elements(5).take(1 << 12).map(|element| merkle::leaf(&[element], &mut buffer)).enumerate().collect();
    group.bench_function("root of 2^12 leaves", |bencher| {
        bencher.iter(|| merkle::root::<Infallible>(1 << 12, leaves.clone(), || unreachable!("every leaf is there")));
    });
    group.finish();
}

criterion_group!(benches, products, merkle_tree);
criterion_main!(benches);
