pub const SALT_LEN: usize = 1280;
pub struct Plan(usize);
impl Plan {
    pub fn new(len: usize) -> Self {
        Self(len)
    }
    pub fn digests_len(&self) -> usize {
        if self.0 <= 1 << 16 { 0 } else { self.0.div_ceil(1 << 16) * 1024 }
    }
}
