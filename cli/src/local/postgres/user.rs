//! As whom the server runs. Postgres refuses to run as root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::local::LocalError;

/// A user of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// The name, which is also that of the database's superuser.
    pub(super) name: String,
    /// User and group to change to; none if we are that user already.
    pub(super) ids: Option<(u32, u32)>,
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Who is to run a server on `data`: ourselves; or, for root, the data's owner, else
/// `postgres`, else `nobody`.
pub(super) fn for_data(data: &Path) -> Result<Account, LocalError> {
    if !is_root() {
        return Ok(Account {
            name: own_name(),
            ids: None,
        });
    }
    let owner = match fs::metadata(data) {
        Ok(metadata) if metadata.uid() != 0 => lookup(&metadata.uid().to_string()),
        _ => None,
    };
    owner
        .or_else(|| lookup("postgres"))
        .or_else(|| lookup("nobody"))
        .ok_or(LocalError::PostgresUser)
}

impl Account {
    /// `program`, to be run as this user, from a folder that everybody can read, in no
    /// language but that of its messages' source.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.ids {
            // Also drops root's supplementary groups.
            command.uid(uid).gid(gid);
        }
        neutral(&mut command);
        command
    }

    /// Whether this user can enter `folder`: asked of the system, as there is more to it
    /// than permission bits.
    pub(super) fn can_enter(&self, folder: &Path) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// Nothing of the caller's surroundings may change what the server does.
pub(super) fn neutral(command: &mut Command) {
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
}

/// Our own name; the system's `id` knows users that are in no file.
fn own_name() -> String {
    Command::new("id")
        .arg("-un")
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "insiders".to_owned())
}

/// A user by name or number.
fn lookup(user: &str) -> Option<Account> {
    let from_service = || {
        let output = Command::new("getent")
            .args(["passwd", user])
            .stdin(Stdio::null())
            .output()
            .ok()?;
        find_in(&String::from_utf8_lossy(&output.stdout), user)
    };
    fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|text| find_in(&text, user))
        .or_else(from_service)
}

/// The line of `user` in the format of `/etc/passwd`.
fn find_in(passwd: &str, user: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?;
        let gid = fields.next()?;
        (name == user || uid == user).then_some(())?;
        Some(Account {
            name: name.to_owned(),
            ids: Some((uid.parse().ok()?, gid.parse().ok()?)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_by_name_and_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/var/lib:/bin/bash\n";
        let postgres = Some(Account {
            name: "postgres".into(),
            ids: Some((101, 104)),
        });
        assert_eq!(find_in(passwd, "postgres"), postgres);
        assert_eq!(find_in(passwd, "101"), postgres);
        assert_eq!(find_in(passwd, "nobody"), None);
    }
}
