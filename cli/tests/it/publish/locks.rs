//! Locks that somebody holds.

use std::time::Duration;

use super::fixture::{Fixture, Run, ask, id};
use crate::parts::tally;

/// The classes of our advisory locks ("insd", and one more).
const RUNS: i32 = 0x696e_7364;
const OTHERS: i32 = RUNS + 1;

#[tokio::test]
async fn a_table_that_somebody_holds_ends_in_one_error_and_then_works() {
    let mut fixture = Fixture::new("held_tables").await;
    fixture.database.limits.lock = Duration::from_millis(150);
    fixture.database.limits.prune_lock = Duration::from_millis(50);
    let mut number = 2;
    for number in 1..=2 {
        fixture.publish(&Run::new(number, 30)).await.unwrap();
    }
    let tables = "SELECT c.relname FROM pg_class c \
        WHERE c.relnamespace = 'insiders'::regnamespace AND c.relkind IN ('r', 'p') \
        AND NOT c.relispartition ORDER BY 1";
    let tables = fixture.ask(tables).await;
    let tables: Vec<&str> = tables.split(';').collect();
    assert!(
        tables.contains(&"current_run") && tables.len() > 8,
        "{tables:?}"
    );
    let holder = fixture.connect().await;
    let (mut refused, mut passed) = (0, Vec::new());
    for table in tables {
        number += 1;
        let run = Run::new(number, 30);
        let lock = format!("BEGIN; LOCK TABLE insiders.{table} IN ACCESS EXCLUSIVE MODE");
        holder.batch_execute(&lock).await.unwrap();
        let held = fixture.publish(&run).await;
        holder.batch_execute("ROLLBACK").await.unwrap();
        match held {
            Ok(_) => passed.push(table.to_owned()),
            Err(error) => {
                assert_eq!(error.name(), "Insiders.Unavailable", "{table}: {error}");
                assert!(error.to_string().contains("lock timeout"), "{error}");
                assert_eq!(fixture.visible().await, format!("{},30", id(number - 1)));
                let moved = fixture.publish(&run).await.unwrap();
                assert!(moved.changed, "{table}");
                refused += 1;
            }
        }
        fixture.expect_whole(number, 30).await;
    }
    // A table of names that the publisher does not touch may be held for as long as one likes.
    println!("not in the way: {passed:?}");
    assert!(refused >= 8, "{passed:?}");
    tally(
        "a failed publication leaves the old run and nothing else",
        "ACCESS EXCLUSIVE held on a table",
        refused,
        "Insiders.Unavailable at lock_timeout, then published",
    );
}

#[tokio::test]
async fn an_advisory_lock_that_somebody_holds_is_waited_for_and_no_longer() {
    let mut fixture = Fixture::new("held_locks").await;
    fixture.database.limits.lock = Duration::from_millis(200);
    let holder = fixture.connect().await;
    let hold = |class: i32, key: i32| format!("SELECT pg_advisory_lock({class}, {key})");
    // Nothing is there yet, and somebody else is at the migrations.
    ask(&holder, &hold(OTHERS, 1)).await;
    let error = fixture.publish(&Run::new(1, 9)).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    ask(&holder, "SELECT pg_advisory_unlock_all()").await;
    fixture.publish(&Run::new(1, 9)).await.unwrap();
    // Of run 2, and of whoever moves the pointer.
    let mut refused = 1;
    for (number, lock) in [(2, hold(RUNS, 2)), (3, hold(OTHERS, 2))] {
        ask(&holder, &lock).await;
        let error = fixture.publish(&Run::new(number, 9)).await.unwrap_err();
        assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
        assert!(error.to_string().contains("lock timeout"), "{error}");
        assert_eq!(fixture.visible().await, format!("{},9", id(number - 1)));
        ask(&holder, "SELECT pg_advisory_unlock_all()").await;
        fixture.publish(&Run::new(number, 9)).await.unwrap();
        fixture.expect_whole(number, 9).await;
        refused += 1;
    }
    // Of whoever drops old runs, and of migrations when there are none left: not in the way.
    for (number, lock) in [(4, hold(OTHERS, 3)), (5, hold(OTHERS, 1))] {
        ask(&holder, &lock).await;
        fixture.publish(&Run::new(number, 9)).await.unwrap();
        fixture.expect_whole(number, 9).await;
        ask(&holder, "SELECT pg_advisory_unlock_all()").await;
    }
    tally(
        "a failed publication leaves the old run and nothing else",
        "an advisory lock held by another",
        refused,
        "Insiders.Unavailable at lock_timeout, then published",
    );
}

#[tokio::test]
async fn a_load_that_takes_longer_than_it_may_is_ended_by_the_server() {
    let mut fixture = Fixture::new("too_long").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let run = Run::new(2, 150_000);
    let usual = std::mem::replace(
        &mut fixture.database.limits.load,
        Duration::from_millis(100),
    );
    let error = fixture.publish(&run).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    let text = error.to_string();
    assert!(
        text.contains("statement timeout (SQLSTATE 57014)"),
        "{text}"
    );
    fixture.expect_whole(1, 10).await;
    fixture.database.limits.load = usual;
    fixture.publish(&run).await.unwrap();
    fixture.expect_whole(2, 150_000).await;
    tally(
        "a failed publication leaves the old run and nothing else",
        "statement timeout in a load (57014)",
        1,
        "Insiders.Unavailable, then published",
    );
}

#[tokio::test]
async fn a_database_that_takes_no_writes_says_what_to_do() {
    let fixture = Fixture::new("read_only").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let set = |value: &str| {
        format!("ALTER DATABASE read_only SET default_transaction_read_only = {value}")
    };
    fixture.ask(&set("on")).await;
    let error = fixture.publish(&Run::new(2, 20)).await.unwrap_err();
    // After a failover the address leads to the new primary within a minute or two.
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    let text = error.to_string();
    for part in ["read-only transaction", "25006", "primary"] {
        assert!(text.contains(part), "{text}");
    }
    fixture.expect_whole(1, 10).await;
    fixture
        .ask(&format!("BEGIN READ WRITE; {}; COMMIT", set("off")))
        .await;
    fixture.publish(&Run::new(2, 20)).await.unwrap();
    fixture.expect_whole(2, 20).await;
    tally(
        "a failed publication leaves the old run and nothing else",
        "the database is read-only (25006)",
        1,
        "Insiders.Unavailable with advice, then published",
    );
}
