//! A server without TLS, where verified TLS was asked for: nothing is said in clear.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use publish_to_rds::{Database, Iam, migrate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::fixture::Fixture;
use super::relay::address_of;
use crate::parts::tally;

/// What a client says before anything else: may we speak TLS?
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Reads along between clients and a server; gives the port and what the clients said.
async fn eavesdropper(server: String) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(&server).await.unwrap();
            let (mut question, mut answer) = ([0; 4096], [0; 4096]);
            loop {
                let (bytes, to) = tokio::select! {
                    read = client.read(&mut question) => match read {
                        Ok(n @ 1..) => {
                            hears.lock().unwrap().extend(&question[..n]);
                            (&question[..n], &mut server)
                        }
                        _ => break,
                    },
                    read = server.read(&mut answer) => match read {
                        Ok(n @ 1..) => (&answer[..n], &mut client),
                        _ => break,
                    },
                };
                if to.write_all(bytes).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, heard)
}

/// Says that it has no TLS, and then asks for the password as it is.
async fn robber() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            // No TLS; AuthenticationCleartextPassword.
            for answer in [&b"N"[..], &[b'R', 0, 0, 0, 8, 0, 0, 0, 3], &[]] {
                match client.read(&mut bytes).await {
                    Ok(n @ 1..) => hears.lock().unwrap().extend(&bytes[..n]),
                    _ => break,
                }
                client.write_all(answer).await.unwrap();
            }
        }
    });
    (port, heard)
}

fn iam() -> Iam {
    Iam::new("eu-west-1", Credentials::for_tests())
}

#[tokio::test]
async fn no_password_and_no_token_goes_over_a_plain_connection() {
    let fixture = Fixture::new("plain").await;
    let (port, heard) = eavesdropper(address_of(&fixture.url).to_owned()).await;
    let (rob, robbed) = robber().await;
    let with_password = |host: &str, port: u16, mode: &str| {
        let url = format!("postgres://ann:s3cret@{host}:{port}/plain?sslmode={mode}");
        Database::parse(&url).unwrap()
    };
    let with_token = |host: &str, port: u16, mode: &str| {
        let url = format!("postgres://ann@{host}:{port}/plain{mode}");
        Database::parse(&url).unwrap().with_iam(iam()).unwrap()
    };
    let mut attempts = 0;
    for (port, heard) in [(port, &heard), (rob, &robbed)] {
        for database in [
            with_password("127.0.0.1", port, "require"),
            with_password("localhost", port, "verify-full"),
            with_token("localhost", port, "?sslmode=require"),
            // A name that is not this machine's own to us, though it leads there.
            with_token("127.1", port, "?sslmode=prefer"),
            with_token("127.1", port, ""),
        ] {
            let error = migrate(&database).await.unwrap_err();
            let heard = std::mem::take(&mut *heard.lock().unwrap());
            let text = String::from_utf8_lossy(&heard);
            // A name may have two addresses.
            let asked = heard.chunks(8).all(|chunk| chunk == SSL_REQUEST);
            assert!(asked && !heard.is_empty(), "{database}: {text:?}");
            assert_eq!(error.name(), "Insiders.Refused", "{error}");
            let said = error.to_string();
            assert!(said.contains("server does not support TLS"), "{said}");
            assert!(!said.contains("s3cret") && !said.contains("Action=connect"));
            attempts += 1;
        }
    }
    tally(
        "no password or token in clear",
        "a server, or a man in the middle, without TLS",
        attempts,
        "Insiders.Refused after the request for TLS, nothing else was sent",
    );
}
