//! reqwest with what most add to it for retries.

use std::error::Error;

use reqwest_middleware::ClientBuilder;
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let backoff = ExponentialBackoff::builder().build_with_max_retries(3);
        let http = ClientBuilder::new(reqwest::Client::builder().build()?)
            .with(RetryTransientMiddleware::new_with_policy(backoff))
            .build();
        println!("{}", http.get(url()?).send().await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
