//! Getting Postgres from the distribution, where we may.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Binaries, Install, find, last_lines, user};
use crate::local::LocalError;

/// Where postgresql-common reads settings of the clusters it makes.
const CREATE_CLUSTER: &str = "/etc/postgresql-common/createcluster.d";

/// Installs Postgres if `install` and the machine allow it; the binaries then found.
pub(super) fn install(install: Install<'_>) -> Result<Vec<Binaries>, LocalError> {
    let Install::IfAllowed(notice) = install else {
        return Err(LocalError::PostgresNotFound { advice: advice() });
    };
    if !user::is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return Err(LocalError::PostgresNotFound { advice: advice() });
    }
    notice("installing PostgreSQL with apt-get (once)");
    let without_cluster = WithoutCluster::new()?;
    apt_get(&["update"])?;
    apt_get(&["install", "-y", "--no-install-recommends", "postgresql"])?;
    drop(without_cluster);
    let found = find::binaries();
    if found.is_empty() {
        return Err(LocalError::PostgresNotFound { advice: advice() });
    }
    Ok(found)
}

/// How to get Postgres here.
fn advice() -> &'static str {
    let exists = |path: &str| Path::new(path).exists();
    if cfg!(target_os = "macos") {
        "install one with `brew install postgresql`"
    } else if exists("/usr/bin/apt-get") {
        "install one with `apt-get install postgresql`"
    } else if exists("/usr/bin/dnf") {
        "install one with `dnf install postgresql-server`"
    } else {
        "install the PostgreSQL server of this system (apt-get install postgresql, dnf install postgresql-server or brew install postgresql)"
    }
}

fn apt_get(arguments: &[&str]) -> Result<(), LocalError> {
    let failed = |reason: String| LocalError::PostgresInstall {
        command: format!("apt-get {}", arguments.join(" ")),
        reason,
    };
    let output = Command::new("/usr/bin/apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    Err(failed(last_lines(&String::from_utf8_lossy(text), 3)))
}

/// While it lives, installing Debian's package makes no cluster of its own: only the programs
/// are wanted. Later installations are the administrator's business again.
struct WithoutCluster;

impl WithoutCluster {
    fn new() -> Result<Self, LocalError> {
        let folder = Path::new(CREATE_CLUSTER);
        let file = Self::file();
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, "create_main_cluster = false\n"))
            .map_err(LocalError::io(file, "write the file"))?;
        Ok(Self)
    }

    fn file() -> std::path::PathBuf {
        Path::new(CREATE_CLUSTER).join("insiders.conf")
    }
}

impl Drop for WithoutCluster {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(Self::file()) {
            tracing::warn!(%error, file = %Self::file().display(), "cannot remove a setting made for the installation");
        }
    }
}
