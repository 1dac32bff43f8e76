//! The server's process: a child that does not outlive us.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::cluster::Cluster;
use super::user;
use crate::local::LocalError;

/// Runs a program that the kernel interrupts when the thread that started it ends.
const SETPRIV: &str = "/usr/bin/setpriv";
/// A log longer than this starts anew.
const MAX_LOG: u64 = 4 << 20;

/// A running `postgres`. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    /// The child's number, until it has ended: nobody else's number is ever signalled.
    pid: Arc<Mutex<Option<Pid>>>,
    /// The thread that started the child and waits for it.
    keeper: JoinHandle<()>,
    log: PathBuf,
    /// Where this server's lines begin.
    log_from: u64,
}

impl Server {
    /// Starts a server for `cluster` on `port`, its messages appended to `log`.
    pub(super) fn spawn(cluster: &Cluster, port: u16, log: &Path) -> Result<Self, LocalError> {
        let opened = open_log(log).map_err(LocalError::io(log, "open the log"))?;
        let mut command = command(cluster);
        command
            .arg("-D")
            .arg(&cluster.data)
            .args(["-p", &port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "jit=off"])
            .stdout(opened.1)
            .stderr(opened.2);

        let pid = Arc::new(Mutex::new(None));
        let (report, started) = mpsc::channel();
        let keeper = {
            let pid = Arc::clone(&pid);
            thread::Builder::new()
                .name("postgres".to_owned())
                .spawn(move || keep(command, &pid, &report))
        };
        let program = || cluster.binaries.folder.join("postgres");
        let keeper = keeper.map_err(LocalError::io(program(), "start a thread for the server"))?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self {
                pid,
                keeper,
                log: log.into(),
                log_from: opened.0,
            }),
            Ok(Err(e)) => Err(LocalError::io(program(), "run the program")(e)),
            Err(e) => Err(LocalError::io(program(), "run the program")(
                std::io::Error::other(e),
            )),
        }
    }

    pub(super) fn is_running(&mut self) -> bool {
        !self.keeper.is_finished()
    }

    /// What this server wrote to its log.
    pub(super) fn words(&self) -> String {
        let mut text = Vec::new();
        let read = File::open(&self.log).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.log_from))?;
            file.read_to_end(&mut text)
        });
        match read {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(e) => e.to_string(),
        }
    }

    /// Ends the server: at once for its clients, in order for its data.
    pub(super) fn stop(&mut self) -> Result<(), LocalError> {
        self.end([
            (Signal::INT, Duration::from_secs(10)),
            (Signal::QUIT, Duration::from_secs(5)),
            (Signal::KILL, Duration::from_secs(5)),
        ])
    }

    fn end(&mut self, steps: [(Signal, Duration); 3]) -> Result<(), LocalError> {
        for (signal, patience) in steps {
            if let Some(pid) = *locked(&self.pid) {
                // It fails only for a process that is gone.
                let _ = kill_process(pid, signal);
            }
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if self.keeper.is_finished() {
                    return Ok(());
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        Err(LocalError::PostgresQuery {
            doing: "stop the server",
            reason: "it does not end".to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.end([
            (Signal::INT, Duration::from_secs(3)),
            (Signal::QUIT, Duration::from_secs(2)),
            (Signal::KILL, Duration::from_secs(2)),
        ]);
        if let Err(error) = ended {
            tracing::warn!(%error, "postgres is still running");
        }
    }
}

/// Starts the child and waits for it. It is this thread, which lives for as long as the
/// child, whose end the kernel tells the child: a thread of the caller's may end early.
fn keep(
    mut command: Command,
    pid: &Mutex<Option<Pid>>,
    report: &mpsc::Sender<std::io::Result<()>>,
) {
    let mut child: Child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            // The receiver waits for exactly this.
            let _ = report.send(Err(e));
            return;
        }
    };
    let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    *locked(pid) = number;
    let _ = report.send(Ok(()));
    if let Some(number) = number {
        // Leaves the number taken until nobody can signal it any more.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(number), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }
    *locked(pid) = None;
    if let Err(error) = child.wait() {
        tracing::debug!(%error, "cannot wait for postgres");
    }
}

/// `postgres` as the cluster's user, ended by the kernel with us where that can be had.
fn command(cluster: &Cluster) -> Command {
    let program = cluster.binaries.folder.join("postgres");
    let with_us = Command::new(SETPRIV)
        .args(["--pdeathsig", "INT", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !with_us {
        return cluster.account.command(&program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "INT"]);
    if let Some((uid, gid)) = cluster.account.ids {
        command
            .args(["--reuid", &uid.to_string(), "--regid", &gid.to_string()])
            .arg("--clear-groups");
    }
    command.arg("--").arg(program);
    user::neutral(&mut command);
    command
}

/// The log's length, and two handles to append to it.
fn open_log(path: &Path) -> std::io::Result<(u64, File, File)> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600) // statements that failed are in it
        .open(path)?;
    if log.metadata()?.len() > MAX_LOG {
        log.set_len(0)?;
    }
    Ok((log.metadata()?.len(), log.try_clone()?, log))
}

/// A lock whose holders leave the value whole whatever happens.
fn locked(pid: &Mutex<Option<Pid>>) -> MutexGuard<'_, Option<Pid>> {
    pid.lock().unwrap_or_else(PoisonError::into_inner)
}
