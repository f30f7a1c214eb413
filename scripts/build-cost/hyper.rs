//! hyper-util's client with TLS.

use std::error::Error;

use http_body_util::{BodyExt, Empty};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let https = HttpsConnectorBuilder::new()
            .with_platform_verifier()
            .https_or_http()
            .enable_all_versions()
            .build();
        let http = Client::builder(TokioExecutor::new()).build::<_, Empty<&[u8]>>(https);
        let body = http.get(url()?.parse()?).await?.into_body().collect().await?.to_bytes();
        println!("{}", String::from_utf8_lossy(&body));
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
