//! The schema's migrations.

use publish_to_rds::{MIGRATIONS, Migration, migrate, migrate_to};

use super::fixture::Fixture;

const APPLIED: &str = "SELECT string_agg(version || name || sha256 || xmin, ',' ORDER BY version) FROM insiders.schema_migrations";

#[tokio::test]
async fn migrations_are_applied_once_and_in_order() {
    let fixture = Fixture::new("migrations").await;
    migrate(&fixture.database).await.unwrap();
    let applied = fixture.ask(APPLIED).await;
    migrate(&fixture.database).await.unwrap();
    assert_eq!(fixture.ask(APPLIED).await, applied);

    let mut more = MIGRATIONS.to_vec();
    more.push(Migration {
        name: "9999_more",
        sql: "CREATE TABLE insiders.more (n int)",
    });
    migrate_to(&fixture.database, &more).await.unwrap();
    assert_eq!(fixture.ask("SELECT count(*) FROM insiders.more").await, "0");
    // The program from before can't know what the new migration did.
    let error = migrate(&fixture.database).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Conflict");
    assert!(error.to_string().contains("9999_more"), "{error}");
}

#[tokio::test]
async fn a_migration_that_was_edited_is_refused_by_name() {
    let fixture = Fixture::new("edited").await;
    migrate(&fixture.database).await.unwrap();
    let mut edited = MIGRATIONS.to_vec();
    edited[1].sql = "SELECT 1";
    let error = migrate_to(&fixture.database, &edited).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Conflict");
    assert!(error.to_string().contains(MIGRATIONS[1].name), "{error}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_schema_as_it_was() {
    let fixture = Fixture::new("failing").await;
    let mut broken = MIGRATIONS.to_vec();
    broken.push(Migration {
        name: "9999_broken",
        sql: "CREATE TABLE insiders.x (); SELECT 1/0",
    });
    let error = migrate_to(&fixture.database, &broken).await.unwrap_err();
    assert!(error.to_string().contains("9999_broken"), "{error}");
    assert_eq!(
        fixture.ask("SELECT to_regnamespace('insiders')").await,
        "null"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_once() {
    let fixture = Fixture::new("together").await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let database = fixture.database.clone();
            tokio::spawn(async move { migrate(&database).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let count = fixture
        .ask("SELECT count(*) FROM insiders.schema_migrations")
        .await;
    assert_eq!(count, MIGRATIONS.len().to_string());
}
