//! `docs/conformance.md`.

use std::{env, fs};

use midil_http_test::conformance::{Suite, Table};

use super::{hyper, isahc, on_tokio, reqwest};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md");

/// The suites of all transports, on the executors that they are for: isahc without tokio.
fn table() -> Table {
    let reports = [
        on_tokio(reqwest::suite().run()),
        on_tokio(hyper::suite().run()),
        futures_executor::block_on(isahc::suite().run()),
    ];
    for report in &reports {
        report.assert_conforms();
    }
    Table::new(reports)
}

fn page() -> String {
    format!(
        "# What every transport does\n\n\
         Each of these {count} behaviours is a case of the conformance suite of `midil-http-test`, which runs it against each \
         transport over real sockets. A transport of your own can be run against it in one call: see \
         `midil_http_test::conformance`. This page is written by that run and compared with it by a test; where they differ, \
         run\n\n\
         ```sh\n\
         MIDIL_BLESS=1 cargo test --all-features --test it conformance::table\n\
         ```\n\n\
         A \"no\" has its reason below the table. \"not always\" is a no whose moment depends on timing.\n\n\
         {table}",
        count = Suite::cases().count(),
        table = table(),
    )
}

#[test]
fn the_page_is_that_of_the_run() {
    let page = page();
    if env::var_os("MIDIL_BLESS").is_some() {
        fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
        return fs::write(PATH, page).unwrap();
    }
    let written = fs::read_to_string(PATH).unwrap_or_default();
    let differing = page.lines().zip(written.lines()).find(|(run, page)| run != page);
    assert!(
        page == written,
        "docs/conformance.md is not that of the run, first at {differing:?}: \
         MIDIL_BLESS=1 cargo test --all-features --test it conformance::table writes it anew"
    );
}
