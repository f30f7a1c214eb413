//! reqwest alone.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let http = reqwest::Client::builder().build()?;
        println!("{}", http.get(url()?).send().await?.text().await?);
        Ok(())
    })
}

fn url() -> Result<String, &'static str> {
    std::env::args().nth(1).ok_or("usage: build-cost URL")
}
