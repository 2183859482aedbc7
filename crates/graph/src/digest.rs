use crate::graph::Graph;

impl Graph {
    /// BLAKE3 commitment to everything that determines what the network computes: all but the names in `name` and `source`.
    pub fn digest(&self) -> [u8; 32] {
        todo!()
    }

    /// As [`Graph::digest`] without anything learned: weights, biases, multipliers, shifts, addends. Shapes, windows, zero points, clamps,
    /// wiring and the tables of look-ups and pools stay in.
    pub fn architecture_digest(&self) -> [u8; 32] {
        todo!()
    }
}
