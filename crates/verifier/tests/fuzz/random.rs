//! What is random about a case, and changes of bytes.

/// SplitMix64.
pub struct Rng(u64);

impl Rng {
    pub fn of_case(case: u64) -> Self {
        Self(case.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is taken for one if it is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// An integer at which something may overflow, or any.
    pub fn extreme(&mut self) -> u32 {
        let any = self.next() as u32;
        *self.pick(&[
            0,
            1,
            2,
            3,
            4,
            127,
            128,
            255,
            256,
            1 << 16,
            (1 << 24) + 1,
            1 << 30,
            1 << 31,
            (1 << 31) - 1,
            u32::MAX - 1,
            u32::MAX,
            any,
        ])
    }
}

/// A few random changes anywhere: bits, bytes, integers, blocks moved, removed, repeated or overwritten, the end cut off.
pub fn bytes(file: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(file.len());
        let most = [1, 8, 24, 400][random.below(4)].min(file.len() - at);
        let len = 1 + random.below(most);
        match random.below(9) {
            0 => file[at] ^= 1 << random.below(8),
            1 => file[at] = random.next() as u8,
            2 => file[at..at + len].fill([0, 255][random.below(2)]),
            3 => drop(file.drain(at..at + len)),
            4 => {
                let copy = file[at..at + len].to_vec();
                file.splice(at..at, copy);
            }
            5 => {
                let bytes = random.bytes(len);
                file[at..at + len].copy_from_slice(&bytes);
            }
            6 => file.truncate(at),
            7 => {
                let integer = random.extreme().to_le_bytes();
                file.iter_mut().skip(at).zip(integer).for_each(|(to, from)| *to = from);
            }
            _ => {
                let from = random.below(file.len() - len + 1);
                file.copy_within(from..from + len, at);
            }
        }
        if file.is_empty() {
            break;
        }
    }
    file
}
