//! isahc alone.

use std::error::Error;

use isahc::AsyncReadResponseExt;

fn main() -> Result<(), Box<dyn Error>> {
    futures_lite::future::block_on(async {
        let http = isahc::HttpClient::builder().build()?;
        println!("{}", http.get_async(url()?).await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
