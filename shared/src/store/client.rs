//! One S3 client a process.

use std::time::Duration;

use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_s3::{Client, Config};
use aws_smithy_http_client::{Builder, tls};

/// Where an S3 server of our own is, and how it knows us.
#[derive(Clone)]
pub struct Endpoint {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Region to sign for.
    pub region: String,
    /// Access key id.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// How long it is waited for.
    pub patience: Patience,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// How long a client waits for a server before it tries again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Before the second attempt, at most; twice that before each further one.
    pub backoff: Duration,
    /// For an answer to begin, from when the request began. Without it a server that takes a
    /// request and says nothing is waited for until the function's time is over.
    pub answer: Duration,
    /// For the next bytes of a body.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            backoff: Duration::from_secs(1),
            // A part of 8 MiB may take that long; three attempts fit a function's 900 seconds.
            answer: Duration::from_secs(120),
            stall: Duration::from_secs(20),
        }
    }
}

impl Patience {
    fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder().read_timeout(self.answer).build()
    }

    fn stalls(self) -> StalledStreamProtectionConfig {
        StalledStreamProtectionConfig::enabled()
            .grace_period(self.stall)
            .build()
    }
}

/// Credentials, region and endpoint from the environment.
pub(super) async fn from_env() -> Client {
    let https = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let patience = Patience::default();
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .timeout_config(patience.timeouts())
        .stalled_stream_protection(patience.stalls())
        .load()
        .await;
    // Servers on a laptop have no wildcard names for buckets.
    let path_style = shared.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(path_style)
        .build();
    Client::from_conf(config)
}

pub(super) fn at(endpoint: &Endpoint) -> Client {
    let credentials = Credentials::new(
        &endpoint.access_key,
        &endpoint.secret_key,
        None,
        None,
        "insiders",
    );
    let patience = endpoint.patience;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new(endpoint.region.clone()))
        .endpoint_url(&endpoint.url)
        .force_path_style(true)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_initial_backoff(patience.backoff))
        // Attempts are rationed by server, not by process.
        .retry_partition(RetryPartition::new(endpoint.url.clone()))
        .timeout_config(patience.timeouts())
        .stalled_stream_protection(patience.stalls())
        .build();
    Client::from_conf(config)
}
