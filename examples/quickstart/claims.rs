//! Whether all came as the example says: what is shown to people should be true.

use std::error::Error;

/// What the example says it shows.
#[derive(Default)]
pub(crate) struct Claims {
    broken: Vec<&'static str>,
}

impl Claims {
    pub(crate) fn check(&mut self, claim: &'static str, holds: bool) {
        if !holds {
            self.broken.push(claim);
        }
    }

    /// An error that names what did not come as claimed.
    pub(crate) fn verdict(self) -> Result<(), Box<dyn Error>> {
        match self.broken.as_slice() {
            [] => Ok(()),
            broken => Err(format!("this should hold, and did not: {}", broken.join("; ")).into()),
        }
    }
}
