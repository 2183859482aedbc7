use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::*;

const AGREEMENT: AgreementId = AgreementId([7; 32]);
const PAUSE: Duration = Duration::from_millis(20);

/// Longest that anything here takes.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn jobs_survive_a_restart_and_what_has_been_due_longest_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let next = |queue: &Queue, due: &[u32], since| queue.next(AGREEMENT, due, 2, Timestamp(since));
    let queue = Queue::new(Arc::new(Store::open(&path).unwrap()));
    assert!(next(&queue, &[1, 2, 3], 200).unwrap().is_none());
    assert!(next(&queue, &[9], 100).unwrap().is_none());
    drop(queue);

    let queue = Arc::new(Queue::new(Arc::new(Store::open(&path).unwrap())));
    let order = Arc::new(Mutex::new(Vec::new()));
    let (working, made) = (queue.clone(), order.clone());
    thread::spawn(move || {
        working.work(PAUSE, |job| {
            made.lock().unwrap().push(job.entries.clone());
            match job.entries.as_slice() {
                [3] => Err(PartyError::Plan("three is too many".to_owned())),
                entries => Ok(entries.iter().map(|&entry| entry as u8).collect()),
            }
        })
    });
    let (job, proof) = loop {
        match next(&queue, &[1, 2], 200).unwrap() {
            Some(made) => break made,
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!((job.entries, proof), (vec![1, 2], vec![1, 2]));
    assert_eq!(order.lock().unwrap()[0], [9]);
    let failed = loop {
        match next(&queue, &[3], 200) {
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            result => break result,
        }
    };
    assert!(matches!(failed, Err(PartyError::NotProved(reason)) if reason == "three is too many"));
}

#[test]
fn proof_that_cannot_be_made_while_the_escrow_is_busy_is_tried_again_after_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Arc::new(Queue::new(Arc::new(Store::open(&folder.path().join("state")).unwrap())));
    let next = |due: u32, since| queue.next(AGREEMENT, &[due], 1, Timestamp(since)).unwrap();
    assert_eq!((next(1, 100), next(2, 200)), (None, None));
    let (working, tried) = (queue.clone(), Arc::new(Mutex::new(Vec::new())));
    let trying = tried.clone();
    thread::spawn(move || {
        working.work(PAUSE, |job| {
            let mut tried = trying.lock().unwrap();
            tried.push(job.entries[0]);
            if tried.len() > 1 {
                return Ok(vec![1]);
            }
            Err(refusal(503, "busy"))
        })
    });
    while next(1, 100).is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(*tried.lock().unwrap(), [1, 2, 1]);
}

fn refusal(status: u16, kind: &str) -> PartyError {
    ClientError::Refused { status, kind: kind.to_owned(), message: String::new() }.into()
}

#[test]
fn proof_for_an_agreement_that_the_escrow_does_not_know_is_not_tried_again_until_it_is_due_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&folder.path().join("state")).unwrap());
    let queue = Arc::new(Queue::new(store.clone()));
    let next = |due: u32| queue.next(AGREEMENT, &[due], 1, Timestamp(100)).unwrap();
    assert_eq!(next(1), None);
    let (working, (try_, tried)) = (queue.clone(), channel());
    thread::spawn(move || {
        working.work(PAUSE, |job| {
            try_.send(job.entries[0]).unwrap();
            if job.entries == [2] { Ok(vec![2]) } else { Err(refusal(404, "no_agreement")) }
        })
    });
    assert_eq!(tried.recv_timeout(LONG), Ok(1));
    assert!(tried.recv_timeout(PAUSE * 10).is_err(), "it is tried once");
    assert!(store.names(QUEUE).is_empty());
    assert_eq!((next(1), tried.recv_timeout(LONG)), (None, Ok(1)));
    assert_eq!((next(2), tried.recv_timeout(LONG)), (None, Ok(2)));
}

#[test]
fn nothing_is_kept_of_jobs_for_an_agreement_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&folder.path().join("state")).unwrap());
    let queue = Arc::new(Queue::new(store.clone()));
    let next = |agreement, due: &[u32]| queue.next(agreement, due, 1, Timestamp(100)).unwrap();
    let other = AgreementId([8; 32]);
    assert_eq!(next(AGREEMENT, &[1, 2, 3]), None);
    let (working, (begin, begun), (end, ended)) = (queue.clone(), channel(), channel());
    thread::spawn(move || {
        working.work(PAUSE, |job| {
            begin.send(job.agreement).unwrap();
            ended.recv().unwrap();
            Ok(vec![1])
        })
    });
    // It ends while one of its proofs is made.
    assert_eq!(begun.recv_timeout(LONG), Ok(AGREEMENT));
    queue.forget(AGREEMENT).unwrap();
    store.forget(&AGREEMENT.to_string()).unwrap();
    assert_eq!(next(other, &[4]), None);
    end.send(()).unwrap();
    assert_eq!(begun.recv_timeout(LONG), Ok(other), "the others are not made");
    assert!(store.names(&format!("{AGREEMENT}/proofs")).is_empty());
    end.send(()).unwrap();
    while next(other, &[4]).is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(store.names(QUEUE).is_empty());
}
