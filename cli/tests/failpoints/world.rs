//! A bucket and a database, copied from those that a scenario begins with.

use std::path::Path;

use insiders::local::{Install, LocalPostgres, LocalS3};
use publish_to_rds::Database;
use shared::store::{Endpoint, Patience, Store};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::machine::Machine;
use crate::parts::{copy, shop};
use crate::scenario::Scenario;

/// A server, and the bucket and the database that a scenario begins with.
pub(crate) struct Worlds {
    postgres: LocalPostgres,
    dir: TempDir,
    scenario: Scenario,
}

/// Folder and database that the scenario begins with.
const BASE: &str = "base";

/// What the stages reach.
pub(crate) struct Services {
    pub(crate) store: Store,
    pub(crate) database: Database,
}

/// One bucket and one database.
pub(crate) struct World {
    pub(crate) services: Services,
    url: String,
    name: &'static str,
    s3: LocalS3,
    _dir: Option<TempDir>,
}

impl Worlds {
    pub(crate) async fn new(scenario: Scenario) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let say = |text: &str| println!("{text}");
        let postgres = LocalPostgres::start(dir.path(), Install::IfAllowed(&say))
            .await
            .unwrap();
        let admin = connect(postgres.url()).await;
        for sql in ["ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"] {
            admin.simple_query(sql).await.unwrap();
        }
        let worlds = Self {
            postgres,
            dir,
            scenario,
        };
        worlds.prepare().await;
        worlds
    }

    /// Does what the scenario has behind it.
    async fn prepare(&self) {
        let world = self.open(self.base(), BASE, "template0").await;
        let exports = [("uploads/a.csv", 4_000), ("uploads/b.csv", 5_000)];
        for (key, lines) in exports {
            let csv = shop(lines, 0.002);
            world
                .services
                .store
                .put(key, "text/csv", csv.into())
                .await
                .unwrap();
        }
        for (request, settings) in self.scenario.before() {
            let mut machine = Machine::new(request, settings);
            machine.go_on(&world.services).await.unwrap();
        }
        world.s3.stop().await;
    }

    fn base(&self) -> std::path::PathBuf {
        self.dir.path().join(BASE)
    }

    /// What the scenario begins with, untouched.
    pub(crate) async fn begin(&self, name: &'static str) -> World {
        let dir = tempfile::tempdir().unwrap();
        copy(&self.base(), dir.path());
        let world = self.open(dir.path(), name, BASE).await;
        World {
            _dir: Some(dir),
            ..world
        }
    }

    async fn open(&self, dir: impl AsRef<Path>, name: &'static str, template: &str) -> World {
        let s3 = LocalS3::start(dir.as_ref()).await.unwrap();
        let base = self.postgres.url();
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        connect(base).await.simple_query(&create).await.unwrap();
        let url = format!("{}/{name}", base.rsplit_once('/').unwrap().0);
        World {
            services: Services {
                store: insiders::pipeline::store(&s3),
                database: Database::parse(&url).unwrap(),
            },
            url,
            name,
            s3,
            _dir: None,
        }
    }

    /// Forgets a world.
    pub(crate) async fn end(&self, world: World) {
        let World { s3, name, .. } = world;
        s3.stop().await;
        let admin = connect(self.postgres.url()).await;
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        admin.simple_query(&drop).await.unwrap();
    }

    pub(crate) async fn stop(self) {
        self.postgres.stop().await.unwrap();
    }
}

impl Services {
    /// Those that another process serves, from [`World::address`].
    pub(crate) fn at(address: &str) -> Self {
        let [url, region, access_key, secret_key, database] = address
            .split(' ')
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let endpoint = Endpoint {
            url,
            region,
            access_key,
            secret_key,
            patience: Patience::default(),
        };
        Self {
            store: Store::at(&endpoint, "insiders"),
            database: Database::parse(&database).unwrap(),
        }
    }
}

impl World {
    /// What another process needs to reach it.
    pub(crate) fn address(&self) -> String {
        let s3 = &self.s3;
        let parts = [
            s3.endpoint(),
            s3.region(),
            s3.access_key(),
            s3.secret_key(),
            &self.url,
        ];
        parts.join(" ")
    }

    /// Rows of a query, columns joined by `,`.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<String> {
        let client = connect(&self.url).await;
        let mut rows = Vec::new();
        for message in client.simple_query(sql).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = message {
                let columns = (0..row.len()).map(|column| row.get(column).unwrap_or("null"));
                rows.push(columns.collect::<Vec<_>>().join(","));
            }
        }
        rows
    }

    /// `run_id,customers` as readers see them: one row at most, or the view is torn.
    pub(crate) async fn visible(&self) -> String {
        let there = self.ask("SELECT to_regclass('insiders.insiders')").await;
        if there == ["null"] {
            return String::new();
        }
        let runs = "SELECT run_id, count(*) FROM insiders.insiders GROUP BY run_id";
        let runs = self.ask(runs).await;
        assert!(runs.len() <= 1, "readers see {runs:?}");
        runs.concat()
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
