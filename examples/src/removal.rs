//! Removing messages from a Maildir, all or none, whatever interrupts it (RFC 1939 s 6).
//!
//! ```text
//! cur/a, new/b ──► pop3d.deleting/cur/a, pop3d.deleting/new/b ══► pop3d.deleted ──► nothing
//!               one by one, and back if one cannot be moved    at once            one by one, now or later
//! ```
//!
//! The double arrow is one rename, and decides: who was interrupted before it has all messages again at the next [`recover`], who was
//! interrupted behind it has none of them. The folders stand beside `tmp` and not in it, where mail that is older than
//! 36 hours is refuse to some.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Messages whose removal is not decided.
const DELETING: &str = "pop3d.deleting";
/// And such that are as good as gone.
const DELETED: &str = "pop3d.deleted";
const FOLDERS: [&str; 2] = ["cur", "new"];

/// Removes messages, which are paths below the Maildir (`new/1.a`). `Err`: none is removed, or after a fault of the disk all are at the
/// next [`recover`]. The caller holds the maildrop's lock.
pub fn remove(maildir: &Path, messages: &[PathBuf]) -> io::Result<()> {
    remove_by_steps(maildir, messages, &mut || Ok(()))
}

/// Ends what an interrupted [`remove`] began. The caller holds the maildrop's lock.
pub fn recover(maildir: &Path) -> io::Result<()> {
    recover_by_steps(maildir, &mut || Ok(()))
}

/// `step` is asked before each change of the disk: where it says no, the program has died.
fn remove_by_steps(
    maildir: &Path,
    messages: &[PathBuf],
    step: &mut impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    recover_by_steps(maildir, step)?;
    let (deleting, deleted) = (maildir.join(DELETING), maildir.join(DELETED));
    for folder in FOLDERS {
        step()?;
        fs::create_dir_all(deleting.join(folder))?;
    }
    for message in messages {
        step()?;
        if let Err(error) = fs::rename(maildir.join(message), deleting.join(message)) {
            put_back(maildir, step)?;
            return Err(error);
        }
    }
    for folder in FOLDERS {
        sync(&deleting.join(folder))?;
        sync(&maildir.join(folder))?;
    }
    sync(&deleting)?;
    step()?;
    fs::rename(&deleting, &deleted)?;
    sync(maildir)?;
    // It is decided: what is left of them does no harm, and goes at the next time.
    discard(maildir, step).ok();
    Ok(())
}

fn recover_by_steps(maildir: &Path, step: &mut impl FnMut() -> io::Result<()>) -> io::Result<()> {
    if maildir.join(DELETED).try_exists()? {
        discard(maildir, step)?;
    }
    if maildir.join(DELETING).try_exists()? {
        put_back(maildir, step)?;
    }
    Ok(())
}

fn put_back(maildir: &Path, step: &mut impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let deleting = maildir.join(DELETING);
    for folder in FOLDERS {
        for message in names(&deleting.join(folder))? {
            step()?;
            fs::rename(deleting.join(folder).join(&message), maildir.join(folder).join(&message))?;
        }
        sync(&maildir.join(folder))?;
    }
    remove_folders(&deleting, step)?;
    sync(maildir)
}

fn discard(maildir: &Path, step: &mut impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let deleted = maildir.join(DELETED);
    for folder in FOLDERS {
        for message in names(&deleted.join(folder))? {
            step()?;
            fs::remove_file(deleted.join(folder).join(message))?;
        }
    }
    remove_folders(&deleted, step)?;
    sync(maildir)
}

/// What a folder holds; nothing if there is none, for who was interrupted had not made it yet or had removed it.
fn names(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Only empty ones: a message is never removed by this.
fn remove_folders(all: &Path, step: &mut impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for folder in FOLDERS.map(|folder| all.join(folder)).iter().map(PathBuf::as_path).chain([all]) {
        step()?;
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: [&str; 4] = ["cur/1.a:2,S", "new/2.b", "cur/3.c:2,", "new/4.d"];
    const STAYS: &str = "new/5.e";

    fn maildir() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        for name in MESSAGES.iter().chain([&STAYS]) {
            fs::write(dir.path().join(name), name).unwrap();
        }
        dir
    }

    fn there(dir: &Path) -> usize {
        let whole = |name: &&&str| fs::read_to_string(dir.join(name)).is_ok_and(|text| text == ***name);
        MESSAGES.iter().filter(whole).count()
    }

    /// Dies at this step, and stays dead.
    fn dies_at(step: usize) -> impl FnMut() -> io::Result<()> {
        let mut left = step;
        move || {
            left = left.checked_sub(1).ok_or_else(|| io::Error::other("died"))?;
            Ok(())
        }
    }

    #[test]
    fn dead_at_any_step_and_again_in_the_recovery() {
        let messages = MESSAGES.map(PathBuf::from);
        let (mut none, mut all) = (0, 0);
        // There are 14 steps.
        for step in 0..16 {
            for again in 0.. {
                let dir = maildir();
                let finished = remove_by_steps(dir.path(), &messages, &mut dies_at(step)).is_ok();
                let recovered = recover_by_steps(dir.path(), &mut dies_at(again)).is_ok();
                recover(dir.path()).unwrap();
                match there(dir.path()) {
                    4 => none += 1,
                    0 => all += 1,
                    some => {
                        panic!("{some} of 4 are left: died at step {step} and at {again} of the recovery")
                    }
                }
                assert!(!finished || there(dir.path()) == 0, "step {step}: success, and yet they are there");
                assert!(dir.path().join(STAYS).exists());
                let names: Vec<_> = names(dir.path()).unwrap();
                assert_eq!(names.len(), 3, "step {step}, {again}: {names:?}");
                if recovered {
                    break;
                }
            }
        }
        assert!(none > 20 && all > 20, "{none} {all}");
    }

    #[test]
    fn one_that_cannot_be_moved_keeps_all() {
        let dir = maildir();
        let mut messages = MESSAGES.map(PathBuf::from).to_vec();
        messages.insert(2, "new/nobody".into());
        assert_eq!(remove(dir.path(), &messages).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!((there(dir.path()), names(dir.path()).unwrap().len()), (4, 3));
        messages.remove(2);
        remove(dir.path(), &messages).unwrap();
        assert_eq!((there(dir.path()), names(dir.path()).unwrap().len()), (0, 3));
    }
}
