//! An S3 server in this process, so that a laptop runs the code that Lambda runs.

mod body;
mod operations;
mod put;
mod room;
mod server;
mod sidecar;
mod store;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;

use super::{LocalError, dir};

const BUCKET: &str = "insiders";
const REGION: &str = "us-east-1";
/// The bucket's top folders, which people see as `DIR/{name}`.
const FOLDERS: [&str; 6] = ["uploads", "runs", "models", "config", "history", "explore"];

/// A running S3 server with the one bucket `insiders`, on the loopback alone.
///
/// Only a client with this start's keys gets in. The server ends with [`LocalS3::stop`], or
/// when the value is dropped.
#[derive(Debug)]
pub struct LocalS3 {
    root: PathBuf,
    endpoint: String,
    access_key: String,
    secret_key: Secret,
    server: server::Server,
    /// Held for as long as the server runs.
    _lock: File,
}

/// A string that does not print.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl LocalS3 {
    /// Serves `DIR/.store`, made if it is not there, on a free port.
    ///
    /// # Errors
    /// [`LocalError::InUse`] while another process serves `dir`, [`LocalError::InTheWay`] if
    /// `DIR/runs` or one of its like is not a link of ours.
    pub async fn start(dir: &Path) -> Result<Self, LocalError> {
        let root = dir.join(".store");
        dir::create(&root)?;
        let lock = dir::lock(&root.join(".lock"), dir)?;
        lay_out(dir, &root)?;
        sidecar::remove_leftovers(&root)
            .map_err(LocalError::io(&root, "remove interrupted uploads"))?;

        let access_key = dir::secret::<10>()?;
        let secret_key = dir::secret::<32>()?;
        let service = {
            let mut builder = S3ServiceBuilder::new(store::Store::open(&root)?);
            builder.set_auth(SimpleAuth::from_single(
                access_key.clone(),
                secret_key.clone(),
            ));
            builder.build()
        };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .map_err(LocalError::Listen)?;
        let address = listener.local_addr().map_err(LocalError::Listen)?;
        tracing::debug!(%address, store = %root.display(), "s3 server is listening");
        Ok(Self {
            root,
            endpoint: format!("http://{address}"),
            access_key,
            secret_key: Secret(secret_key),
            server: server::Server::spawn(listener, service),
            _lock: lock,
        })
    }

    /// Such as `http://127.0.0.1:40123`; buckets are in the path.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The one bucket.
    #[allow(clippy::unused_self)] // the same shape as what changes from start to start
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// The region to sign for.
    #[allow(clippy::unused_self)]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// Random, new with each start.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Random, new with each start; not to be logged.
    pub fn secret_key(&self) -> &str {
        &self.secret_key.0
    }

    /// Lets running requests end (for at most two seconds) and closes the port.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Makes the bucket's folders and the links to them in `dir`.
fn lay_out(dir: &Path, root: &Path) -> Result<(), LocalError> {
    for name in FOLDERS {
        dir::create(&root.join(BUCKET).join(name))?;
        let link = dir.join(name);
        let target: PathBuf = [".store", BUCKET, name].iter().collect();
        match fs::read_link(&link) {
            Ok(found) if found == target => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                std::os::unix::fs::symlink(&target, &link)
                    .map_err(LocalError::io(&link, "make the link"))?;
            }
            _ => return Err(LocalError::InTheWay { path: link }),
        }
    }
    Ok(())
}
