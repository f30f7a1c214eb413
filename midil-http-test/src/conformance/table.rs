//! [`Table`]: behaviours × transports.

use std::fmt;

use super::report::{CaseReport, Outcome, Report};

/// Several reports, side by side: its `Display` is a table in Markdown, with the reason of every gap below it.
///
/// It holds nothing that changes from run to run, no durations say, so it can be kept in a file and compared.
#[derive(Clone, Debug)]
pub struct Table {
    reports: Vec<Report>,
}

impl Table {
    /// A column for each report.
    pub fn new(reports: impl IntoIterator<Item = Report>) -> Self {
        Self { reports: Vec::from_iter(reports) }
    }
}

/// The reasons of gaps, numbered as they come.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn number(&mut self, note: String) -> usize {
        let found = self.0.iter().position(|known| *known == note);
        found.unwrap_or_else(|| {
            self.0.push(note);
            self.0.len() - 1
        }) + 1
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notes = Notes::default();
        let mut rows: Vec<(&str, &str)> = Vec::new();
        for case in self.reports.iter().flat_map(Report::cases) {
            if !rows.contains(&(case.group(), case.name())) {
                rows.push((case.group(), case.name()));
            }
        }
        write!(f, "| behaviour |")?;
        self.reports.iter().try_for_each(|report| write!(f, " {} |", report.transport()))?;
        write!(f, "\n|---|{}", "---|".repeat(self.reports.len()))?;
        let mut above = "";
        for (group, name) in rows {
            if group != above {
                write!(f, "\n| **{group}** |{}", " |".repeat(self.reports.len()))?;
                above = group;
            }
            write!(f, "\n| {} |", name.replace('_', " "))?;
            for report in &self.reports {
                let case = report.cases().iter().find(|case| case.name() == name);
                let cell = case.map(|case| cell(case, report.transport(), &mut notes));
                write!(f, " {} |", cell.unwrap_or_default())?;
            }
        }
        if !notes.0.is_empty() {
            writeln!(f)?;
        }
        for (index, note) in notes.0.iter().enumerate() {
            write!(f, "\n{}. {note}", index + 1)?;
        }
        writeln!(f)
    }
}

fn cell(case: &CaseReport, transport: &str, notes: &mut Notes) -> String {
    let mut note = |why: &str| notes.number(format!("{transport}: {why}"));
    match (case.outcome(), case.gap()) {
        (Outcome::Holds, _) => "yes".to_owned(),
        (Outcome::Gap, Some(why)) if case.sometimes() => format!("not always [{}]", note(why)),
        (Outcome::Gap, Some(why)) => format!("no [{}]", note(why)),
        (Outcome::Stale, _) => "yes, though declared a gap".to_owned(),
        (Outcome::Fails | Outcome::Gap, _) => "**fails**".to_owned(),
    }
}
