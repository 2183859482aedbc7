use std::fs;
use std::path::Path;

use super::*;

#[test]
fn failed_write_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    assert!(write(&folder.path().join("taken"), b"x").is_err());
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["taken"]);
}

#[cfg(unix)]
#[test]
fn links_are_kept_and_what_they_lead_to_is_written() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), b"old").unwrap();
    symlink("file", at("link")).unwrap();
    symlink("link", at("link to a link")).unwrap();
    symlink("nothing yet", at("dangling")).unwrap();
    write(&at("link to a link"), b"new").unwrap();
    write(&at("dangling"), b"first").unwrap();
    assert_eq!((fs::read(at("file")).unwrap(), fs::read(at("nothing yet")).unwrap()), (b"new".to_vec(), b"first".to_vec()));
    assert!(["link", "link to a link", "dangling"].into_iter().all(|name| at(name).is_symlink()));
    write_private(&at("link"), b"secret", true).unwrap();
    assert!(at("link").is_symlink() && write_private(&at("dangling"), b"x", false).is_err());
    symlink("round", at("round")).unwrap();
    assert!(write(&at("round"), b"x").is_err());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_stays() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    check_writable(&pipe).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    write(&pipe, b"through").unwrap();
    assert_eq!(reader.join().unwrap(), b"through");
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    write(Path::new("/dev/null"), b"nothing").unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[cfg(unix)]
#[test]
fn secrets_are_their_owners_and_are_not_overwritten_by_accident() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    write(&path, b"readable").unwrap();
    assert!(is_readable_by_others(&path));
    assert!(check_private_writable(&path, false).is_err() && check_private_writable(&path, true).is_ok());
    assert!(write_private(&path, b"secret", false).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"readable");
    write_private(&path, b"secret", true).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!is_readable_by_others(&path));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_of_a_database_is_made_once_and_is_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("database");
    assert!(create_private(&path).unwrap() && !create_private(&path).unwrap());
    assert!(!is_readable_by_others(&path));
    assert!(create_private(&folder.path().join("no folder").join("database")).is_err());
}

#[cfg(unix)]
#[test]
fn a_file_is_closed_to_others_and_no_more_opened_to_its_owner_than_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (before, after) in [(0o644, 0o600), (0o666, 0o600), (0o400, 0o400), (0o600, 0o600)] {
        fs::write(&path, b"").or_else(|_| fs::remove_file(&path)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
        close_to_others(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, after);
    }
    assert!(close_to_others(&folder.path().join("nothing")).is_err());
}

#[test]
fn a_file_that_is_filled_has_its_name_only_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("database");
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let failed = create_private_whole(&path, |other| {
        fs::write(other, b"half")?;
        Err(std::io::Error::other("no more"))
    });
    assert_eq!((failed.unwrap_err().to_string().as_str(), names()), ("no more", 0));
    let fill = |other: &Path| {
        assert!(!path.exists());
        fs::write(other, b"whole")
    };
    assert!(create_private_whole(&path, fill).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert!(!is_readable_by_others(&path));
    assert!(!create_private_whole(&path, |_| -> std::io::Result<()> { panic!("it is there") }).unwrap());
    assert_eq!(names(), 1);
}
