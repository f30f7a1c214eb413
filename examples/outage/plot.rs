//! Attempts per second and success over time, a row for each outage, a line for each policy.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::PathElement;
use plotters::prelude::SVGBackend;
use plotters::series::LineSeries;
use plotters::style::{Color, RGBColor, WHITE};

use crate::Run;
use crate::simulation::{Fleet, Outage, Policy, Times};

const ROW: u32 = 230;
const WIDTH: u32 = 1_200;
const FONT: (&str, u32) = ("sans-serif", 18);
const SMALL: (&str, u32) = ("sans-serif", 14);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Line = Vec<(f64, f64)>;

/// Draws what became of one fleet.
pub(crate) fn draw(
    runs: &[Run],
    times: Times,
    fleet: Fleet,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let rows = Outage::ALL.len();
    let height = ROW * u32::try_from(rows)?;
    let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (row, outage) in area.split_evenly((rows, 1)).into_iter().zip(Outage::ALL) {
        let runs =
            Vec::from_iter(runs.iter().filter(|run| run.fleet == fleet && run.outage == outage));
        let (attempts, success) = row.split_horizontally(WIDTH / 2);
        let begins = f64::from(times.begins);
        // The time before it is all the same, and what comes last is not over. A blip is seen in tenths of a second.
        let (step, seen) = match outage {
            Outage::Blip => (1, begins - 0.5..begins + 2.0),
            _ => (10, begins - 5.0..f64::from(times.over - 1)),
        };
        let lines = |line: &dyn Fn(&Run) -> Line| {
            Vec::from_iter(runs.iter().map(|run| (run.policy, line(run))))
        };
        let per_second = lines(&|run| {
            let line = run.measure.attempts_over_time(step).into_iter();
            line.map(|(time, attempts)| (time, attempts / 1_000.0)).collect()
        });
        let percent = lines(&|run| {
            let line = run.measure.success_over_time(step).into_iter();
            line.map(|(time, part)| (time, part * 100.0)).collect()
        });
        let name = outage.name();
        chart(
            &attempts,
            &format!("{name}: thousand attempts per second"),
            &seen,
            &per_second,
            false,
        )?;
        chart(
            &success,
            &format!("{name}: % of calls that succeed"),
            &seen,
            &percent,
            outage == Outage::ALL[0],
        )?;
    }
    area.present()?;
    Ok(())
}

fn chart(
    area: &Area<'_>,
    title: &str,
    seen: &Range<f64>,
    lines: &[(Policy, Line)],
    has_legend: bool,
) -> Result<(), Box<dyn Error>> {
    let values = lines.iter().flat_map(|(_, line)| line.iter().map(|(_, value)| *value));
    let highest = values.fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, FONT)
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(36)
        .build_cartesian_2d(seen.clone(), 0.0..highest * 1.08)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .label_style(SMALL)
        .x_labels(8)
        .x_label_formatter(&|seconds| format!("{seconds} s"))
        .y_labels(5)
        .y_label_formatter(&|value| format!("{value:.1}").trim_end_matches(".0").to_owned())
        .draw()?;
    for (policy, line) in lines {
        let (style, line) = (colour(*policy).stroke_width(2), line.iter().copied());
        let series = LineSeries::new(line.filter(|(time, _)| seen.contains(time)), style);
        chart
            .draw_series(series)?
            .label(policy.name())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
    }
    if has_legend {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::MiddleMiddle)
            .label_font(SMALL)
            .background_style(WHITE.mix(0.85))
            .border_style(colour(Policy::None))
            .draw()?;
    }
    Ok(())
}

/// Told apart by people who see no red or green, too: the palette of Okabe and Ito.
const fn colour(policy: Policy) -> RGBColor {
    match policy {
        Policy::None => RGBColor(150, 150, 150),
        Policy::NoBudget => RGBColor(213, 94, 0),
        Policy::Aws => RGBColor(230, 159, 0),
        Policy::Ratio => RGBColor(204, 121, 167),
        Policy::Ours => RGBColor(0, 114, 178),
        Policy::OursAndBreaker => RGBColor(0, 158, 115),
    }
}
