//! What the pool over hyper keeps of servers that were called once: while their connections wait, and afterwards.

use std::time::Duration;

use midil_http_core::{Proxy, Request, Transport};
use midil_http_hyper::HyperTransport;
use tokio::time::sleep;

use crate::BoxError;
use crate::counter::live;
use crate::grid::Cell;

/// Servers that were called, and whose connections wait: few enough for the 1024 descriptors that a process has by default.
const SERVERS: &[u32] = &[1, 10, 100, 400];

/// How long a connection may wait: long enough to call all servers meanwhile.
const EXPIRY: Duration = Duration::from_secs(2);

/// All servers are reached through one proxy, so that they need neither names nor addresses.
pub(super) async fn measure(port: u16) -> Result<Vec<Cell>, BoxError> {
    let nothing = live();
    let proxy = Proxy::try_new(&format!("http://127.0.0.1:{port}"))?;
    let transport = HyperTransport::builder().proxy(proxy).keepalive_expiry(EXPIRY).build()?;
    let mut cells = Vec::new();
    let cell = |column: String| Cell {
        table: "bytes for so many servers, each with an idle connection".into(),
        row: "midil-http-hyper's pool".into(),
        column,
        value: live() - nothing,
    };
    let mut called = 0;
    for &servers in SERVERS {
        while called < servers {
            call(&transport, called).await?;
            called += 1;
        }
        cells.push(cell(servers.to_string()));
    }
    // Half a second later at the most they are closed.
    sleep(EXPIRY + Duration::from_millis(700)).await;
    cells.push(cell("when those have expired".into()));
    Ok(cells)
}

async fn call(transport: &HyperTransport, server: u32) -> Result<(), BoxError> {
    let request = Request::get(&format!("http://server-{server}.example/"))?;
    transport.send(request).await?.into_body().collect(1024).await?;
    Ok(())
}
