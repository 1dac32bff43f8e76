//! The loop that takes connections.

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use s3s::service::S3Service;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// How long running requests may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// A task that serves S3; aborted on drop, with its connections.
#[derive(Debug)]
pub(super) struct Server {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    pub(super) fn spawn(listener: TcpListener, service: S3Service) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self {
            task: tokio::spawn(serve(listener, service, stopped)),
            stop: Some(stop),
        }
    }

    pub(super) async fn stop(mut self) {
        drop(self.stop.take());
        // Its only error is a panic, which is reported where it happens.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until `stopped` is sent or closed.
async fn serve(listener: TcpListener, service: S3Service, mut stopped: oneshot::Receiver<()>) {
    let http = Builder::new(TokioExecutor::new());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = &mut stopped => break,
        };
        // Else small answers wait 40 ms for the client's acknowledgement.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set nodelay");
        }
        let connection = graceful.watch(
            http.serve_connection(TokioIo::new(socket), service.clone())
                .into_owned(),
        );
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("requests were still running when the s3 server stopped");
    }
}
