//! The client of the store, made for R2.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use secrecy::ExposeSecret as _;

use crate::ground::config;

/// How long the store is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection is there.
    pub connect: Duration,
    /// Until one request is answered, its body of up to 8 MiB included: at 60 s that is 1.1 Mbit/s.
    pub attempt: Duration,
    /// While a body carries nothing.
    pub stalled: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_mins(1),
            stalled: Duration::from_secs(20),
        }
    }
}

/// Tries of one request: a second one for a connection that had been closed. The queue does the rest.
const ATTEMPTS: u32 = 2;

pub(super) fn client(settings: &config::R2, patience: Patience) -> Client {
    let secure = settings.endpoint.scheme() == "https";
    let http = aws_smithy_http_client::Builder::new();
    let http = if secure {
        http.tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
    } else {
        http.build_http()
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .operation_attempt_timeout(patience.attempt)
        .operation_timeout(patience.attempt * ATTEMPTS + patience.connect)
        .build();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(endpoint(settings))
        .region(Region::new("auto"))
        .force_path_style(true)
        .credentials_provider(Credentials::new(
            &settings.access_key_id,
            settings.secret_access_key.expose_secret(),
            None,
            None,
            "onlycar",
        ))
        // Newer checksums of the client are refused by R2, or stored as part of the body. Content-MD5 does their work.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(patience.stalled)
                .build(),
        );
    Client::from_conf(config.build())
}

/// The client forgets the last `/` of a path that ends without one, and asks for `/s3bucket` instead of `/s3/bucket`.
fn endpoint(settings: &config::R2) -> String {
    let mut endpoint = settings.endpoint.to_string();
    if !endpoint.ends_with('/') {
        endpoint.push('/');
    }
    endpoint
}
