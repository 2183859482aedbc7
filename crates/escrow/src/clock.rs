//! The escrow's clock: it goes on from where it was when the escrow was last up, and only while the escrow can write down what it receives.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use verinfer_protocols::time::{Millis, Timestamp};

/// How far it goes after the last write that is known to have worked: a write may hang for longer than this before it fails.
pub const LEASE: Millis = Millis(5000);

/// How long writes must have worked again before it goes on.
pub const RECOVERY: Millis = Millis(10_000);

/// Tells the escrow's time. It never goes back; it goes on with real time as long as it [hears](Clock::wrote) of writes, and [stands](Clock::stop) once one
/// has failed until they have worked for [`RECOVERY`].
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    course: Arc<Mutex<Course>>,
}

/// Real time, in milliseconds from anywhere.
#[derive(Clone, Debug)]
enum Source {
    Running(Instant),
    /// As a test sets it.
    Manual(Arc<AtomicU64>),
}

/// How it goes on.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// Its time at `since`.
    base: Timestamp,
    /// In real time.
    since: u64,
    /// It goes no further.
    limit: Timestamp,
    stands: Option<Standstill>,
}

/// It does not go on until writes have worked for a while.
#[derive(Clone, Copy, Debug)]
struct Standstill {
    /// In real time; nothing if none has worked yet.
    working_since: Option<u64>,
}

impl Clock {
    /// Goes on from a time, as soon as something is written.
    pub fn from(base: Timestamp) -> Self {
        Self::with(Source::Running(Instant::now()), base)
    }

    /// As [`Clock::from`]; real time stands still but for [`Clock::pass`]. For tests.
    pub fn manual(base: Timestamp) -> Self {
        Self::with(Source::Manual(Arc::default()), base)
    }

    fn with(source: Source, base: Timestamp) -> Self {
        let course = Course { base, since: 0, limit: base, stands: None };
        Self { source, course: Arc::new(Mutex::new(course)) }
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        let course = self.course();
        course.at(self.real())
    }

    /// Whether a write has failed, and writes have not worked for long enough since. No deadline is called then.
    pub fn stands(&self) -> bool {
        self.course().stands.is_some()
    }

    /// Whether it goes on: no write has failed, and the last is not longer ago than it goes without one.
    pub fn goes(&self) -> bool {
        let course = self.course();
        course.stands.is_none() && course.at(self.real()) < course.limit
    }

    /// A write has worked.
    pub fn wrote(&self) {
        let mut course = self.course();
        let real = self.real();
        let now = course.at(real);
        if let Some(Standstill { working_since }) = &mut course.stands {
            let since = *working_since.get_or_insert(real);
            if real.saturating_sub(since) < RECOVERY.0 {
                return;
            }
        }
        *course = Course { base: now, since: real, limit: now.after(LEASE), stands: None };
    }

    /// Nothing can be written: it stands from now on.
    pub fn stop(&self) {
        let mut course = self.course();
        let real = self.real();
        let now = course.at(real);
        *course = Course { base: now, since: real, limit: now, stands: Some(Standstill { working_since: None }) };
    }

    /// Lets real time pass for a manual clock.
    pub fn pass(&self, time: Millis) {
        if let Source::Manual(real) = &self.source {
            real.fetch_add(time.0, Ordering::SeqCst);
        }
    }

    fn real(&self) -> u64 {
        match &self.source {
            Source::Running(start) => u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            Source::Manual(real) => real.load(Ordering::SeqCst),
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Course {
    fn at(&self, real: u64) -> Timestamp {
        self.base.after(Millis(real.saturating_sub(self.since))).min(self.limit)
    }
}

/// The time of the machine, where a new escrow's clock begins.
pub fn machine_time() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The time of the machine in seconds, by which certificates hold.
pub fn machine_seconds() -> u64 {
    machine_time().0 / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets time pass with a write that works every second.
    fn write_for(clock: &Clock, seconds: u64) {
        for _ in 0..seconds {
            clock.pass(Millis(1000));
            clock.wrote();
        }
    }

    #[test]
    fn it_goes_on_with_real_time_while_writes_work() {
        let clock = Clock::manual(Timestamp(500));
        clock.pass(Millis(7000));
        assert_eq!(clock.now(), Timestamp(500), "nothing was written yet");
        clock.wrote();
        write_for(&clock, 100);
        assert_eq!(clock.now(), Timestamp(100_500));
    }

    #[test]
    fn it_does_not_run_ahead_of_a_write_that_hangs() {
        let clock = Clock::manual(Timestamp(0));
        clock.wrote();
        clock.pass(Millis(60_000));
        assert_eq!(clock.now(), Timestamp(LEASE.0));
        clock.wrote();
        clock.pass(Millis(10));
        assert_eq!(clock.now(), Timestamp(LEASE.0 + 10), "it goes on from where it stood");
    }

    #[test]
    fn it_stands_from_a_write_that_fails_until_writes_have_worked_for_a_while() {
        let clock = Clock::manual(Timestamp(0));
        clock.wrote();
        clock.pass(Millis(300));
        clock.stop();
        let stood = Timestamp(300);
        write_for(&clock, 9);
        assert!(clock.stands());
        // One that fails meanwhile starts the while anew.
        clock.stop();
        write_for(&clock, 10);
        assert!(clock.stands() && clock.now() == stood, "{clock:?}");
        write_for(&clock, 1);
        assert!(!clock.stands() && clock.now() == stood, "{clock:?}");
        write_for(&clock, 3);
        assert_eq!(clock.now(), Timestamp(3300));
    }
}
