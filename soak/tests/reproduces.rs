//! The same seed is the same run.

use std::process::Command;

/// What a run says of its plan and of what came of it.
fn digests(transport: &str, seed: &str) -> String {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_midil-http-soak"));
    let output =
        soak.args([transport, "--items", "400", "--seed", seed]).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}");
    let line = text.lines().last().expect("a line");
    line.split(';').next().expect("a part").trim().to_owned()
}

#[test]
fn the_same_seed_is_the_same_plan_and_comes_to_the_same() {
    let hyper = digests("hyper", "7");
    assert!(hyper.starts_with("plan ") && hyper.contains(", outcomes "), "{hyper}");
    assert_eq!(hyper, digests("hyper", "7"));
    assert_ne!(hyper, digests("hyper", "8"));
}

#[test]
fn all_transports_come_to_the_same() {
    let hyper = digests("hyper", "9");
    assert_eq!((digests("reqwest", "9"), digests("isahc", "9")), (hyper.clone(), hyper));
}
