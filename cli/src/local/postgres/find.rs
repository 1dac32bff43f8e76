//! Where the programs of Postgres are on this machine.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Binaries;

/// Places beside `PATH`: each is `folder/{prefix}*/{rest}`.
const PLACES: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),         // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                  // Fedora, RHEL: the PGDG packages
    ("/usr", "bin", ""),                        // Fedora: its own package
    ("/opt/homebrew/opt", "postgresql", "bin"), // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql", "bin"),    // Homebrew on Intel
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Every set of `initdb` and `postgres` there is, the one to use for new data first: that on
/// `PATH`, then the highest version.
pub(super) fn binaries() -> Vec<Binaries> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    search(&on_path, &places())
}

fn places() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (folder, prefix, rest) in PLACES {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        found.extend(entries.flatten().filter_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            let matches = if rest.is_empty() {
                name == prefix
            } else {
                name.starts_with(prefix)
            };
            matches.then(|| entry.path().join(rest))
        }));
    }
    found
}

fn search(on_path: &[PathBuf], places: &[PathBuf]) -> Vec<Binaries> {
    let mut seen = BTreeSet::new();
    let mut look = |folders: &[PathBuf]| -> Vec<Binaries> {
        folders
            .iter()
            .filter_map(|folder| real_folder(folder))
            .filter(|folder| seen.insert(folder.clone()))
            .filter_map(|folder| {
                let major = major_version(&folder.join("postgres"))?;
                Some(Binaries { folder, major })
            })
            .collect()
    };
    let mut found = look(on_path);
    let mut others = look(places);
    others.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found.append(&mut others);
    found
}

/// The folder that holds both programs, links followed: the programs find their libraries
/// from where they really are.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let initdb = folder.join("initdb").canonicalize().ok()?;
    let real = initdb.parent()?;
    let runnable = |program: PathBuf| {
        fs::metadata(program).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    (folder.join("postgres").exists()
        && runnable(initdb.clone())
        && runnable(real.join("postgres")))
    .then(|| real.to_owned())
}

/// What `postgres --version` says.
fn major_version(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15.
fn parse_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |text, expected| assert_eq!(parse_version(text), expected, "{text}");
        check(
            "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
            Some(15),
        );
        check("postgres (PostgreSQL) 17.2\n", Some(17));
        check("postgres (PostgreSQL) 18beta1\n", Some(18));
        check("something else", None);
    }

    #[test]
    fn path_first_then_the_highest_version_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, version: &str| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            for program in ["initdb", "postgres"] {
                let program = folder.join(program);
                fs::write(
                    &program,
                    format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
                )
                .unwrap();
                fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            }
            folder.canonicalize().unwrap()
        };
        let (old, new, mine) = (make("9", "9.6"), make("17", "17.2"), make("mine", "15.1"));
        let links = dir.path().join("links");
        fs::create_dir(&links).unwrap();
        for program in ["initdb", "postgres"] {
            std::os::unix::fs::symlink(mine.join(program), links.join(program)).unwrap();
        }
        let found = search(
            &[dir.path().into(), links],
            &[old.clone(), mine.clone(), new.clone()],
        );
        let expected = [(mine, 15), (new, 17), (old, 9)];
        assert_eq!(
            found,
            expected.map(|(folder, major)| Binaries { folder, major })
        );
    }
}
