//! What several concerns need to set up a test.
