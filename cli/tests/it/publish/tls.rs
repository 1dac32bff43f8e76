//! TLS: a certificate is verified, or there is no connection.

use std::path::{Path, PathBuf};
use std::process::Command;

use insiders::local::{Install, LocalPostgres};
use publish_to_rds::{Database, migrate};

use super::fixture::{ask, connect};

/// Runs `openssl`; `false` where it is not installed.
fn openssl(dir: &Path, arguments: &str) -> bool {
    let run = Command::new("openssl")
        .current_dir(dir)
        .args(arguments.split(' '))
        .output();
    match run {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => panic!("openssl: {error}"),
    }
}

/// An authority and a certificate for 127.0.0.1.
fn certificates(dir: &Path) -> Option<PathBuf> {
    let ca = "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt -subj /CN=test \
              -addext basicConstraints=critical,CA:TRUE";
    let request = "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=db";
    let sign = "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
                -extfile san -out server.crt";
    std::fs::write(
        dir.join("san"),
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let made = [ca, request, sign]
        .iter()
        .all(|step| openssl(dir, &squeeze(step)));
    made.then(|| dir.join("ca.crt"))
}

#[tokio::test]
async fn tls_works_with_a_trusted_authority_and_not_without() {
    let dir = tempfile::tempdir().unwrap();
    let Some(ca_file) = certificates(dir.path()) else {
        println!("SKIPPED: TLS to Postgres was not tested, for want of the openssl command");
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let say = |text: &str| println!("{text}");
    let server = LocalPostgres::start(data.path(), Install::IfAllowed(&say))
        .await
        .unwrap();
    let url = server.url().to_owned();
    let migrate_by = |url: String, ca_file: Option<PathBuf>| async move {
        migrate(&Database::parse(&url).unwrap().with_ca_file(ca_file)).await
    };
    let require = format!("{url}?sslmode=require");
    let none = migrate_by(require.clone(), Some(ca_file.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        none.name(),
        "Insiders.Refused",
        "a server without TLS: {none}"
    );

    let admin = connect(&url).await;
    // The server's own user must own the key: it writes it itself.
    for file in ["server.key", "server.crt"] {
        let pem = std::fs::read_to_string(dir.path().join(file)).unwrap();
        let copy = format!(
            "COPY (SELECT unnest(string_to_array('{}', chr(10)))) TO PROGRAM 'umask 077; cat > {file}'",
            pem.trim()
        );
        admin.batch_execute(&copy).await.unwrap();
    }
    for statement in [
        "ALTER SYSTEM SET ssl_key_file = 'server.key'",
        "ALTER SYSTEM SET ssl_cert_file = 'server.crt'",
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
    ] {
        admin.batch_execute(statement).await.unwrap();
    }
    // The server takes its new settings up in its own time.
    let mut result = Err(none);
    for _ in 0..50 {
        result = migrate_by(require.clone(), Some(ca_file.clone())).await;
        if result.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    result.unwrap();
    let untrusted = migrate_by(require, None).await.unwrap_err();
    assert_eq!(untrusted.name(), "Insiders.Refused", "{untrusted}");
    assert!(untrusted.to_string().contains("certificate"), "{untrusted}");
    let libpq = format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        ca_file.display()
    );
    migrate_by(libpq, None).await.unwrap();
    // A name that the certificate is not for.
    let other = url.replace("127.0.0.1", "localhost") + "?sslmode=require";
    let other = migrate_by(other, Some(ca_file)).await.unwrap_err();
    assert_eq!(other.name(), "Insiders.Refused", "{other}");
    migrate_by(format!("{url}?sslmode=disable"), None)
        .await
        .unwrap();
    let over_tls = "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE application_name = 'insiders'";
    assert!(
        ["f", "null"].contains(&ask(&admin, over_tls).await.as_str()),
        "all are closed"
    );
    drop(admin);
    server.stop().await.unwrap();
}
