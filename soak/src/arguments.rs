//! What is asked for on the command line.

use std::hash::{BuildHasher, RandomState};

use crate::ledger::Quirks;
use crate::transports::{Make, TRANSPORTS};

const USAGE: &str =
    "usage: midil-http-soak <reqwest|hyper|isahc> [--seconds N | --items N] [--seed N]";

/// One run.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) name: &'static str,
    pub(crate) make: Make,
    pub(crate) quirks: Quirks,
    pub(crate) seed: u64,
    pub(crate) length: Length,
}

/// When it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    Seconds(u64),
    Items(u64),
}

pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut transport, mut seed, mut length) = (None, None, Length::Seconds(600));
    while let Some(word) = words.next() {
        let mut number = || {
            let number = words.next().and_then(|word| word.parse::<u64>().ok());
            number.ok_or_else(|| format!("{word} wants a number; {USAGE}"))
        };
        match word.as_str() {
            "--seconds" => length = Length::Seconds(number()?),
            "--items" => length = Length::Items(number()?),
            "--seed" => seed = Some(number()?),
            name => transport = TRANSPORTS.iter().find(|(known, _, _)| *known == name),
        }
    }
    let (name, make, quirks) = *transport.ok_or(USAGE)?;
    // Short enough to be typed.
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    Ok(Arguments { name, make, quirks, seed, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Arguments, String> {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_run_is_as_it_is_asked_for() {
        let run = of("hyper --items 7 --seed 3").unwrap();
        assert!(matches!((run.name, run.seed, run.length), ("hyper", 3, Length::Items(7))));
        assert!(matches!(of("isahc").unwrap().length, Length::Seconds(600)));
    }

    #[test]
    fn what_cannot_be_is_told() {
        assert_eq!(of("").unwrap_err(), USAGE);
        assert_eq!(of("curl").unwrap_err(), USAGE);
        assert_eq!(of("hyper --seed").unwrap_err(), format!("--seed wants a number; {USAGE}"));
    }
}
