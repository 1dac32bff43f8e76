//! Where the database is and how it is reached.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use shared::{Error, Result};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::iam::Iam;
use crate::limits::Limits;

/// Where a URL says nothing of it, which is too long for a function.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// A Postgres database. Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct Database {
    pub(crate) config: Config,
    /// A PEM file of certificate authorities to trust besides the system's, such as the
    /// bundle of RDS.
    pub ca_file: Option<PathBuf>,
    /// Who signs in place of a password.
    iam: Option<Iam>,
    /// Waits and batch sizes.
    pub limits: Limits,
}

/// Whether the connection is encrypted. Where it is, the certificate is always verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    None,
    Verified,
}

impl Database {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`, or libpq's
    /// `key=value` pairs.
    ///
    /// `sslmode` is `disable`, `prefer` (the default: TLS unless the server has none; none
    /// to this very machine) or `require`; libpq's `verify-ca` and `verify-full` mean
    /// `require`, because a certificate is verified in every mode. `sslrootcert` names a
    /// file of authorities, as [`ca_file`](Self::ca_file) does.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |reason: String| Error::config("database URL", reason);
        let (plain, ca_file) = split_libpq_options(url);
        // The parser's own words may quote a part of the password: only those that can't
        // are repeated.
        let mut config = Config::from_str(&plain).map_err(|e| {
            let cause = std::error::Error::source(&e)
                .map(ToString::to_string)
                .unwrap_or_default();
            let safe = cause.starts_with("invalid value for option")
                || (cause.starts_with("unknown option") && query_of(url).is_some());
            let detail = if safe {
                format!(": {cause}")
            } else {
                String::new()
            };
            wrong(format!(
                "it is not postgres://user:password@host:port/database?sslmode=require{detail}"
            ))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("it names no host".to_owned()));
        }
        let misread = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
        if config.get_hosts().iter().any(misread) {
            return Err(wrong(
                "an '@' in the user or password is written %40".to_owned(),
            ));
        }
        if config.get_application_name().is_none() {
            config.application_name("insiders");
        }
        Ok(Self {
            config,
            ca_file,
            iam: None,
            limits: Limits::default(),
        })
    }

    /// Trusts the authorities in a PEM file besides the system's.
    #[must_use]
    pub fn with_ca_file(mut self, ca_file: Option<PathBuf>) -> Self {
        self.ca_file = ca_file.or(self.ca_file);
        self
    }

    /// Signs in by IAM in place of a password. The server must be one, named, and reached
    /// over TLS: a token on a plain connection would be anybody's.
    pub fn with_iam(mut self, iam: Iam) -> Result<Self> {
        let wrong = |reason: &str| Err(Error::config("database URL", reason));
        if self.config.get_password().is_some() {
            return wrong("it has a password, and DATABASE_AUTH is iam: leave one out");
        }
        if self.encryption() == Encryption::None {
            return wrong("sign-in by IAM needs TLS: add sslmode=require");
        }
        let named = matches!(self.config.get_hosts(), [Host::Tcp(_)]);
        if !named || self.config.get_user().is_none() {
            return wrong("sign-in by IAM needs one host name and a user");
        }
        // `prefer` would hand the token in clear to whoever says that there is no TLS.
        self.config.ssl_mode(SslMode::Require);
        self.iam = Some(iam);
        Ok(self)
    }

    /// How to connect now: with a fresh token where IAM vouches for us.
    pub(crate) async fn connection(&self) -> Result<Config> {
        let mut config = self.config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(self.limits.connect);
        }
        // A host that is gone says nothing: the system is to notice.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(self.limits.statement);
        }
        if config.get_keepalives_idle() == KEEPALIVES_IDLE {
            config
                .keepalives_idle(Duration::from_secs(30))
                .keepalives_interval(Duration::from_secs(10))
                .keepalives_retries(3);
        }
        if let (Some(iam), [Host::Tcp(host)]) = (&self.iam, self.config.get_hosts()) {
            let port = self.config.get_ports().first().copied().unwrap_or(5432);
            let user = self.config.get_user().unwrap_or_default();
            config.password(iam.token(host, port, user).await?);
        }
        Ok(config)
    }

    pub(crate) fn encryption(&self) -> Encryption {
        match self.config.get_ssl_mode() {
            SslMode::Disable => Encryption::None,
            // What stays on this machine needs none, and a distribution's Postgres has a
            // certificate that nobody can verify.
            SslMode::Prefer if self.is_local() => Encryption::None,
            _ => Encryption::Verified,
        }
    }

    fn is_local(&self) -> bool {
        let by_name = self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|ip| ip.is_loopback())
            }
            #[cfg(unix)]
            Host::Unix(_) => true,
        });
        by_name
            && self
                .config
                .get_hostaddrs()
                .iter()
                .all(std::net::IpAddr::is_loopback)
    }

    /// The database's name.
    fn name(&self) -> &str {
        self.config
            .get_dbname()
            .or_else(|| self.config.get_user())
            .unwrap_or("postgres")
    }
}

/// `host:port/database as user`.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        let addresses = self.config.get_hostaddrs();
        let hosts = self.config.get_hosts();
        for index in 0..hosts.len().max(addresses.len()) {
            if index > 0 {
                f.write_str(",")?;
            }
            match (hosts.get(index), addresses.get(index)) {
                (Some(Host::Tcp(name)), _) => f.write_str(name)?,
                #[cfg(unix)]
                (Some(Host::Unix(path)), _) => write!(f, "{}", path.display())?,
                (None, Some(address)) => write!(f, "{address}")?,
                (None, None) => {}
            }
            // One port is every host's; none is 5432.
            let port = ports.get(index).or_else(|| ports.first()).unwrap_or(&5432);
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.name())?;
        match self.config.get_user() {
            Some(user) => write!(f, " as {user}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// What follows the `?` of a URL; a `?` in the password does not count.
fn query_of(url: &str) -> Option<(&str, &str)> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return None;
    }
    let host = url.rfind('@').unwrap_or(0);
    let query = url.get(host..)?.find('?')? + host;
    Some((url.get(..query)?, url.get(query + 1..)?))
}

/// Takes out of a URL what libpq knows and our client does not.
fn split_libpq_options(url: &str) -> (String, Option<PathBuf>) {
    let Some((base, query)) = query_of(url) else {
        return (url.to_owned(), None);
    };
    let mut ca_file = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", "verify-ca" | "verify-full")) => rest.push("sslmode=require"),
            Some(("sslrootcert", path)) => ca_file = Some(PathBuf::from(path)),
            _ => rest.push(pair),
        }
    }
    let mark = if rest.is_empty() { "" } else { "?" };
    (format!("{base}{mark}{}", rest.join("&")), ca_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let database = Database::parse("postgres://ann:s3cret@db.example:6543/shop").unwrap();
        assert_eq!(database.to_string(), "db.example:6543/shop as ann");
        assert_eq!(
            format!("{database:?}"),
            "Database(db.example:6543/shop as ann)"
        );
        for wrong in [
            "postgres://ann:s3cret@db/shop?sslmode=maybe",
            "postgres://ann:s3cret@db/shop?colour=red",
            "postgres://ann:p@s3cret@db/shop",
            "postgres://ann:s3cret@db:port/shop",
            "host=db password=a s3cret=1",
            "mysql://ann:s3cret@db/shop",
            "postgres:///shop",
        ] {
            let error = Database::parse(wrong).unwrap_err();
            assert_eq!(error.name(), "Insiders.Config", "{wrong}");
            assert!(!error.to_string().contains("s3"), "{error}");
        }
        let named = Database::parse("postgres://a:b@db/shop?colour=red")
            .unwrap_err()
            .to_string();
        assert!(named.contains("colour"), "{named}");
    }

    #[test]
    fn sign_in_by_iam_wants_tls_and_no_password() {
        let credentials = aws_credential_types::Credentials::for_tests();
        let iam = Iam::new("eu-west-1", credentials);
        let sign = |url: &str| Database::parse(url).unwrap().with_iam(iam.clone());
        sign("postgres://u@db.example/d?sslmode=require").unwrap();
        for (url, word) in [
            ("postgres://u:p@db.example/d?sslmode=require", "password"),
            ("postgres://u@db.example/d?sslmode=disable", "TLS"),
            ("postgres://db.example/d?sslmode=require", "user"),
            ("postgres://u@a,b/d?sslmode=require", "one host"),
        ] {
            let error = sign(url).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[tokio::test]
    async fn each_connection_has_a_token_of_its_own_for_its_host_and_user() {
        let credentials = aws_credential_types::Credentials::for_tests();
        let database = Database::parse("postgres://u@db.example:6543/d?sslmode=require")
            .unwrap()
            .with_iam(Iam::new("eu-west-1", credentials))
            .unwrap();
        let config = database.connection().await.unwrap();
        let token = std::str::from_utf8(config.get_password().unwrap()).unwrap();
        assert!(
            token.starts_with("db.example:6543/?Action=connect&DBUser=u&"),
            "{token}"
        );
    }

    #[tokio::test]
    async fn a_token_goes_over_tls_only_and_a_host_that_is_gone_is_noticed() {
        let iam = Iam::new("eu-west-1", aws_credential_types::Credentials::for_tests());
        for mode in ["", "?sslmode=prefer"] {
            let url = format!("postgres://u@db.example/d{mode}");
            let database = Database::parse(&url).unwrap();
            let database = database.with_iam(iam.clone()).unwrap();
            let config = database.connection().await.unwrap();
            assert_eq!(config.get_ssl_mode(), SslMode::Require, "{url}");
            let minute = Duration::from_secs(60);
            assert_eq!(config.get_tcp_user_timeout(), Some(&minute));
            assert!(config.get_keepalives_idle() < minute);
        }
    }

    #[test]
    fn tls_is_verified_wherever_the_url_asks_for_it() {
        let encryption = |url: &str| Database::parse(url).unwrap().encryption();
        assert_eq!(
            encryption("postgres://u@db.example/d"),
            Encryption::Verified
        );
        assert_eq!(
            encryption("postgres://u@db.example/d?sslmode=disable"),
            Encryption::None
        );
        assert_eq!(encryption("postgres://u@127.0.0.1/d"), Encryption::None);
        assert_eq!(encryption("postgres://u@localhost/d"), Encryption::None);
        assert_eq!(
            encryption("postgres://u@localhost/d?sslmode=require"),
            Encryption::Verified
        );
        assert_eq!(
            encryption("postgres://u@localhost/d?sslmode=verify-full"),
            Encryption::Verified
        );
        let libpq = "postgres://u:q?s@db/d?sslmode=verify-full&sslrootcert=/ca.pem";
        assert_eq!(
            Database::parse(libpq).unwrap().ca_file,
            Some(PathBuf::from("/ca.pem"))
        );
    }
}
