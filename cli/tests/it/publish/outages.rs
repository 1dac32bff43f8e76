//! Servers that refuse, and attempts that die.

use std::time::Duration;

use futures::{StreamExt, stream};
use publish_to_rds::{Database, publish_rows};
use shared::progress::Silent;

use super::fixture::{Fixture, Run, id};

#[tokio::test]
async fn what_can_never_work_is_refused_and_the_rest_may_be_tried_again() {
    let fixture = Fixture::new("refusals").await;
    let (scheme, rest) = fixture.url.split_once("://").unwrap();
    let (user, password) = rest.split_once('@').unwrap().0.split_once(':').unwrap();
    let (head, _) = fixture.url.rsplit_once('/').unwrap();
    let address = head.split_once('@').unwrap().1;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let cases = [
        (
            format!("{scheme}://{user}:s3cret@{address}/refusals"),
            "Insiders.Refused",
        ),
        (
            format!("{scheme}://nobody_here:{password}@{address}/refusals"),
            "Insiders.Refused",
        ),
        (format!("{head}/no_such_database"), "Insiders.Refused"),
        (
            format!("{scheme}://{user}@{address}/refusals"),
            "Insiders.Refused",
        ),
        (
            format!("{scheme}://{user}:{password}@{closed}/refusals"),
            "Insiders.Unavailable",
        ),
    ];
    let run = Run::new(1, 3);
    for (url, name) in cases {
        let database = Database::parse(&url).unwrap();
        let error = publish_rows(&database, &run.run, run.batches(), &Silent)
            .await
            .unwrap_err();
        assert_eq!(error.name(), name, "{error}");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:"), "{text}");
        assert!(
            !text.contains("s3cret") && !text.contains(password),
            "{text}"
        );
    }
    let reader = "CREATE ROLE reader_only LOGIN PASSWORD 'r'";
    fixture
        .ask(&format!("DROP ROLE IF EXISTS reader_only; {reader}"))
        .await;
    let database = Database::parse(&format!("{scheme}://reader_only:r@{address}/refusals"));
    let error = publish_rows(&database.unwrap(), &run.run, run.batches(), &Silent).await;
    let error = error.unwrap_err();
    assert_eq!(error.name(), "Insiders.Refused", "{error}");
    assert!(error.to_string().contains("permission"), "{error}");
    fixture.ask("DROP ROLE reader_only").await;
}

#[tokio::test]
async fn a_killed_connection_leaves_the_old_run_and_the_next_attempt_works() {
    let fixture = Fixture::new("killed").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let run = Run::new(2, 200_000);
    // After the first batch, the server kills whoever is publishing.
    let admin = fixture.connect().await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                WHERE application_name = 'insiders' AND datname = current_database()";
    let batches = run.batches().enumerate().then(|(index, batch)| {
        let admin = &admin;
        async move {
            if index == 1 {
                let killed: i64 = admin.query_one(kill, &[]).await.unwrap().get(0);
                assert_eq!(killed, 1);
            }
            batch
        }
    });
    let error = publish_rows(&fixture.database, &run.run, batches, &Silent)
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    assert_eq!(fixture.visible().await, format!("{},10", id(1)));
    fixture.publish(&run).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},200000", id(2)));
}

#[tokio::test]
async fn rows_that_stop_coming_leave_nothing_behind() {
    let fixture = Fixture::new("stopped").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let run = Run::new(2, 70_000);
    let broken = shared::Error::Internal("the store is gone".to_owned());
    let batches = run.batches().take(1).chain(stream::iter([Err(broken)]));
    let error = publish_rows(&fixture.database, &run.run, batches, &Silent)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "internal error: the store is gone");
    // An attempt that is given up in the middle, as when a function's time is over.
    let endless = run.batches().take(1).chain(stream::pending());
    let attempt = publish_rows(&fixture.database, &run.run, endless, &Silent);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), attempt)
            .await
            .is_err()
    );
    fixture.publish(&run).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},70000", id(2)));
    let tables = "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_new'";
    assert_eq!(fixture.ask(tables).await, "0");
}

#[tokio::test]
async fn what_a_killed_attempt_left_is_dropped() {
    let fixture = Fixture::new("leftovers").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    // Killed between loading and switching: this run's table and another's are there.
    for number in [2, 3] {
        let table = format!("insiders.segment_members_{}_new", id(number));
        fixture
            .ask(&format!("CREATE TABLE {table} (stale text)"))
            .await;
    }
    assert_eq!(fixture.visible().await, format!("{},10", id(1)));
    fixture.publish(&Run::new(2, 20)).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},20", id(2)));
    let tables = "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_new'";
    assert_eq!(fixture.ask(tables).await, "0");
}

#[tokio::test]
async fn a_lock_that_is_never_given_back_is_not_waited_for_without_end() {
    let mut fixture = Fixture::new("locked").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let holder = fixture.connect().await;
    // The lock of whoever moves the pointer.
    holder
        .batch_execute("SELECT pg_advisory_lock(x'696e7365'::int, 2)")
        .await
        .unwrap();
    fixture.database.limits.lock = Duration::from_millis(200);
    let error = fixture.publish(&Run::new(2, 20)).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    assert_eq!(fixture.visible().await, format!("{},10", id(1)));
    drop(holder);
}
