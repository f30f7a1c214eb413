//! isahc as a transport of midil-http.
