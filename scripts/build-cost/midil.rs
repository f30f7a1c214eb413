//! The facade as it comes: retries with a budget, and credentials.

use std::error::Error;

use midil_http::{ClientCredentials, DefaultRetryStrategy, HttpClient, ReqwestTransport};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let transport = ReqwestTransport::try_new()?;
        let credentials = ClientCredentials::builder(transport.clone())
            .token_url("https://login.example.com/token")
            .client_id("build-cost")
            .client_secret("hunter2")
            .build()?;
        let http = HttpClient::builder(transport)
            .base_url(url()?)
            .auth(credentials)
            .retry(DefaultRetryStrategy::default())
            .build()?;
        println!("{}", http.get("/").send().await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
