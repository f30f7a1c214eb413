//! Core alone; the program is its own transport.

use std::error::Error;

use midil_http_core::{Body, HttpClient, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let echo = |request: Request| async move {
        Ok(http::Response::new(Body::from(request.url().to_string())))
    };
    let http = HttpClient::builder(echo).build()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        println!("{}", http.get(url()?).send().await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
