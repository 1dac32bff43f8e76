//! One S3 client a process.

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
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
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Credentials, region and endpoint from the environment.
pub(super) async fn from_env() -> Client {
    let https = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
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
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new(endpoint.region.clone()))
        .endpoint_url(&endpoint.url)
        .force_path_style(true)
        .credentials_provider(credentials)
        // The signature covers the body on plain HTTP: a second checksum would protect nothing.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}
