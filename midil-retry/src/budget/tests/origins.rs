//! Which servers share a bucket, and which are forgotten.

use super::*;

#[test]
fn scheme_host_and_port_make_an_origin() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    assert!(budget.withdraw(&url("https://api.example.com/users"), now));
    for (same, left) in [
        ("https://api.example.com/other?query#fragment", 9.0),
        ("https://API.example.com:443/", 9.0),
        ("https://user@api.example.com/", 9.0),
        ("http://api.example.com/", 10.0),
        ("https://api.example.com:8443/", 10.0),
        ("https://api.example.com.evil.test/", 10.0),
        ("https://example.com/", 10.0),
    ] {
        assert_eq!(budget.available(&url(same), now), left, "{same}");
    }
    assert_eq!(budget.origins(), 1, "looking makes no bucket");
}

#[test]
fn addresses_are_hosts() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    for host in ["http://127.0.0.1:80/", "http://127.0.0.1:81/", "http://[::1]/", "http://[::2]/"] {
        assert!((0..10).all(|_| budget.withdraw(&url(host), now)), "{host}");
    }
    assert_eq!(budget.origins(), 4);
}

#[test]
fn clones_share_their_buckets() {
    let (budget, now, url) = (RetryBudget::default(), Instant::now(), url("http://localhost/"));
    assert!(budget.clone().withdraw(&url, now));
    assert_eq!(budget.available(&url, now), 9.0);
}

fn numbered(number: u32) -> Url {
    url(&format!("https://host-{number}.example.com/"))
}

#[test]
fn memory_is_bounded() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    for number in 0..20_000 {
        budget.withdraw(&numbered(number), now);
    }
    assert_eq!(budget.origins(), 512);
}

#[test]
fn every_server_starts_full_whosever_place_it_takes() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    for url in (0..5_000).map(numbered) {
        assert_eq!(empty(&budget, &url, now), 10, "{url}");
    }
}

#[test]
fn servers_in_trouble_are_kept_and_healthy_ones_forgotten() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    let troubled: Vec<_> = (0..20).map(numbered).collect();
    for url in &troubled {
        empty(&budget, url, now);
    }
    for number in 1_000..20_000 {
        budget.record(&numbered(number), now, FIRST_SUCCEEDED);
    }
    let kept = troubled.iter().filter(|url| budget.available(url, now) == 0.0).count();
    assert_eq!(kept, 20);
}

#[test]
fn among_servers_in_trouble_the_latest_are_kept() {
    let (budget, mut now) = (RetryBudget::default(), Instant::now());
    for number in 0..4_000 {
        now += Duration::from_millis(10);
        let url = numbered(number);
        budget.record(&url, now, FIRST_FAILED);
        empty(&budget, &url, now);
    }
    assert!((3_980..4_000).all(|number| budget.available(&numbered(number), now) < 10.0));
    assert!((0..1_000).all(|number| budget.available(&numbered(number), now) == 10.0));
}
