//! An outage, and what a fleet of clients makes of it: alone, with retries of several kinds, with this product.
//!
//! ```text
//! cargo run --release --example outage                  # two minutes; draws docs/outage.svg
//! cargo run --example outage -- --short                 # half a minute, a smaller fleet, a shorter outage
//! ```
//!
//! All is the product's own code, the client, the strategy, the budget and the breaker, but for the server
//! (`simulation/server.rs`), the budgets of others (`aws_budget.rs`, `ratio_budget.rs`) and the time, which is virtual
//! (`runtime.rs`). One thread, a seed: the same arguments have the same outcome. The exit status tells whether the limits are
//! kept (`figure.rs`). `docs/outage.md` has the model and the outcome in words.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

mod plot;
mod simulation;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::simulation::{Fleet, Measure, Outage, Policy, Times, simulate};

#[derive(Parser)]
struct Arguments {
    /// A smaller fleet and a shorter outage.
    #[arg(long)]
    short: bool,
    /// Where to draw attempts and success over time.
    #[arg(long, default_value = "docs/outage.svg")]
    svg: PathBuf,
    /// What chance begins with.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// One simulation, and what came of it.
struct Run {
    fleet: Fleet,
    policy: Policy,
    outage: Outage,
    measure: Measure,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { short, svg, seed } = Arguments::parse();
    let (times, part) = if short { (Times::SHORT, 20) } else { (Times::FULL, 1) };
    let (many, few) = (Fleet::MANY.part(part), Fleet::FEW.part(part));
    let began = Instant::now();
    let mut runs = Vec::new();
    for fleet in [many, few] {
        for policy in Policy::ALL.into_iter().filter(|policy| fleet == many || policy.has_state()) {
            for outage in Outage::ALL {
                let measure = simulate(fleet, outage, policy, times, seed)?;
                runs.push(Run { fleet, policy, outage, measure });
            }
        }
    }
    println!("{}", table::Table { runs: &runs, times, many, few });
    plot::draw(&runs, times, many, &svg)?;
    let lost = table::lost(&runs, times);
    for lost in &lost {
        println!("LOST: {lost}");
    }
    println!(
        "{} calls, {} attempts, {:.0} s; drawn in {}",
        runs.iter().map(|run| run.measure.calls()).sum::<u64>(),
        runs.iter().map(|run| run.measure.attempts()).sum::<u64>(),
        began.elapsed().as_secs_f64(),
        svg.display()
    );
    Ok(if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
