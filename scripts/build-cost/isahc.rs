//! isahc alone.

use std::error::Error;

use isahc::AsyncReadResponseExt;

fn main() -> Result<(), Box<dyn Error>> {
    futures_lite::future::block_on(async {
        let http = isahc::HttpClient::builder().build()?;
        println!("{}", String::from_utf8_lossy(&http.get_async(url()?).await?.bytes().await?));
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
