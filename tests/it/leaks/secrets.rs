//! The secrets, and how they are recognised whatever form they are in.

use url::form_urlencoded;

/// The secrets begin with a mark of letters and digits, which survives percent and form encoding, upper case and being cut
/// at the end; characters follow that do not.
macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident = $mark:literal, $rest:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = concat!($mark, $rest);)*

        const ALL: &[Secret] = &[$(Secret { name: stringify!($name), mark: $mark, value: $name }),*];
    };
}

secrets! {
    CLIENT_ID = "zq7clientid", "+/&% :=";
    CLIENT_SECRET = "zq7clientsecret", "+/&% :ü";
    TOKEN = "zq7accesstoken", "+/~=";
    COOKIE = "zq7cookie", "+/~=";
    USER = "zq7user", "-.~";
    PASSWORD = "zq7password", "-.~";
    QUERY = "zq7query", "+/&% :=";
    FRAGMENT = "zq7fragment", "-.~";
    API_KEY = "zq7apikey", "+/ :=";
    BASIC_USER = "zq7basicuser", "+/ %=";
    BASIC_PASSWORD = "zq7basicpassword", "+/ %:ü";
    /// In the body of a request or a response.
    BODY = "zq7body", "+/&% :=";
}

struct Secret {
    name: &'static str,
    mark: &'static str,
    value: &'static str,
}

/// The secrets that `text` shows, and how.
pub(super) fn shown_by(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    // Both alphabets of base64 in one.
    let standard = text.replace('-', "+").replace('_', "/");
    let mut found = Vec::new();
    for Secret { name, mark, .. } in ALL {
        let decimals: Vec<_> = mark.bytes().map(|byte| byte.to_string()).collect();
        let hex: String = mark.bytes().map(|byte| format!("{byte:02x}")).collect();
        let forms = [
            ("text", lower.contains(mark)),
            ("base64", base64_cores(mark).iter().any(|core| standard.contains(core.as_str()))),
            ("bytes", text.contains(&decimals.join(", "))),
            ("hex", lower.contains(&hex)),
        ];
        let forms = forms.into_iter().filter(|(_, found)| *found);
        found.extend(forms.map(|(form, _)| format!("{name} as {form}")));
    }
    found
}

/// What `what`, which reads as `text`, shows.
pub(super) fn leaks(what: &str, text: &str) -> Option<String> {
    let found = shown_by(text);
    (!found.is_empty()).then(|| format!("{what} shows {}: {text}", found.join(", ")))
}

/// What the base64 of any text has in it that contains `mark`: one for each place in a group of three.
fn base64_cores(mark: &str) -> [String; 3] {
    [0, 1, 2].map(|before| {
        let text = [&b"\0\0"[..before], mark.as_bytes()].concat();
        let encoded = base64(&text);
        // The first and the last characters depend on what is around the mark.
        let first = (before * 8).div_ceil(6);
        let last = text.len() * 8 / 6;
        encoded[first..last].to_owned()
    })
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(ALPHABET[usize::try_from(bits & 63).expect("6 bits")]);
    let group = |group: &[u8]| {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digits = [18, 12, 6, 0].map(|shift| digit(bits >> shift));
        digits.into_iter().take(group.len() + 1).chain(std::iter::repeat_n('=', 3 - group.len()))
    };
    bytes.chunks(3).flat_map(|bytes| group(bytes).collect::<Vec<_>>()).collect()
}

/// As a form or a query has it.
pub(super) fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// As a path or userinfo has it.
pub(super) fn percent_encoded(text: &str) -> String {
    form_encoded(text).replace('+', "%20")
}

/// Every secret is found in every form: a hunt that finds nothing means something.
#[test]
fn every_secret_is_recognised_in_every_form() {
    assert_eq!(base64(b"Aladdin:open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    for Secret { name, value, .. } in ALL {
        let mut forms = vec![
            (*value).to_owned(),
            form_encoded(value),
            percent_encoded(value).to_uppercase(),
            format!("{:?}", format!("a\"{value}\"")),
            format!("{:?}", bytes::Bytes::from(*value)),
            format!("{:?}", value.as_bytes()),
            value.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ];
        for before in ["", "a", "ab", "user:", "Aladdin:"] {
            let encoded = base64(format!("{before}{value} and more").as_bytes());
            forms.extend([encoded.replace('+', "-").replace('/', "_"), encoded]);
            forms.push(base64(format!("{before}{value}").as_bytes()));
        }
        for form in forms {
            let found = shown_by(&format!("around {form} it"));
            assert!(
                found.iter().all(|found| found.starts_with(&format!("{name} as "))),
                "{found:?}"
            );
            assert!(!found.is_empty(), "{name} in {form}");
        }
    }
    assert!(shown_by("GET https://api.test/v1/users?… zq7").is_empty());
}
