//! The report as Markdown.

use std::fmt::{self, Display, Formatter};

use crate::cases::CASES;
use crate::report::{Figure, Report};
use crate::rows;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(
            f,
            "{}; rustc {}; reqwest {}, hyper {}; {} calls per figure",
            machine.cpu, machine.rustc, machine.reqwest, machine.hyper, self.calls
        )?;
        for case in CASES {
            let figures: Vec<_> =
                self.figures.iter().filter(|figure| figure.case == case.key).collect();
            if figures.is_empty() {
                continue;
            }
            writeln!(f, "\n| {} | allocations | instructions | vs {} |", case.title, case.versus)?;
            writeln!(f, "|---|---|---|---|")?;
            let baseline = self.figure(case.baseline, case.key);
            for figure in figures {
                let title = rows::find(&figure.row).map_or(figure.row.as_str(), |row| row.title);
                let instructions = figure.instructions.map_or("–".into(), |n| grouped(n.into()));
                let difference =
                    baseline.map_or("–".into(), |baseline| difference(figure, baseline));
                writeln!(
                    f,
                    "| {title} | {} | {instructions} | {difference} |",
                    figure.allocations
                )?;
            }
        }
        Ok(())
    }
}

fn difference(figure: &Figure, baseline: &Figure) -> String {
    if figure.row == baseline.row {
        return String::new();
    }
    let allocations = figure.allocations - baseline.allocations;
    let mut text = format!("{:+}", (allocations * 100.0).round() / 100.0);
    if let (Some(ours), Some(theirs)) = (figure.instructions, baseline.instructions) {
        let instructions = i128::from(ours) - i128::from(theirs);
        let sign = if instructions < 0 { "" } else { "+" };
        text.push_str(&format!(" / {sign}{}", grouped(instructions)));
    }
    text
}

/// Thousands apart, as in 57 900.
fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(-1000), "-1 000");
        assert_eq!(grouped(1_234_567), "1 234 567");
    }
}
