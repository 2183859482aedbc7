//! The report's plots.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::numbers::{seconds, significant};
use crate::commands::evaluate::results::Results;
use crate::page::plot::{Area, COLORS, TEXT, decades, failed, svg, tick};

/// Width of all plots in pixels.
const WIDTH: u32 = 900;

/// Height of one bar with the space around it.
const BAR: u32 = 26;

/// Left of bars, where their names stand.
const NAMES: u32 = 330;

/// Proving times beside published ones, as horizontal bars.
pub fn against_published(results: &Results) -> anyhow::Result<String> {
    let mut bars = Vec::new();
    for model in &results.models {
        let compared = results.compared(model);
        if let Some(own) = model.hidden().filter(|_| !compared.is_empty()) {
            bars.push(Bar { name: model.name.clone(), parts: vec![own.costs.prover.elapsed.seconds], color: Some(COLORS[0]) });
            bars.extend(compared.into_iter().map(|row| Bar {
                name: format!("{}: {}", row.system, row.model),
                parts: vec![row.prove_seconds],
                color: Some(COLORS[1]),
            }));
        }
    }
    let axis = decades(bars.iter().map(Bar::total));
    let legend = [("this report", COLORS[0]), ("others", COLORS[1])];
    svg("Proving time here and elsewhere", (WIDTH, height(&bars)), |area| {
        let mut chart = chart(area, &legend)?.build_cartesian_2d(axis.log_scale(), 0..bars.len() as i32).map_err(failed)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc("seconds")
            .x_label_formatter(&tick)
            .label_style(TEXT)
            .draw()
            .map_err(failed)?;
        draw_bars(area, &bars, |value, row| chart.backend_coord(&(value, row)), seconds)
    })
}

/// Core-seconds of each phase, as stacked horizontal bars.
pub fn phases(results: &Results) -> anyhow::Result<String> {
    let mut bars = Vec::new();
    let mut legend = Vec::new();
    for model in &results.models {
        if let Some(measurement) = model.hidden() {
            let phases = &measurement.costs.prover.phases;
            legend = phases.iter().zip(COLORS).map(|(time, color)| (time.phase.as_str(), color)).collect();
            let parts = phases.iter().map(|time| time.elapsed.processor_seconds.unwrap_or(time.elapsed.seconds)).collect();
            bars.push(Bar { name: model.name.clone(), parts, color: None });
        }
    }
    let largest = bars.iter().map(Bar::total).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    svg("Core-seconds of each phase of proving", (WIDTH, height(&bars)), |area| {
        let mut chart = chart(area, &legend)?.build_cartesian_2d(0.0..1.1 * largest, 0..bars.len() as i32).map_err(failed)?;
        chart.configure_mesh().disable_y_mesh().disable_y_axis().x_desc("core-seconds").label_style(TEXT).draw().map_err(failed)?;
        draw_bars(area, &bars, |value, row| chart.backend_coord(&(value, row)), significant)
    })
}

/// Core-seconds against cells.
pub fn scaling(results: &Results) -> anyhow::Result<String> {
    let threads = results.machine.threads;
    let synthetic: Vec<(f64, f64)> = results
        .scaling
        .iter()
        .map(|point| (point.measurement.costs.prover.cells.used as f64, point.measurement.core_seconds(threads)))
        .collect();
    let models = results.models.iter().filter_map(|model| model.public());
    let models: Vec<(f64, f64)> = models.map(|own| (own.costs.prover.cells.used as f64, own.core_seconds(threads))).collect();
    let all = || synthetic.iter().chain(&models);
    let cells = || all().map(|point| point.0);
    let [least, most] = [cells().fold(f64::INFINITY, f64::min), cells().fold(0.0, f64::max)];
    // On logarithmic axes a line that does not pass through the origin is curved.
    let along = (0..=64).map(|i| least * (most / least).powf(f64::from(i) / 64.0));
    let line: Option<Vec<(f64, f64)>> = results.trend.map(|trend| along.map(|cells| (cells, trend.at(cells))).collect());
    let x = decades(cells());
    let y = decades(all().chain(line.iter().flatten()).map(|point| point.1));
    let legend = [("synthetic MobileNets", COLORS[0]), ("models", COLORS[1]), ("linear", COLORS[6])];
    svg("Core-seconds of a proof against cells", (WIDTH, 420), |area| {
        let mut chart = ChartBuilder::on(area);
        let mut chart = margins(&mut chart).build_cartesian_2d(x.log_scale(), y.log_scale()).map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc("cells")
            .y_desc("core-seconds")
            .x_label_formatter(&tick)
            .y_label_formatter(&tick)
            .label_style(TEXT)
            .draw()
            .map_err(failed)?;
        chart.draw_series(line.map(|line| PathElement::new(line, COLORS[6].stroke_width(2)))).map_err(failed)?;
        chart.draw_series(synthetic.iter().map(|&point| Circle::new(point, 5, COLORS[0].filled()))).map_err(failed)?;
        chart.draw_series(models.iter().map(|&point| TriangleMarker::new(point, 6, COLORS[1].filled()))).map_err(failed)?;
        draw_legend(area, &legend)
    })
}

/// Predicted against measured core-seconds.
pub fn predictions(results: &Results) -> anyhow::Result<String> {
    let threads = results.machine.threads;
    let points: Vec<(f64, f64)> =
        results.measurements().map(|(_, own)| (own.core_seconds(threads), own.core_seconds(threads) * (1.0 + own.time_off()))).collect();
    let axis = decades(points.iter().flat_map(|&(measured, predicted)| [measured, predicted]));
    // Within the axes on both sides.
    let line = |factor: f64| [axis.start.max(axis.start / factor), axis.end.min(axis.end / factor)].map(|x| (x, factor * x)).to_vec();
    svg("Predicted against measured core-seconds", (WIDTH, 420), |area| {
        let mut chart = ChartBuilder::on(area);
        let mut chart = margins(&mut chart).build_cartesian_2d(axis.clone().log_scale(), axis.clone().log_scale()).map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc("measured")
            .y_desc("predicted")
            .x_label_formatter(&tick)
            .y_label_formatter(&tick)
            .label_style(TEXT)
            .draw()
            .map_err(failed)?;
        chart.draw_series([PathElement::new(line(1.0), COLORS[6].stroke_width(2))]).map_err(failed)?;
        for factor in [0.75, 1.25] {
            chart.draw_series(DashedLineSeries::new(line(factor), 6, 4, COLORS[6].stroke_width(1))).map_err(failed)?;
        }
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, COLORS[0].filled()))).map_err(failed)?;
        Ok(())
    })
}

/// Values that stand one after the other.
struct Bar {
    name: String,
    parts: Vec<f64>,
    /// Of all parts; without it, each has its own.
    color: Option<RGBColor>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().sum()
    }
}

fn height(bars: &[Bar]) -> u32 {
    100 + BAR * bars.len() as u32
}

/// A chart with room for names on the left and a legend above.
fn chart<'a, 'b>(area: &'a Area<'b>, legend: &[(&str, RGBColor)]) -> anyhow::Result<ChartBuilder<'a, 'b, SVGBackend<'b>>> {
    draw_legend(area, legend)?;
    let mut chart = ChartBuilder::on(area);
    chart.margin_top(36).margin_right(70).margin_left(NAMES).x_label_area_size(50);
    Ok(chart)
}

fn margins<'a, 'b, 'c>(chart: &'c mut ChartBuilder<'a, 'b, SVGBackend<'b>>) -> &'c mut ChartBuilder<'a, 'b, SVGBackend<'b>> {
    chart.margin_top(36).margin_right(40).x_label_area_size(50).y_label_area_size(70)
}

/// Draws bars from the top down, with their names on the left and their totals at their ends; `place` gives the pixels of a value in a row.
fn draw_bars(area: &Area<'_>, bars: &[Bar], place: impl Fn(f64, i32) -> (i32, i32), text: impl Fn(f64) -> String) -> anyhow::Result<()> {
    let style = |side| TEXT.into_font().color(&BLACK).pos(Pos::new(side, VPos::Center));
    for (index, bar) in bars.iter().enumerate() {
        let row = (bars.len() - index) as i32;
        let (top, bottom) = (place(bar.total(), row).1, place(bar.total(), row - 1).1);
        let middle = (top + bottom) / 2;
        let mut start = NAMES as i32;
        let mut sum = 0.0;
        for (part, color) in bar.parts.iter().zip(COLORS) {
            sum += part;
            let end = place(sum, row).0;
            let style = bar.color.unwrap_or(color).filled();
            area.draw(&Rectangle::new([(start, top + 4), (end, bottom - 4)], style)).map_err(failed)?;
            start = end;
        }
        area.draw(&Text::new(text(bar.total()), (start + 6, middle), style(HPos::Left))).map_err(failed)?;
        area.draw(&Text::new(bar.name.clone(), (NAMES as i32 - 8, middle), style(HPos::Right))).map_err(failed)?;
    }
    Ok(())
}

/// Names beside squares of their colours, in one line at the top.
fn draw_legend(area: &Area<'_>, legend: &[(&str, RGBColor)]) -> anyhow::Result<()> {
    let mut left = 80;
    for (name, color) in legend {
        area.draw(&Rectangle::new([(left, 10), (left + 12, 22)], color.filled())).map_err(failed)?;
        let style = TEXT.into_font().color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(name.to_string(), (left + 18, 16), style)).map_err(failed)?;
        left += 40 + 8 * name.len() as i32;
    }
    Ok(())
}
