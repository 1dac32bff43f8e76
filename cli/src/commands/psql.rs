//! `insiders psql`.

use std::path::Path;
use std::process::Command;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::args::PsqlArgs;
use crate::local::{Install, LocalPostgres};
use crate::{Failure, output};

/// Starts the folder's server, hands it to psql, stops it.
pub(crate) async fn psql(args: PsqlArgs) -> Result<(), Failure> {
    let server = start(&args.dir).await?;
    let ended = client(server.url()).map(|mut psql| psql.args(&args.args).status());
    server.stop().await?;
    match ended? {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Program(format!("psql ended with {status}"))),
        Err(e) => {
            output::notice("psql is part of Postgres' client package");
            Err(Failure::File {
                path: "psql".to_owned(),
                source: e,
            })
        }
    }
}

/// Starts the server of a folder that something was published into.
pub(super) async fn start(dir: &Path) -> Result<LocalPostgres, Failure> {
    if !dir.join("postgres").exists() {
        let what = format!(
            "{} holds no Postgres data: publish a run there first",
            dir.display()
        );
        return Err(Failure::Program(what));
    }
    Ok(LocalPostgres::start(dir, Install::Never).await?)
}

/// psql with its connection in the environment: a password has no place among arguments.
fn client(url: &str) -> Result<Command, Failure> {
    let config: Config = url
        .parse()
        .map_err(|e| shared::Error::Internal(format!("the server's url: {e}")))?;
    let mut psql = Command::new("psql");
    for host in config.get_hosts() {
        if let Host::Tcp(host) = host {
            psql.env("PGHOST", host);
        }
    }
    for port in config.get_ports() {
        psql.env("PGPORT", port.to_string());
    }
    psql.env("PGUSER", config.get_user().unwrap_or_default());
    psql.env("PGDATABASE", config.get_dbname().unwrap_or_default());
    let password = String::from_utf8_lossy(config.get_password().unwrap_or_default());
    psql.env("PGPASSWORD", password.as_ref());
    Ok(psql)
}
