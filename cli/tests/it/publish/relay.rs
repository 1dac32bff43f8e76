//! A relay between a publisher and its server. It reads along, so that it can do harm at a
//! message of its choice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use publish_to_rds::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Reads a client's messages, and tells those that make the server do something.
#[derive(Default)]
pub(crate) struct Messages {
    /// The first message has no kind.
    has_kind: bool,
    executes: bool,
}

impl Messages {
    /// The next message, whole (kind, length, body), and whether it counts.
    pub(crate) async fn next(
        &mut self,
        from: &mut (impl AsyncReadExt + Unpin),
    ) -> Option<(Vec<u8>, bool)> {
        let message = read_message(from, self.has_kind).await?;
        let counts = match message[0] {
            // A query, the rows of a COPY and their end, the end of the session.
            b'Q' | b'd' | b'c' | b'X' => self.has_kind,
            // A statement runs by its Execute and is over with the Sync; one that is only
            // prepared does nothing.
            b'S' => std::mem::take(&mut self.executes),
            kind => {
                self.executes |= kind == b'E';
                false
            }
        };
        self.has_kind = true;
        Some((message, counts))
    }
}

/// A message, whole: kind, length, body.
async fn read_message(from: &mut (impl AsyncReadExt + Unpin), has_kind: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; if has_kind { 5 } else { 4 }];
    from.read_exact(&mut message).await.ok()?;
    let at = message.len() - 4;
    let length = u32::from_be_bytes(message[at..].try_into().unwrap()) as usize;
    message.resize(at + length, 0);
    from.read_exact(&mut message[at + 4..]).await.ok()?;
    Some(message)
}

/// What a relay does to the one connection that it serves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Harm {
    /// Nothing.
    None,
    /// Cuts the connection once the server has answered the client's message of this number;
    /// the answer is not passed on.
    Answer(u32),
    /// Falls silent before the client's message of this number (0: from the first byte), and
    /// holds both ends until the client has gone.
    Silence(u32),
    /// Passes on so many bytes of the client's in a hundredth of a second.
    Trickle(usize),
}

/// What a relay saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The client's messages that count, up to the harm.
    pub(crate) messages: u32,
    /// Numbers of those of them that were a COMMIT.
    pub(crate) commits: Vec<u32>,
    /// Whether the harm was done.
    pub(crate) harmed: bool,
}

/// A relay for one connection, on a port of its own.
pub(crate) struct Relay {
    address: SocketAddr,
    serving: JoinHandle<Seen>,
}

impl Relay {
    /// A relay to the server of `url`.
    pub(crate) async fn start(url: &str, harm: Harm) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = address_of(url).to_owned();
        let serving = tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            drop(listener);
            let server = TcpStream::connect(upstream).await.unwrap();
            serve(client, server, harm).await
        });
        Self { address, serving }
    }

    /// The database of `url` by way of the relay.
    pub(crate) fn database(&self, url: &str) -> Database {
        let (head, rest) = url.rsplit_once('@').unwrap();
        let (_, name) = rest.split_once('/').unwrap();
        Database::parse(&format!("{head}@{}/{name}", self.address)).unwrap()
    }

    /// What it saw, once the connection is over.
    pub(crate) async fn seen(self) -> Seen {
        self.serving.await.unwrap()
    }
}

/// `host:port` of a URL.
pub(crate) fn address_of(url: &str) -> &str {
    let (_, rest) = url.rsplit_once('@').unwrap();
    rest.split_once('/').unwrap().0
}

/// Serves one connection, with the harm that it is to suffer.
pub(crate) async fn serve(client: TcpStream, server: TcpStream, harm: Harm) -> Seen {
    for side in [&client, &server] {
        // A message and the next go out at once, as they do without the relay.
        side.set_nodelay(true).unwrap();
    }
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut seen = Seen {
        messages: 0,
        commits: Vec::new(),
        harmed: matches!(harm, Harm::Silence(0)),
    };
    if seen.harmed {
        until_gone(&mut from_client).await;
        return seen;
    }
    let mut answers = Answers::start(from_server, to_client);
    let mut messages = Messages::default();
    while let Some((message, counts)) = messages.next(&mut from_client).await {
        seen.messages += u32::from(counts);
        if message.starts_with(b"Q") && message.get(5..11) == Some(b"COMMIT") {
            seen.commits.push(seen.messages);
        }
        if counts && matches!(harm, Harm::Silence(at) if at == seen.messages) {
            answers.hold();
            until_gone(&mut from_client).await;
            seen.harmed = true;
            break;
        }
        if counts && matches!(harm, Harm::Answer(at) if at == seen.messages) {
            answers.hold();
            answers.expect(&message);
            to_server.write_all(&message).await.unwrap();
            answers.until_settled().await;
            seen.harmed = true;
            break;
        }
        answers.expect(&message);
        if pass_on(&message, &mut to_server, harm).await.is_err() {
            break;
        }
    }
    seen
}

async fn pass_on(message: &[u8], to: &mut OwnedWriteHalf, harm: Harm) -> std::io::Result<()> {
    let Harm::Trickle(bytes) = harm else {
        return to.write_all(message).await;
    };
    for piece in message.chunks(bytes) {
        to.write_all(piece).await?;
        if message.len() > bytes {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

/// Reads and forgets until the client has closed its end.
async fn until_gone(client: &mut OwnedReadHalf) {
    let mut bytes = vec![0; 1 << 16];
    while matches!(client.read(&mut bytes).await, Ok(1..)) {}
}

/// The way back: passes the server's messages on, and counts what it owes.
struct Answers {
    held: Arc<AtomicBool>,
    owed: Arc<AtomicU32>,
    passed: mpsc::UnboundedReceiver<()>,
    _stop: oneshot::Sender<()>,
}

impl Answers {
    fn start(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Self {
        let held = Arc::new(AtomicBool::new(false));
        // The server is ready once a session has begun.
        let owed = Arc::new(AtomicU32::new(1));
        let (say, passed) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (is_held, owes) = (Arc::clone(&held), Arc::clone(&owed));
        tokio::spawn(async move {
            let passing = async {
                while let Some(message) = read_message(&mut from, true).await {
                    // It is ready again, or in a COPY, in which the client's Sync is no
                    // question.
                    if matches!(message[0], b'Z' | b'G') {
                        owes.fetch_sub(1, Ordering::SeqCst);
                    }
                    let passed = if is_held.load(Ordering::SeqCst) {
                        Ok(())
                    } else {
                        to.write_all(&message).await
                    };
                    if passed.is_err() || say.send(()).is_err() {
                        break;
                    }
                }
            };
            // Whichever is first; both ends are closed then.
            tokio::select! { () = passing => (), _ = stopped => () }
        });
        Self {
            held,
            owed,
            passed,
            _stop: stop,
        }
    }

    /// The server will have to answer this message.
    fn expect(&self, message: &[u8]) {
        if matches!(message[0], b'Q' | b'S') {
            self.owed.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Passes nothing on any more.
    fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    /// Waits until the server owes nothing.
    async fn until_settled(&mut self) {
        while self.owed.load(Ordering::SeqCst) > 0 && self.passed.recv().await.is_some() {}
    }
}
