//! `--profile`: where the instructions of one row go.
//!
//! Reads callgrind's own files, since their functions are told apart there: what `callgrind_annotate` prints has
//! lost the hash that tells one generic function's instances from each other, and adds them up as one recursion.

use std::collections::HashMap;
use std::fmt::Write;

use crate::BoxError;
use crate::callgrind;
use crate::client::Task;
use crate::rows::Row;

/// Lines that are printed of each list.
const TOP: usize = 40;

/// What costs most per call: instructions by function with what it calls, by function without, and by crate; and who
/// calls the allocator. What was inlined counts for the function that it ended up in, but for the crate that it came
/// from.
pub(crate) fn text(row: &Row, task: &Task) -> Result<String, BoxError> {
    let costs = Costs::read(&callgrind::profile(row, task)?)?;
    let total = costs.alone.values().sum::<u64>() / task.calls;
    let name = |symbol: &String| format!("{:#}", rustc_demangle::demangle(symbol));
    let mut text = String::new();
    for (what, costs) in [
        ("instructions by function, what it calls included", costs.inclusive),
        ("instructions by function alone", costs.alone),
        ("instructions by crate", costs.by_crate),
        ("calls of the allocator by function", costs.allocations),
    ] {
        writeln!(text, "\n{} {}, per call: {what}", task.case.key, row.key)?;
        let mut costs: Vec<_> =
            costs.into_iter().map(|(key, cost)| (cost / task.calls, key)).collect();
        costs.sort_by(|a, b| b.cmp(a));
        // What begins the process costs all of it, and says nothing.
        let telling = costs.iter().filter(|(cost, _)| (1..total).contains(cost));
        for (cost, key) in telling.take(TOP) {
            writeln!(text, "{cost:>8}  {}", name(key))?;
        }
    }
    Ok(text)
}

/// Instructions of all counted calls.
#[derive(Debug, Default)]
struct Costs {
    /// By symbol, with what it calls. What calls itself by a detour is counted once per round.
    inclusive: HashMap<String, u64>,
    /// By symbol.
    alone: HashMap<String, u64>,
    /// By the crate that the source line is in.
    by_crate: HashMap<String, u64>,
    /// Calls that hand out memory, by the symbol that makes them.
    allocations: HashMap<String, u64>,
}

impl Costs {
    /// Reads <https://valgrind.org/docs/manual/cl-format.html>, as far as callgrind uses it.
    fn read(text: &str) -> Result<Self, BoxError> {
        let mut costs = Self::default();
        let (mut functions, mut files) = (Names::default(), Names::default());
        let (mut function, mut called, mut file) = (String::new(), String::new(), String::new());
        let mut is_call = false;
        for line in text.lines() {
            if let Some((key, value)) = line.split_once('=') {
                match key {
                    "fn" => function = functions.resolve(value),
                    "cfn" => called = functions.resolve(value),
                    "fl" | "fi" | "fe" => file = files.resolve(value),
                    "cfi" | "cfl" => drop(files.resolve(value)),
                    "calls" => {
                        is_call = true;
                        if called.contains("__rust_alloc") || called.contains("__rust_realloc") {
                            let times = value.split(' ').next().unwrap_or("0");
                            add(&mut costs.allocations, &function, times.parse()?);
                        }
                    }
                    _ => {}
                }
            } else if line
                .starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            {
                let cost = line.split_whitespace().nth(1).unwrap_or("0").parse()?;
                if !is_call {
                    add(&mut costs.alone, &function, cost);
                    add(&mut costs.by_crate, crate_of(&file), cost);
                }
                if !is_call || called != function {
                    add(&mut costs.inclusive, &function, cost);
                }
                is_call = false;
            }
        }
        Ok(costs)
    }
}

/// Names that callgrind writes out once, as `(7) name`, and then abbreviates to `(7)`.
#[derive(Debug, Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn resolve(&mut self, value: &str) -> String {
        match value.split_once(' ') {
            Some((id, name)) => {
                self.0.insert(id.into(), name.into());
                name.into()
            }
            None => self.0.get(value).cloned().unwrap_or_else(|| value.into()),
        }
    }
}

fn add(costs: &mut HashMap<String, u64>, key: &str, cost: u64) {
    *costs.entry(key.into()).or_insert(0) += cost;
}

/// The crate of a source file: from the registry, the standard library, or this repository.
fn crate_of(file: &str) -> &str {
    let after = |mark: &str| Some(file.split_once(mark)?.1);
    let from_registry = after("/registry/src/").and_then(|rest| rest.split('/').nth(1));
    let from_std = after("/library/").and_then(|rest| rest.split('/').next());
    let from_here = file.split_once("/src/").and_then(|(before, _)| before.rsplit('/').next());
    from_registry.or(from_std).or(from_here).unwrap_or("libc and others")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = "\
events: Ir
fl=(1) /home/me/.cargo/registry/src/index-1/url-2.5.8/src/lib.rs
fn=(1) parse
10 5
fi=(2) /rustc/abc/library/core/src/mem.rs
+3 2
fe=(1)
cfn=(2) host
calls=2 7
* 30
cfn=(1)
calls=1 7
* 37

fn=(2)
7 30
totals: 37
";

    #[test]
    fn callgrinds_file_is_read() {
        let costs = Costs::read(OUT).expect("a well-formed file");
        assert_eq!(costs.alone, HashMap::from([("parse".into(), 7), ("host".into(), 30)]));
        assert_eq!(costs.inclusive, HashMap::from([("parse".into(), 37), ("host".into(), 30)]));
        assert_eq!(costs.by_crate, HashMap::from([("url-2.5.8".into(), 35), ("core".into(), 2)]));
    }

    #[test]
    fn a_file_belongs_to_a_crate() {
        assert_eq!(
            crate_of("/home/me/midil-http/midil-http-core/src/retry/run.rs"),
            "midil-http-core"
        );
        assert_eq!(crate_of("???"), "libc and others");
    }
}
