//! Going back to a run.

use std::process::{Command, Output};

use publish_to_rds::rollback;

use super::fixture::{Fixture, Run, id, run_id};

const LOG: &str = "SELECT from_run_id, to_run_id, forced, reason FROM insiders.pointer_history \
                   ORDER BY move_id";

#[tokio::test]
async fn after_going_back_newer_runs_are_published_and_older_ones_refused() {
    let fixture = Fixture::new("back").await;
    for number in [2, 3, 5] {
        fixture
            .publish(&Run::new(number, 10 * number as usize))
            .await
            .unwrap();
    }
    let done = rollback(&fixture.database, &run_id(3)).await.unwrap();
    assert_eq!((done.run_id, done.from_run_id), (id(3), id(5)));
    assert_eq!(fixture.visible().await, format!("{},30", id(3)));
    // Again: nothing to do, nothing logged.
    let again = rollback(&fixture.database, &run_id(3)).await.unwrap();
    assert_eq!((again.run_id, again.from_run_id), (id(3), id(3)));
    // The run that was gone back from does not return by itself.
    let outcome = fixture.publish(&Run::new(5, 50)).await.unwrap();
    assert!(!outcome.changed && !outcome.publication.current);
    let error = fixture.publish(&Run::new(1, 10)).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Superseded", "{error}");
    assert_eq!(fixture.visible().await, format!("{},30", id(3)));
    fixture.publish(&Run::new(6, 60)).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},60", id(6)));
    let [two, three, five, six] = [id(2), id(3), id(5), id(6)];
    let log = format!(
        "null,{two},f,publish;{two},{three},f,publish;{three},{five},f,publish;\
         {five},{three},f,rollback;{three},{six},f,publish"
    );
    assert_eq!(fixture.ask(LOG).await, log);
}

#[tokio::test]
async fn a_run_that_is_not_kept_is_not_gone_back_to() {
    let fixture = Fixture::new("gone").await;
    for number in 1..=3 {
        fixture
            .publish(&Run::new(number, 10).keeping(2))
            .await
            .unwrap();
    }
    for number in [1, 9] {
        let error = rollback(&fixture.database, &run_id(number))
            .await
            .unwrap_err();
        assert_eq!(error.name(), "Insiders.NotFound", "{error}");
        assert!(error.to_string().contains(&id(number)), "{error}");
    }
    assert_eq!(fixture.visible().await, format!("{},10", id(3)));
}

fn runs(fixture: &Fixture, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_insiders"))
        .arg("runs")
        .args(args)
        .args(["--database-url", &fixture.url])
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_runs_and_goes_back() {
    let fixture = Fixture::new("runs").await;
    let list = runs(&fixture, &["list", "--json"]);
    assert_eq!(String::from_utf8_lossy(&list.stdout).trim(), "[]");
    for number in 1..=2 {
        fixture
            .publish(&Run::new(number, 10 * number as usize))
            .await
            .unwrap();
    }
    let current = || {
        let list = runs(&fixture, &["list", "--json"]);
        assert!(
            list.status.success(),
            "{}",
            String::from_utf8_lossy(&list.stderr)
        );
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
        let list = list.as_array().unwrap().clone();
        let seen = list.iter().map(|run| {
            (
                run["run_id"].as_str().unwrap().to_owned(),
                run["customers"].as_u64().unwrap(),
                run["current"] == true,
            )
        });
        seen.collect::<Vec<_>>()
    };
    assert_eq!(current(), [(id(1), 10, false), (id(2), 20, true)]);
    let back = runs(&fixture, &["rollback", &id(1)]);
    assert!(
        back.status.success(),
        "{}",
        String::from_utf8_lossy(&back.stderr)
    );
    assert_eq!(current(), [(id(1), 10, true), (id(2), 20, false)]);
    assert_eq!(fixture.visible().await, format!("{},10", id(1)));
    let text = runs(&fixture, &["list"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains(&format!("* {}  2011-01-02T12:00:00", id(1))),
        "{text}"
    );
    let missing = runs(&fixture, &["rollback", &id(7)]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(runs(&fixture, &["rollback", "x"]).status.code(), Some(2));
}
