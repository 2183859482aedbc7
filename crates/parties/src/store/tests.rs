use std::fs;

use super::*;

#[test]
fn choice_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let choose = |value: u32| Store::open(&path).unwrap().once("scope", "choice", || Ok::<_, StoreError>(value)).unwrap();
    assert_eq!([choose(3), choose(4)], [3, 3]);
}

#[test]
fn state_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
    drop(store);
    assert!(Store::open(&path).is_ok());
}

#[test]
fn values_are_listed_by_name_within_their_scope() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    for (scope, name) in [("a", "2"), ("a", "1"), ("b", "0")] {
        store.put(scope, name, name).unwrap();
    }
    store.put("a", "2", "new").unwrap();
    let listed: Vec<(String, String)> = store.list("a").collect::<Result<_, _>>().unwrap();
    assert_eq!(listed, [("1".to_owned(), "1".to_owned()), ("2".to_owned(), "new".to_owned())]);
    store.remove("a", "1").unwrap();
    assert!(!store.has("a", "1") && store.has("a", "2"));
    for scope in ["a/1", "a/2", "ab/1", "a0"] {
        store.put(scope, "0", &1_u8).unwrap();
    }
    store.forget("a").unwrap();
    assert_eq!(["a/1", "a/2", "ab/1", "a0"].map(|scope| store.has(scope, "0")), [false, false, true, true]);
    assert!(store.has("a", "2") && store.has("b", "0"));
}

/// Wherever a crash cuts the file off, every value that was kept before the last whole record is there, and new ones can be kept.
#[test]
fn file_cut_off_anywhere_has_all_values_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut ends = Vec::new();
    let store = Store::open(&path).unwrap();
    for value in 0..4_u64 {
        ends.push(fs::metadata(&path).unwrap().len());
        store.put("scope", &value.to_string(), &(value << 40)).unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let store = Store::open(&path).unwrap();
        let expected = ends.iter().skip(1).filter(|&&end| end <= len as u64).count();
        assert_eq!(store.list::<u64>("scope").map(Result::unwrap).count(), expected, "cut off after {len} bytes");
        store.put("scope", "new", &7_u64).unwrap();
        drop(store);
        assert_eq!(Store::open(&path).unwrap().get("scope", "new").unwrap(), Some(7_u64));
    }
}

#[test]
fn file_with_a_flipped_byte_gives_no_wrong_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    Store::open(&path).unwrap().put("scope", "name", &0x0123_4567_u64).unwrap();
    let whole = fs::read(&path).unwrap();
    for place in 8..whole.len() {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        fs::write(&path, &altered).unwrap();
        assert_eq!(Store::open(&path).unwrap().get::<u64>("scope", "name").unwrap(), None, "byte {place}");
    }
    fs::write(&path, b"something else").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::NotAState { .. })));
}

#[test]
fn file_that_mostly_no_longer_counts_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::open(&path).unwrap();
    for value in 0..100_u64 {
        store.put("scope", "name", &(1 << 40 | value)).unwrap();
    }
    drop(store);
    let before = fs::metadata(&path).unwrap().len();
    let store = Store::open(&path).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < before / 50);
    assert_eq!(store.get("scope", "name").unwrap(), Some(1_u64 << 40 | 99));
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
}

#[test]
fn file_shrinks_while_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::open(&path).unwrap();
    store.put("other", "name", &7_u64).unwrap();
    let long = vec![1_u8; 3 << 24];
    for name in ["0", "1", "2"] {
        store.put("a/1", name, &long).unwrap();
    }
    store.forget("a").unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 1000);
    store.put("other", "later", &8_u64).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(["name", "later"].map(|name| store.get("other", name).unwrap()), [Some(7_u64), Some(8)]);
}

#[cfg(unix)]
#[test]
fn its_owner_alone_reads_a_state() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let store = Store::open(&path).unwrap();
    assert_eq!(mode(), 0o600);
    // Written anew, since hardly anything of it counts.
    for _ in 0..8 {
        store.put("scope", "name", &vec![1_u8; 10_000]).unwrap();
    }
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&path).unwrap());
    assert_eq!(mode(), 0o600);
}
