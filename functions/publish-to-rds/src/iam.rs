//! RDS IAM authentication: in place of a password, a request to the database's own address,
//! signed and good for a quarter of an hour. It is made anew for each connection and never
//! leaves this process but over verified TLS.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use shared::{Error, Result};

/// What RDS allows at most; a token counts only while connecting.
const VALID_FOR: Duration = Duration::from_secs(15 * 60);

/// Signs tokens for one region.
#[derive(Debug, Clone)]
pub struct Iam {
    region: String,
    credentials: SharedCredentialsProvider,
}

impl Iam {
    /// A signer with the credentials of `provider`.
    pub fn new(region: &str, provider: impl ProvideCredentials + 'static) -> Self {
        Self {
            region: region.to_owned(),
            credentials: SharedCredentialsProvider::new(provider),
        }
    }

    /// A token for `user` of the server at `host:port`.
    #[expect(
        clippy::disallowed_methods,
        reason = "a token is good for 15 minutes from now"
    )]
    pub(crate) async fn token(&self, host: &str, port: u16, user: &str) -> Result<String> {
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|e| failed(&e))?;
        token(
            &self.region,
            credentials,
            (host, port, user),
            SystemTime::now(),
        )
    }
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::Refused {
        service: "Postgres",
        operation: "signing in by IAM".to_owned(),
        reason: error.to_string(),
    }
}

fn token(
    region: &str,
    credentials: Credentials,
    (host, port, user): (&str, u16, &str),
    now: SystemTime,
) -> Result<String> {
    let mut settings = SigningSettings::default();
    settings.expires_in = Some(VALID_FOR);
    settings.signature_location = SignatureLocation::QueryParams;
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("rds-db")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|e| failed(&e))?;
    let address = format!("{host}:{port}");
    let mut url = format!("https://{address}/?Action=connect&DBUser={}", encoded(user));
    let request = SignableRequest::new(
        "GET",
        &url,
        [("host", address.as_str())].into_iter(),
        SignableBody::Bytes(&[]),
    )
    .map_err(|e| failed(&e))?;
    let (instructions, _) = sign(request, &parameters.into())
        .map_err(|e| failed(&e))?
        .into_parts();
    for (name, value) in instructions.params() {
        url.push_str(&format!("&{name}={}", encoded(value)));
    }
    Ok(url.split_off("https://".len()))
}

/// Percent-encodes what SigV4 does not leave as it is.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> String {
        let credentials = Credentials::for_tests_with_session_token();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        token("eu-west-1", credentials, ("db.example", 5432, "ann b"), now).unwrap()
    }

    #[test]
    fn a_token_is_the_presigned_address_without_its_scheme() {
        let token = at(1_700_000_000);
        assert!(token.starts_with("db.example:5432/?Action=connect&DBUser=ann%20b&"));
        for part in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "%2F20231114%2Feu-west-1%2Frds-db%2Faws4_request",
            "X-Amz-Expires=900",
            "X-Amz-Security-Token=",
            "X-Amz-Signature=",
        ] {
            assert!(token.contains(part), "{part} in {token}");
        }
    }

    #[test]
    fn a_later_connection_has_another_token() {
        assert_ne!(at(1_700_000_000), at(1_700_000_060));
    }
}
