//! Chunks that are broken.

use super::client::{Client, GET};
use crate::fault_server::{ChunkFault, Cut, FaultServer, Reply};

#[test]
fn the_last_chunk_may_be_broken() {
    for (fault, expected) in [
        (ChunkFault::Size, "3\r\none\r\nnonsense\r\nlost\r\n0\r\n\r\n"),
        (ChunkFault::Overflow, "3\r\none\r\n10000000000000004\r\nlost\r\n0\r\n\r\n"),
        (ChunkFault::MissingEnd, "3\r\none\r\n4\r\nlost0\r\n\r\n"),
    ] {
        let server = FaultServer::start([
            Reply::ok("").chunked(["one"]).break_chunk(fault),
            Reply::ok("one").break_chunk(fault).close(),
        ]);
        let mut client = Client::connect(&server);
        for _ in 0..2 {
            client.send(GET);
            assert!(client.head().contains("\r\ntransfer-encoding: chunked\r\n"));
            assert_eq!(client.exactly(expected.len()), expected);
        }
        assert_eq!(client.rest(), (String::new(), Ok(())));
    }
}

#[test]
fn a_broken_chunk_may_be_cut_too() {
    let reply = Reply::ok("one").break_chunk(ChunkFault::Size).cut_body_after(2, Cut::Close);
    let server = FaultServer::always(reply);
    let mut client = Client::sending(&server, GET);
    client.head();
    assert_eq!(client.rest(), ("3\r\non".to_owned(), Ok(())));
}
