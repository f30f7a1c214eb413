//! Servers that others wrote, as processes that end with the test that started them.
//!
//! They must be installed first: `bash scripts/test.sh` does it, and runs these tests. A test without its server fails, and
//! says what is missing.

mod authorization_server;
mod nginx_server;
mod redis_server;

pub use authorization_server::AuthorizationServer;
pub use nginx_server::NginxServer;
pub use redis_server::RedisServer;
