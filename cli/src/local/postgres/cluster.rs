//! The data of the server: found, or made.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::user::{self, Account};
use super::{Binaries, last_lines};
use crate::local::{LocalError, dir};

/// Where the data go if the server's user cannot reach the user's folder.
const ELSEWHERE: [&str; 2] = ["/var/lib", "/var/tmp"];

/// Data, and what it takes to serve them.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) data: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) account: Account,
    pub(super) password: String,
}

/// The data of `dir`, made with the first of `binaries` if there are none.
pub(super) fn open(dir: &Path, binaries: &[Binaries]) -> Result<Cluster, LocalError> {
    let data = dir.join("postgres");
    let secret = dir.join("postgres.password");
    let account = user::for_data(&data)?;
    if fs::symlink_metadata(&data).is_ok() {
        return existing(data, &secret, binaries, account);
    }
    let known = read_password(&secret)?;
    let password = match known.clone() {
        Some(password) => password,
        None => {
            let password = dir::secret::<16>()?;
            dir::write_secret(&secret, &password)?;
            password
        }
    };
    let Some(newest) = binaries.first() else {
        return Err(LocalError::PostgresInit {
            reason: "no programs".to_owned(),
        });
    };
    let cluster = |place: PathBuf| Cluster {
        data: place,
        binaries: newest.clone(),
        account: account.clone(),
        password: password.clone(),
    };
    if account.ids.is_none() || account.can_enter(dir) {
        let made = cluster(data);
        made.init(&dir.join(".postgres.init"))?;
        return Ok(made);
    }

    let place = elsewhere(dir);
    let link = || symlink(&place, &data).map_err(LocalError::io(&data, "make the link"));
    if fs::symlink_metadata(&place).is_ok() {
        if known.is_some() {
            link()?;
            return existing(data, &secret, binaries, user::for_data(&place)?);
        }
        discard(&place)?;
    }
    let mut staging = place.clone().into_os_string();
    staging.push(".init");
    let made = cluster(place.clone());
    made.init(Path::new(&staging))?;
    link()?;
    Ok(made)
}

/// Data that are there already.
fn existing(
    link: PathBuf,
    secret: &Path,
    binaries: &[Binaries],
    account: Account,
) -> Result<Cluster, LocalError> {
    let refuse = |path: &Path, reason: String| LocalError::PostgresData {
        path: path.into(),
        reason,
    };
    let data = match link.canonicalize() {
        Ok(data) => data,
        Err(e) => return Err(refuse(&link, format!("it leads nowhere: {e}"))),
    };
    let version = fs::read_to_string(data.join("PG_VERSION"))
        .map_err(|e| refuse(&link, format!("PG_VERSION: {e}")))?;
    let version = version.trim();
    // `9.6` and its like, long out of support, are no number and match nothing installed.
    let wanted: u32 = version
        .parse()
        .map_err(|_| refuse(&link, format!("its version is {version:?}")))?;
    if account.ids.is_some() && !account.can_enter(&data) {
        let reason = format!("the user {} cannot enter it", account.name);
        return Err(refuse(&data, reason));
    }
    let Some(binaries) = binaries.iter().find(|b| b.major == wanted).cloned() else {
        let mut found: Vec<u32> = binaries.iter().map(|b| b.major).collect();
        found.sort_unstable();
        found.dedup();
        let found: Vec<String> = found.iter().map(u32::to_string).collect();
        return Err(LocalError::PostgresVersion {
            data,
            wanted,
            found: found.join(" and "),
        });
    };
    let Some(password) = read_password(secret)? else {
        return Err(LocalError::PostgresPassword {
            password: secret.into(),
            data,
        });
    };
    Ok(Cluster {
        data,
        binaries,
        account,
        password,
    })
}

impl Cluster {
    /// Makes the data in `staging` and moves them into place whole: what a killed `initdb`
    /// leaves is never taken for data.
    fn init(&self, staging: &Path) -> Result<(), LocalError> {
        remove_tree(staging)?;
        dir::create_private(staging)?;
        let secret = staging.join("password");
        dir::write_secret(&secret, &self.password)?;
        if let Some((uid, gid)) = self.account.ids {
            for path in [&secret, staging] {
                chown(path, Some(uid), Some(gid))
                    .map_err(LocalError::io(path, "give the file to the server's user"))?;
            }
        }
        let fresh = staging.join("data");
        // macOS has no C.UTF-8.
        let made = self
            .initdb(&fresh, &secret, "C.UTF-8")
            .or_else(|_| self.initdb(&fresh, &secret, "C"));
        if let Err(error) = made {
            remove_tree(staging)?;
            return Err(error);
        }
        fs::rename(&fresh, &self.data)
            .map_err(LocalError::io(&self.data, "move the data into place"))?;
        remove_tree(staging)
    }

    fn initdb(&self, data: &Path, secret: &Path, locale: &str) -> Result<(), LocalError> {
        let mut pwfile = std::ffi::OsString::from("--pwfile=");
        pwfile.push(secret);
        let output = self
            .account
            .command(&self.binaries.folder.join("initdb"))
            .arg("--pgdata")
            .arg(data)
            .arg(pwfile)
            .args(["--username", &self.account.name])
            .args(["--auth-host=scram-sha-256", "--auth-local=peer"])
            .args(["--encoding=UTF8", &format!("--locale={locale}")])
            .args(["--no-sync", "--no-instructions"])
            .output()
            .map_err(|e| LocalError::PostgresInit {
                reason: e.to_string(),
            })?;
        if output.status.success() {
            return Ok(());
        }
        Err(LocalError::PostgresInit {
            reason: last_lines(&String::from_utf8_lossy(&output.stderr), 3),
        })
    }

    /// Removes a `postmaster.pid` of before a crash whose number another program has by now;
    /// Postgres sees for itself that a number is nobody's.
    pub(super) fn remove_stale_pid(&self) {
        let file = self.data.join("postmaster.pid");
        let Some(pid) = postmaster(&self.data) else {
            return;
        };
        // Without /proc, as on macOS, leave it to Postgres.
        let Ok(program) = fs::read_to_string(format!("/proc/{pid}/comm")) else {
            return;
        };
        if !is_server(&program)
            && let Err(error) = fs::remove_file(&file)
        {
            tracing::debug!(%error, file = %file.display(), "cannot remove a stale pid file");
        }
    }
}

/// The process that says it serves `data`.
fn postmaster(data: &Path) -> Option<u32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

fn is_server(program: &str) -> bool {
    matches!(program.trim(), "postgres" | "postmaster")
}

/// Removes data whose password went with the folder that they belonged to: nobody can open
/// them again.
fn discard(place: &Path) -> Result<(), LocalError> {
    let refuse = |reason: &str| LocalError::PostgresData {
        path: place.into(),
        reason: reason.to_owned(),
    };
    let metadata =
        fs::symlink_metadata(place).map_err(LocalError::io(place, "look at the folder"))?;
    if !metadata.is_dir() || metadata.mode() & 0o077 != 0 || !place.join("PG_VERSION").exists() {
        return Err(refuse("it is not one that insiders made"));
    }
    let running = postmaster(place)
        .and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok())
        .is_some_and(|program| is_server(&program));
    if running {
        return Err(refuse("a server is running on it"));
    }
    tracing::warn!(data = %place.display(), "removing PostgreSQL data whose password is gone with the folder they belonged to");
    remove_tree(place)
}

/// A folder of `dir`'s own, outside of it.
fn elsewhere(dir: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    // FNV-1a: the same name for ever, and all it has to do is to tell folders apart.
    let hash = dir
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let base = ELSEWHERE.iter().map(Path::new).find(|base| writable(base));
    base.unwrap_or(Path::new("/var/tmp"))
        .join(format!("insiders-postgres-{hash:016x}"))
}

/// Whether root can make a folder in `base`: a mount may be read-only.
fn writable(base: &Path) -> bool {
    let probe = base.join(format!(".insiders-{}", std::process::id()));
    let made = fs::DirBuilder::new().mode(0o700).create(&probe).is_ok();
    made && fs::remove_dir(&probe).is_ok()
}

fn read_password(path: &Path) -> Result<Option<String>, LocalError> {
    match fs::read_to_string(path) {
        Ok(password) => Ok(Some(password.trim().to_owned()).filter(|p| !p.is_empty())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(LocalError::io(path, "read the password")(e)),
    }
}

fn remove_tree(path: &Path) -> Result<(), LocalError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(LocalError::io(path, "remove the folder")(e))
        }
        _ => Ok(()),
    }
}
