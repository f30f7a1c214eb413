//! hyper as a transport of midil-http.
