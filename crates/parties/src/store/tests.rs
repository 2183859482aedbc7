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

/// Every file in a folder that has these bytes somewhere.
fn files_with(folder: &Path, marker: &[u8]) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let has_it = |entry: &fs::DirEntry| fs::read(entry.path()).unwrap().windows(marker.len()).any(|window| window == marker);
    entries.filter(has_it).map(|entry| entry.file_name()).collect()
}

const MARKER: &[u8; 16] = b"hidden bytes 123";

#[test]
fn forgotten_value_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    let long: Vec<u8> = MARKER.iter().copied().cycle().take(100_000).collect();
    for index in 0..40 {
        // Long ones have pages of their own; short ones lie between others, and move when those change.
        store.put("kept", &numbered(index), &vec![1_u8; 90]).unwrap();
        store.put("gone/long", &numbered(index % 3), &long).unwrap();
        store.put("gone/short", &numbered(index), MARKER).unwrap();
        store.append("gone/appended", &numbered(index), &[MARKER, MARKER]).unwrap();
        store.put("replaced", "value", &long).unwrap();
    }
    assert_eq!(files_with(folder.path(), MARKER), ["state"]);
    store.put("replaced", "value", &0_u8).unwrap();
    store.remove("gone/short", &numbered(7)).unwrap();
    store.forget("gone").unwrap();
    assert!(files_with(folder.path(), MARKER).is_empty());
    drop(store);
    assert!(files_with(folder.path(), MARKER).is_empty());
    assert_eq!(Store::open(&folder.path().join("state")).unwrap().names("kept").len(), 40);
}

#[cfg(unix)]
#[test]
fn nobody_but_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let modes = || -> Vec<u32> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777).collect()
    };
    let store = Store::open(&path).unwrap();
    store.put("scope", "name", &7_u64).unwrap();
    assert_eq!(modes(), [0o600, 0o600], "database and side file");
    drop(store);
    // As a copy may be.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&path).unwrap());
    assert!(modes().iter().all(|&mode| mode == 0o600));
}

/// What another program has written is neither read nor changed.
#[test]
fn other_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        error
    };
    assert!(matches!(refused(b"something else"), StoreError::NotAState { .. }));
    let error = refused(b"VERSTATE\x01\0\0\0and what follows");
    assert!(matches!(error, StoreError::Journal { .. }) && error.to_string().contains("format 1"));
    fs::remove_file(&path).unwrap();
    drop(Store::open(&path).unwrap());
    let ours = fs::read(&path).unwrap();
    assert!(is_state_file(&ours) && is_state_file(b"VERSTATE") && !is_state_file(&ours[..50]));
    let mut later = ours.clone();
    later[63] = 9;
    assert!(matches!(refused(&later), StoreError::OtherFormat { found: 9, .. }));
    let mut foreign = ours;
    foreign[70] = 9;
    assert!(matches!(refused(&foreign), StoreError::NotAState { .. }));
}

/// Wherever a bit flips, either all values are there, or the state is refused; the file is as it was.
#[test]
fn flipped_bit_loses_no_value_silently() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let expected: Vec<_> = (0..8).map(|index| (numbered(index), vec![index as u8; 900])).collect();
    let store = Store::open(&path).unwrap();
    for (name, value) in &expected {
        store.put("scope", name, value).unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let (mut damaged_values, mut damaged_files, mut harmless) = (0, 0, 0);
    // All of the header, and enough of the rest.
    for place in (0..200).chain((200..whole.len()).step_by(7)) {
        let mut altered = whole.clone();
        altered[place] ^= 1 << (place % 8);
        fs::write(&path, &altered).unwrap();
        match Store::open(&path) {
            Ok(store) => {
                assert_eq!(store.list("scope").collect::<Result<Vec<(String, Vec<u8>)>, _>>().unwrap(), expected, "byte {place}");
                harmless += 1;
            }
            Err(StoreError::Damaged { scope, name, .. }) => {
                assert!(!scope.is_empty() && !name.is_empty());
                damaged_values += 1;
            }
            Err(StoreError::InUse { .. }) => panic!("byte {place}"),
            Err(_) => damaged_files += 1,
        }
        assert!(fs::read(&path).unwrap() == altered, "byte {place}");
    }
    assert!(damaged_values > 900 && damaged_files > 50, "{damaged_values} {damaged_files} {harmless}");
}

#[test]
fn damage_is_told_with_what_and_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    Store::open(&path).unwrap().put("self", "salt", &MARKER).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(MARKER.len()).position(|window| window == MARKER).unwrap();
    bytes[place + 3] ^= 4;
    fs::write(&path, &bytes).unwrap();
    let told = Store::open(&path).unwrap_err().to_string();
    for part in ["state is damaged", "`salt` of `self`", "restore a copy", "nothing was changed"] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn full_disk_is_an_error_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::open(&path).unwrap();
    store.put("scope", "name", &1_u64).unwrap();
    store.append("scope", "waits", &2_u64).unwrap();
    store.kept().database.limit_pages(3);
    assert!(matches!(store.put("scope", "name", &vec![1_u8; 100_000]), Err(StoreError::Full { .. })));
    assert_eq!(["name", "waits"].map(|name| store.get("scope", name).unwrap()), [Some(1_u64), Some(2)]);
    store.kept().database.limit_pages(1000);
    store.put("scope", "name", &3_u64).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(["name", "waits"].map(|name| store.get("scope", name).unwrap()), [Some(3_u64), Some(2)]);
}

const CHILD: &str = "VERINFER_TEST_STATE";

/// Keeps numbers and says so, until it is killed; does nothing where the next test has not started it.
#[test]
fn keeping_until_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    for index in store.names("scope").len() as u32.. {
        store.append("appended", &numbered(index), &vec![index; 3000]).unwrap();
        store.put("scope", &numbered(index), &vec![index; 3000]).unwrap();
        eprintln!("\nkept {index}");
    }
}

#[test]
fn killed_process_has_kept_what_it_said_it_has() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut kept = 0;
    for run in 1..=10 {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "store::tests::keeping_until_killed", "--nocapture"]).env(CHILD, &path);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut said = lines.filter_map(|line| line.strip_prefix("kept ").map(|index| index.parse::<u32>().unwrap()));
        kept = said.nth(run).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })), "another process has it");
        child.kill().unwrap();
        kept = said.last().unwrap_or(kept);
        child.wait().unwrap();
        let store = Store::open(&path).unwrap();
        for scope in ["scope", "appended"] {
            let values: Vec<Vec<u32>> = store.list(scope).map(|value| value.unwrap().1).collect();
            assert!(values.len() as u32 > kept && values.iter().zip(0..).all(|(value, index)| *value == vec![index; 3000]));
        }
    }
    assert!(kept >= 10);
}

#[test]
fn file_shrinks_while_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::open(&path).unwrap();
    store.put("other", "name", &7_u64).unwrap();
    let long = vec![1_u8; 3 << 22];
    for name in ["0", "1", "2"] {
        store.put("a/1", name, &long).unwrap();
    }
    store.forget("a").unwrap();
    let bytes = || -> u64 { fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum() };
    assert!(bytes() < 50_000);
    store.put("other", "later", &8_u64).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(["name", "later"].map(|name| store.get("other", name).unwrap()), [Some(7_u64), Some(8)]);
}
