//! A server that a test has for itself: stopped, killed and started again in the same place.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use insiders::local::{Install, LocalPostgres};
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::NoTls;

use super::fixture::{ask, connect};

/// Ends the server with the thread that started it, however that ends.
const SETPRIV: &str = "/usr/bin/setpriv";
/// How long a start may take, crash recovery included.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Own {
    _dir: Option<tempfile::TempDir>,
    /// Where the data are.
    pub(super) data: PathBuf,
    programs: PathBuf,
    /// `user:password`.
    login: String,
    port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Own {
    /// A running server with these settings (`name=value`).
    pub(super) async fn new(settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let say = |text: &str| println!("{text}");
        let made = LocalPostgres::start(dir.path(), Install::IfAllowed(&say));
        let made = made.await.unwrap();
        let client = connect(made.url()).await;
        let data = ask(&client, "SHOW data_directory").await;
        let programs = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
        let programs = ask(&client, programs).await;
        drop(client);
        let (login, _) = made.url().rsplit_once('@').unwrap();
        let login = login.split_once("://").unwrap().1.to_owned();
        made.stop().await.unwrap();
        let mut own = Self {
            _dir: Some(dir),
            data: data.into(),
            programs: programs.into(),
            login,
            port: free_port(),
            settings: settings.iter().map(ToString::to_string).collect(),
            child: None,
        };
        own.start();
        own.ready().await;
        own
    }

    /// A standby that follows this server.
    pub(super) async fn standby(&self) -> Self {
        let data = self.beside("standby");
        let copied = self
            .command(&self.programs.join("pg_basebackup"))
            .args(["--checkpoint=fast", "--wal-method=stream"])
            .args(["--write-recovery-conf", "--no-sync", "--pgdata"])
            .arg(&data)
            .args(["--dbname", &self.url("postgres")])
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&copied.stderr);
        assert!(copied.status.success(), "{errors}");
        let mut standby = Self {
            _dir: None,
            data,
            programs: self.programs.clone(),
            login: self.login.clone(),
            port: free_port(),
            settings: self.settings.clone(),
            child: None,
        };
        standby.start();
        standby.ready().await;
        standby
    }

    /// A folder beside the data, which is the server's own.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        let path = self.data.with_extension(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        self.give(&path);
        path
    }

    /// Makes the server's user the owner of a path.
    pub(super) fn give(&self, path: &Path) {
        let owner = std::fs::metadata(&self.data).unwrap();
        chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!(
            "postgres://{}@127.0.0.1:{}/{database}",
            self.login, self.port
        )
    }

    /// Settings that the next start adds.
    pub(super) fn set(&mut self, settings: &[&str]) {
        self.settings
            .extend(settings.iter().map(ToString::to_string));
    }

    /// Starts the server and does not wait for it.
    pub(super) fn start(&mut self) {
        let mut command = self.command(&self.programs.join("postgres"));
        command
            .arg("-D")
            .arg(&self.data)
            .args(["-p", &self.port.to_string()]);
        let usual = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "jit=off",
            // Servers die here, the machine does not: nothing has to reach the disk.
            "fsync=off",
        ];
        for setting in usual
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits until the server answers. One that ended, because its predecessor's last
    /// processes were still there, is started again.
    pub(super) async fn ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match tokio_postgres::connect(&self.url("postgres"), NoTls).await {
                Ok(_) => return,
                Err(error) => error,
            };
            assert!(Instant::now() < deadline, "no answer: {error:?}");
            if self.has_ended() {
                self.start();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        let postmaster = Pid::from_child(self.child.as_ref().unwrap());
        kill_process(postmaster, signal).unwrap();
    }

    /// Lets no file of sessions that begin from now on grow beyond so many bytes.
    pub(super) fn limit_files(&self, bytes: Option<u64>) {
        let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.child.as_ref().unwrap().id().to_string();
        // The soft limit alone, as the server's user: no rights are needed for that.
        let limited = self
            .command(Path::new("prlimit"))
            .args(["--pid", &pid, &format!("--fsize={bytes}:")])
            .status();
        assert!(limited.unwrap().success());
    }

    /// Waits until the server is gone.
    pub(super) async fn ended(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// A program as the server's user, which root is not.
    fn command(&self, program: &Path) -> Command {
        let owner = std::fs::metadata(&self.data).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "INT"]);
            if is_root {
                let (uid, gid) = (owner.uid().to_string(), owner.gid().to_string());
                command.args(["--reuid", &uid, "--regid", &gid, "--clear-groups"]);
            }
            command.arg("--").arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let pid = Pid::from_child(child);
            for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
                let deadline = Instant::now() + Duration::from_secs(5);
                while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                    // It fails for a process that is gone, which the next look notices.
                    let _ = kill_process(pid, signal);
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
        // Root's servers have their data outside of the test's folder.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
