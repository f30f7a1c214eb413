//! [`Grid`]: figures as tables of rows and columns, printed as Markdown, held against committed limits.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::report::Machine;
use crate::table::grouped;

/// The 5 % that all limits of this program have.
const SLACK_PERCENT: u64 = 5;

/// Figures of one kind. Its JSON form is what `--json` prints and what `--check` reads as limits.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Grid {
    pub(crate) machine: Machine,
    pub(crate) cells: Vec<Cell>,
}

/// One figure. Cells of a table come one after the other, and so do those of a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Cell {
    pub(crate) table: String,
    pub(crate) row: String,
    pub(crate) column: String,
    pub(crate) value: u64,
}

impl Cell {
    fn is_same_figure(&self, other: &Self) -> bool {
        self.table == other.table && self.row == other.row && self.column == other.column
    }
}

impl Grid {
    /// One line for each figure that is over its limit, or has none; and for each limit without a figure.
    pub(crate) fn failures(&self, limits: &Self) -> Vec<String> {
        let mut failures = Vec::new();
        for cell in &self.cells {
            let Cell { table, row, column, value } = cell;
            let name = format!("{table}: {row}: {column}");
            match limits.cells.iter().find(|limit| limit.is_same_figure(cell)) {
                Some(limit) if *value > limit.value + limit.value * SLACK_PERCENT / 100 => {
                    let limit = limit.value;
                    failures.push(format!(
                        "{name}: {value}, the limit is {limit} and {SLACK_PERCENT} %"
                    ));
                }
                Some(_) => {}
                None => failures.push(format!("{name}: has no limit")),
            }
        }
        for limit in &limits.cells {
            if !self.cells.iter().any(|cell| cell.is_same_figure(limit)) {
                let Cell { table, row, column, .. } = limit;
                failures.push(format!("{table}: {row}: {column}: was not measured"));
            }
        }
        failures
    }
}

impl Display for Grid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Machine { cpu, rustc, reqwest, hyper } = &self.machine;
        write!(f, "{cpu}; rustc {rustc}; reqwest {reqwest}, hyper {hyper}")?;
        for table in self.cells.chunk_by(|a, b| a.table == b.table) {
            let rows: Vec<_> = table.chunk_by(|a, b| a.row == b.row).collect();
            let [first, ..] = rows[..] else { continue };
            write!(f, "\n\n| {} |", first[0].table)?;
            first.iter().try_for_each(|cell| write!(f, " {} |", cell.column))?;
            write!(f, "\n|---|{}", "---|".repeat(first.len()))?;
            for row in rows {
                write!(f, "\n| {} |", row[0].row)?;
                row.iter().try_for_each(|cell| write!(f, " {} |", grouped(cell.value.into())))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(cells: &[(&str, &str, u64)]) -> Grid {
        let cell = |&(row, column, value): &(&str, &str, u64)| Cell {
            table: "sizes".into(),
            row: row.into(),
            column: column.into(),
            value,
        };
        Grid { machine: Machine::this(), cells: cells.iter().map(cell).collect() }
    }

    #[test]
    fn rows_are_lines_of_one_table() {
        let text = grid(&[("a", "now", 1), ("a", "then", 2), ("b", "now", 3000)]).to_string();
        let lines: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            ["| sizes | now | then |", "|---|---|---|", "| a | 1 | 2 |", "| b | 3 000 |"]
        );
    }

    #[test]
    fn what_is_over_or_new_or_gone_is_named() {
        let limits = grid(&[("a", "now", 100), ("b", "now", 100), ("gone", "now", 1)]);
        let failures =
            grid(&[("a", "now", 105), ("b", "now", 106), ("new", "now", 1)]).failures(&limits);
        assert_eq!(
            failures,
            [
                "sizes: b: now: 106, the limit is 100 and 5 %",
                "sizes: new: now: has no limit",
                "sizes: gone: now: was not measured",
            ]
        );
    }
}
