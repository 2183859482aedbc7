//! Tests of the public interface.

mod architecture;
mod architectures;
mod digests;
mod interface;
mod kernels;
mod operators;
mod places;
mod ranges;
mod reach;
mod refused_constants;
mod refused_networks;
mod refused_shapes;
mod refused_tables;
mod refused_windows;
mod support;
