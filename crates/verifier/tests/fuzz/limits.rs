//! Bounds on the time and memory of a case: beyond them the process ends and says which case it was.

use std::alloc::System;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, process, thread};

use cap::Cap;

/// Counts what is allocated. Beyond its limit allocations fail, which aborts the process.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Longest time for a case.
const MOST_MILLISECONDS: u64 = 10_000;

/// When the case that runs began, in milliseconds since [`Limits::new`], and its number; the time is `u64::MAX` between cases.
static BEGAN: AtomicU64 = AtomicU64::new(u64::MAX);
static CASE: AtomicU64 = AtomicU64::new(0);

/// Watches over cases.
pub struct Limits {
    start: Instant,
    file: PathBuf,
}

impl Limits {
    /// After all that is allocated once.
    pub fn new() -> Self {
        let start = Instant::now();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(200));
                let (began, now) = (BEGAN.load(Ordering::SeqCst), start.elapsed().as_millis() as u64);
                if now.saturating_sub(began) > MOST_MILLISECONDS {
                    eprintln!("case {} takes longer than {MOST_MILLISECONDS} ms", CASE.load(Ordering::SeqCst));
                    process::exit(101);
                }
            }
        });
        Self { start, file: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("verinfer-fuzz-case") }
    }

    /// Begins a case that may use so many bytes more than are in use.
    pub fn begin(&self, case: u64, memory: usize) {
        fs::write(&self.file, case.to_string()).expect("the folder for temporary files can be written");
        CASE.store(case, Ordering::SeqCst);
        BEGAN.store(self.start.elapsed().as_millis() as u64, Ordering::SeqCst);
        ALLOCATOR.set_limit(ALLOCATOR.allocated() + memory).expect("the limit is above what is in use");
    }

    /// Ends it.
    pub fn end(&self) {
        ALLOCATOR.set_limit(usize::MAX).expect("the limit is above what is in use");
        BEGAN.store(u64::MAX, Ordering::SeqCst);
    }

    /// Most bytes that were in use at once, ever.
    pub fn most_used(&self) -> usize {
        ALLOCATOR.max_allocated()
    }
}
