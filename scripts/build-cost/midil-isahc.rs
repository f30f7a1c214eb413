//! Core over isahc, without tokio.

use std::error::Error;

use midil_http_core::HttpClient;
use midil_http_isahc::IsahcTransport;

fn main() -> Result<(), Box<dyn Error>> {
    futures_lite::future::block_on(async {
        let http = HttpClient::builder(IsahcTransport::try_new()?).build()?;
        println!("{}", http.get(url()?).send().await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
