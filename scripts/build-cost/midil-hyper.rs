//! Core over hyper.

use std::error::Error;

use midil_http_core::HttpClient;
use midil_http_hyper::HyperTransport;

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let http = HttpClient::builder(HyperTransport::try_new()?).build()?;
        println!("{}", http.get(url()?).send().await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
