//! A real server, where there is one: these tests pass without on a machine that has none.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::{Install, LocalError, LocalPostgres, find, last_lines, percent_encoded};

/// `None` where no Postgres is installed.
async fn start(dir: &Path) -> Option<Result<LocalPostgres, LocalError>> {
    if find::binaries().is_empty() {
        return None;
    }
    Some(LocalPostgres::start(dir, Install::Never).await)
}

async fn connect(postgres: &LocalPostgres) -> Client {
    let (client, connection) = tokio_postgres::connect(postgres.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

async fn rows(postgres: &LocalPostgres) -> i64 {
    let client = connect(postgres).await;
    client
        .batch_execute("create table if not exists t (x int); insert into t values (1)")
        .await
        .unwrap();
    let row = client.query_one("select count(*) from t", &[]).await;
    row.unwrap().get(0)
}

fn pid(dir: &Path) -> i32 {
    let file = fs::read_to_string(dir.join("postgres/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap() // 0700: as root, the data go elsewhere
}

/// Removes what is outside the temporary folder.
fn clean(dir: &TempDir) {
    if let Ok(elsewhere) = fs::read_link(dir.path().join("postgres")) {
        fs::remove_dir_all(elsewhere).unwrap();
    }
}

#[tokio::test]
async fn data_survive_stops_and_crashes() {
    let dir = temporary();
    let Some(first) = start(dir.path()).await else {
        return;
    };
    let first = first.unwrap();
    assert_eq!(rows(&first).await, 1);
    let password = first.url().split(['@', ':']).nth(2).unwrap().to_owned();
    assert!(!format!("{first:?}").contains(&password));
    first.stop().await.unwrap();

    let second = start(dir.path()).await.unwrap().unwrap();
    assert_eq!(rows(&second).await, 2);
    let crashed = rustix::process::Pid::from_raw(pid(dir.path())).unwrap();
    rustix::process::kill_process(crashed, rustix::process::Signal::KILL).unwrap();
    drop(second);

    let third = start(dir.path()).await.unwrap().unwrap();
    assert_eq!(rows(&third).await, 3);
    let running = rustix::process::Pid::from_raw(pid(dir.path())).unwrap();
    drop(third);
    assert!(
        rustix::process::test_kill_process(running).is_err(),
        "dropped, it ended"
    );
    // A number that another program has by now.
    fs::write(
        dir.path().join("postgres/postmaster.pid"),
        std::process::id().to_string(),
    )
    .unwrap();
    let fourth = start(dir.path()).await.unwrap().unwrap();
    assert_eq!(rows(&fourth).await, 4);
    fourth.stop().await.unwrap();
    clean(&dir);
}

#[tokio::test]
async fn one_at_a_time_and_only_with_the_password() {
    let dir = temporary();
    let Some(first) = start(dir.path()).await else {
        return;
    };
    let first = first.unwrap();
    let second = start(dir.path()).await.unwrap();
    assert!(
        matches!(second, Err(LocalError::InUse { .. })),
        "{second:?}"
    );
    let (before, rest) = first.url().rsplit_once(':').unwrap();
    let (user, host) = before.split_once('@').unwrap();
    let (user, _) = user.rsplit_once(':').unwrap();
    let wrong = format!("{user}:wrong@{host}:{rest}");
    assert!(tokio_postgres::connect(&wrong, NoTls).await.is_err());
    first.stop().await.unwrap();

    let version = dir.path().join("postgres/PG_VERSION");
    let good = fs::read(&version).unwrap();
    fs::write(&version, "7\n").unwrap();
    let old = start(dir.path()).await.unwrap().unwrap_err().to_string();
    assert!(old.contains("holds data of PostgreSQL 7"), "{old}");
    fs::write(&version, good).unwrap();
    fs::remove_file(dir.path().join("postgres.password")).unwrap();
    let locked = start(dir.path()).await.unwrap();
    assert!(
        matches!(locked, Err(LocalError::PostgresPassword { .. })),
        "{locked:?}"
    );
    clean(&dir);
}

#[tokio::test]
async fn half_made_data_are_made_again_and_other_folders_are_left_alone() {
    let dir = temporary();
    fs::create_dir_all(dir.path().join("postgres")).unwrap();
    let Some(refused) = start(dir.path()).await else {
        return;
    };
    assert!(
        matches!(refused, Err(LocalError::PostgresData { .. })),
        "{refused:?}"
    );
    fs::remove_dir(dir.path().join("postgres")).unwrap();
    // What a killed initdb leaves.
    fs::create_dir_all(dir.path().join(".postgres.init/data/base")).unwrap();
    let postgres = start(dir.path()).await.unwrap().unwrap();
    assert_eq!(rows(&postgres).await, 1);
    postgres.stop().await.unwrap();
    clean(&dir);
}

#[test]
fn words_of_a_log() {
    let check = |text, expected| assert_eq!(last_lines(text, 2), expected);
    check("a\n b \n\nc\n", "b | c");
    check(
        "2026 [7] LOG:  starting\n2026 [7] FATAL:  no disk\n2026 [7] HINT:  buy one\n2026 [7] LOG:  bye\n",
        "FATAL:  no disk | HINT:  buy one",
    );
    check("", "it printed nothing");
}

#[test]
fn names_in_urls() {
    assert_eq!(percent_encoded("postgres"), "postgres");
    assert_eq!(percent_encoded("anna@home"), "anna%40home");
}
