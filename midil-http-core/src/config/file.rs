//! Files that a configuration names.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::BuildError;

/// No certificate, key or secret is longer; a wrong path may lead to a file that is.
const MAX_BYTES: u64 = 1 << 20;

/// The content of a file; it may be a secret.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, BuildError> {
    let problem = |why: &str| BuildError::new(format!("the file {}", path.display()), why);
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(
        |error| {
            problem("cannot be read: check that it is there and who may read it").with_source(error)
        },
    )?;
    if bytes.len() > 1 << 20 {
        return Err(problem("has more than 1 MiB: that is no certificate and no secret"));
    }
    Ok(bytes)
}
