//! The product against servers that others wrote.

mod authorization_server;
mod backends;
mod fleet;
mod nginx;
