//! Bad usage and bad configuration: named on standard error, with exit status 2 and no line.

use crate::process::{Call, Temp, call, of};

const URL: &str = "http://127.0.0.1:9/";

#[track_caller]
fn refused(call: Call, named: &str) {
    let ran = call.run();
    assert_eq!((ran.code, ran.output.as_str()), (2, ""), "{named}: {}", ran.problem);
    assert!(ran.problem.contains(named), "{named} is not in: {}", ran.problem);
}

#[test]
fn numbers_that_cannot_be_are_named() {
    let durations =
        ["--timeout", "--connect-timeout", "--attempt-timeout", "--total-timeout", "--max-delay"];
    for option in durations {
        for bad in ["0", "-1", "NaN", "inf", "1e30", "soon", ""] {
            refused(call([option, bad, URL]), option);
        }
    }
    for option in ["--base-delay", "--max-retry-after", "--pause"] {
        for bad in ["-1", "NaN", "inf", "soon"] {
            refused(call([option, bad, URL]), option);
        }
    }
    for option in ["--attempts", "--repeat", "--concurrency"] {
        for bad in ["0", "-1", "1.5", "many", "99999999999999999999"] {
            refused(call([option, bad, URL]), option);
        }
    }
    refused(call(["--max-connections", "0", URL]), "max_connections");
    for option in ["--max-connections", "--max-response-bytes", "--follow"] {
        for bad in ["-1", "1.5", "many"] {
            refused(call([option, bad, URL]), option);
        }
    }
    for bad in ["5", "0,5", "5,0", "5,-1", "5,NaN", ",", "a,b", "5,5,5", "-1,5"] {
        refused(call(["--breaker", bad, URL]), "--breaker");
    }
}

#[test]
fn options_that_do_not_go_together_are_named() {
    for (options, named) in [
        ("--json {} --data x", "--data"),
        ("--json {} --form a=b", "--form"),
        ("--upload a --stream b", "--stream"),
        ("--file a=b --json {}", "--json"),
        ("--bearer a --basic b:c", "--basic"),
        ("--token-url http://127.0.0.1:9/ --bearer a", "--bearer"),
        ("--no-follow --follow 3", "--follow"),
        ("--client-id me", "--token-url"),
        ("--token-url http://127.0.0.1:9/ --client-secret s", "--client-id"),
        ("--token-url http://127.0.0.1:9/ --client-id me", "--client-secret"),
        ("--stream - --repeat 2", "--stream"),
        ("--base-delay 5 --max-delay 1", "delay"),
        ("--backend curl", "--backend"),
        ("--auth-method both --token-url http://127.0.0.1:9/", "--auth-method"),
        ("--header no-colon", "--header"),
        ("--query no-equals", "--query"),
        ("--cookie no-equals", "--cookie"),
        ("--form no-equals", "--form"),
        ("--file no-equals", "--file"),
        ("--no-such-option", "--no-such-option"),
        ("GET POST", "expected"),
        ("b@d", "METHOD"),
        ("--ca /nowhere/at-all.pem", "--ca"),
        ("--bearer a --base-url http://203.0.113.7/", "allow_plain_http_auth"),
        ("--base-url nonsense", "base_url"),
        ("--allow-origin nonsense", "allow_origin"),
    ] {
        refused(of(options, URL), named);
    }
    refused(call::<&str>([]), "TARGET");
}

#[test]
fn bad_variables_are_named() {
    for (name, value) in [
        ("HTTP_TIMEOUT", "soon"),
        ("HTTP_MAX_RETRIES", "-1"),
        ("HTTP_RETRY_JITTER", "maybe"),
        ("HTTP_BREAKER_THRESHOLD", "0"),
        ("HTTP_MAX_IN_FLIGHT", "none"),
        ("HTTP_RETRY_BUDGET", "some"),
    ] {
        refused(of("", URL).variable(name, value), name);
    }
    refused(of("", URL).variable("HTTP_BREAKER_RECOVERY", "5"), "HTTP_BREAKER_THRESHOLD");
}

#[test]
fn help_is_no_misuse() {
    let ran = call(["--help"]);
    let output = ran.help();
    for option in
        ["--breaker", "--max-retry-after", "--idempotency-key", "--concurrency", "--pause"]
    {
        assert!(output.contains(option), "{option}");
    }
}

/// Whatever is mistyped may be a secret.
#[test]
fn values_that_may_be_secrets_are_not_echoed() {
    const SECRET: &str = "hunter2hunter2";
    let absent = Temp::absent("no-secret");
    let file = format!("@{}", absent.path());
    for arguments in [
        &["--bearr", SECRET, URL][..],
        &["--bearer=a\u{1}hunter2hunter2", URL],
        &["--basic", SECRET, URL],
        &["--api-key", SECRET, URL],
        &["--api-key", "host: hunter2hunter2", URL],
        &["--header", SECRET, URL],
        &["--cookie", SECRET, URL],
        &["--client-secret", SECRET, URL],
        &["--timeout", SECRET, URL],
        &["--breaker", SECRET, URL],
        &["GET", URL, SECRET],
        &["--auth-method", SECRET, "--token-url", URL, URL],
    ] {
        let ran = call(arguments.iter().copied()).run();
        assert_eq!((ran.code, ran.output.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.problem.contains("hunter2"), "{arguments:?}: {}", ran.problem);
        assert!(!ran.problem.trim().is_empty());
    }
    let missing = ["--token-url", URL, "--client-id", "me", "--client-secret", &file, URL];
    assert_ne!(call(missing).run().code, 0);
}
