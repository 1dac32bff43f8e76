//! What goes wrong between a client and S3: a proxy on the loopback that passes requests on
//! byte for byte, so that their signatures hold, and spoils the ones it is told to.
//!
//! One request a connection: the server closes it after its answer, and the client opens the
//! next. So a request is read by its length, and an answer is all that comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use insiders::local::LocalS3;
use shared::store::{Endpoint, Patience, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::fault::{Fault, Kind, Times};
use super::message::{Answer, Request};

/// The client's patience, scaled down; not so far that a busy machine looks like a fault.
const PATIENCE: Patience = Patience {
    backoff: Duration::from_millis(2),
    answer: Duration::from_secs(3),
    stall: Duration::from_millis(700),
};

/// A request as the tests name it, and which of its name it is, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) name: String,
    pub(super) nth: usize,
}

/// What has gone through, and what is to go wrong.
#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    seen: Vec<Point>,
    injected: usize,
    /// Ids of multipart uploads that the client heard of.
    heard: Vec<String>,
    /// Those of them that it completed, by S3's word, or asked S3 to take back.
    ended: Vec<String>,
}

impl State {
    /// What is to be done to the next request.
    fn decide(&mut self, request: &Request) -> Option<Kind> {
        let name = request.name();
        let nth = self.seen.iter().filter(|seen| seen.name == name).count() + 1;
        self.seen.push(Point {
            name: name.clone(),
            nth,
        });
        let fault = self.fault.as_ref()?;
        let is_it = match (self.injected, fault.times) {
            (0, _) => fault.at.name == name && fault.at.nth == nth,
            (injected, Times::First(times)) => injected < times && fault.at.name == name,
            (_, Times::Ever) => fault.kind.fits(request),
        };
        if !is_it {
            return None;
        }
        self.injected += 1;
        Some(fault.kind)
    }

    /// Notes what the answer says of multipart uploads.
    fn note(&mut self, request: &Request, answer: Option<&Answer>) {
        let done = answer.is_some_and(Answer::is_success);
        if request.creates_upload() && done {
            self.heard.extend(answer.and_then(Answer::upload_id));
        }
        if let Some(id) = request.upload_id()
            && (request.method == "DELETE" || request.method == "POST" && done)
        {
            self.ended.push(id);
        }
    }
}

/// A running proxy; it ends with the value.
pub(super) struct Proxy {
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
    pub(super) store: Store,
}

impl Proxy {
    /// A store whose requests go to `s3` by way of a proxy.
    pub(super) async fn before(s3: &LocalS3, fault: Option<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint {
            url: format!("http://{}", listener.local_addr().unwrap()),
            region: s3.region().to_owned(),
            access_key: s3.access_key().to_owned(),
            secret_key: s3.secret_key().to_owned(),
            patience: PATIENCE,
        };
        let server = s3.endpoint().strip_prefix("http://").unwrap();
        let state = Arc::new(Mutex::new(State {
            fault,
            ..State::default()
        }));
        Self {
            task: tokio::spawn(accept(
                listener,
                server.parse().unwrap(),
                Arc::clone(&state),
            )),
            state,
            store: Store::at(&endpoint, s3.bucket()),
        }
    }

    /// The requests so far, in the order in which they came.
    pub(super) fn seen(&self) -> Vec<Point> {
        self.state.lock().unwrap().seen.clone()
    }

    /// How often the fault was injected.
    pub(super) fn injected(&self) -> usize {
        self.state.lock().unwrap().injected
    }

    /// From here on nothing goes wrong.
    pub(super) fn heal(&self) {
        self.state.lock().unwrap().fault = None;
    }

    /// Uploads that the client began, neither completed nor tried to take back.
    pub(super) fn abandoned(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let left = state.heard.iter().filter(|id| !state.ended.contains(id));
        left.cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let state = Arc::clone(&state);
        // A client that goes away in the middle is none of the proxy's business.
        connections.spawn(async move { drop(serve(client, server, &state).await) });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let Some(mut request) = Request::read(&mut client).await? else {
        return Ok(());
    };
    let kind = state.lock().unwrap().decide(&request);
    match kind {
        Some(Kind::Refuse(status, code)) => {
            state.lock().unwrap().note(&request, None);
            let answer = Answer::of_error(status, code, request.method == "HEAD");
            return client.write_all(&answer.bytes).await;
        }
        Some(Kind::ErrorAfterOk) => {
            state.lock().unwrap().note(&request, None);
            return client.write_all(&Answer::error_after_ok().bytes).await;
        }
        Some(Kind::Reset) => {
            state.lock().unwrap().note(&request, None);
            return client.set_zero_linger();
        }
        Some(Kind::Silence) => {
            state.lock().unwrap().note(&request, None);
            return wait_until_gone(&mut client).await;
        }
        Some(Kind::FlipUpload) => request.flip(),
        _ => {}
    }
    let mut answer = request.forward(server).await?;
    // Of an answer that is cut off the client has nothing.
    let heard = !matches!(
        kind,
        Some(Kind::LoseAnswer | Kind::BreakOff | Kind::Truncate | Kind::Stall)
    );
    state
        .lock()
        .unwrap()
        .note(&request, heard.then_some(&answer));
    let body = answer.body_at();
    let middle = body + (answer.bytes.len() - body) / 2;
    match kind {
        Some(Kind::LoseAnswer) => client.set_zero_linger(),
        Some(Kind::Truncate) => client.write_all(&answer.bytes[..middle]).await,
        Some(Kind::BreakOff) => {
            client.write_all(&answer.bytes[..middle]).await?;
            // What was sent is on its way before the connection is torn down.
            tokio::time::sleep(Duration::from_millis(5)).await;
            client.set_zero_linger()
        }
        Some(Kind::Stall) => {
            client.write_all(&answer.bytes[..middle]).await?;
            wait_until_gone(&mut client).await
        }
        Some(Kind::Trickle) => {
            client.write_all(&answer.bytes[..body]).await?;
            for piece in answer.bytes[body..].chunks((middle - body).div_ceil(8).max(1)) {
                client.write_all(piece).await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok(())
        }
        Some(Kind::FlipAnswer) => {
            answer.bytes[middle] ^= 1;
            client.write_all(&answer.bytes).await
        }
        Some(Kind::YearsOff) => {
            answer.date_years_off();
            client.write_all(&answer.bytes).await
        }
        _ => client.write_all(&answer.bytes).await,
    }
}

async fn wait_until_gone(client: &mut TcpStream) -> std::io::Result<()> {
    let mut rest = [0; 64];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}
