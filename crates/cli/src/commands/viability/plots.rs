//! The report's plots, as SVG.

use plotters::prelude::*;
use verinfer_viability::study::{Study, TamperingRow};

use crate::page::plot::{Area, COLORS, TEXT, failed, svg};

type DrawingError = Box<dyn std::error::Error>;

const SIZE: (u32, u32) = (900, 420);

/// A line or, where `dots`, points.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    dots: bool,
}

/// What wrong labels bring the customer, by the provider's threshold.
pub fn wrong_labels(study: &Study) -> anyhow::Result<String> {
    let all = f64::from(study.economy.examples());
    let series = study.wrong_labels.iter().map(|curve| Series {
        name: format!("proceeds from {} of {} on", curve.threshold, study.economy.first),
        points: curve.points.iter().map(|&(count, gain)| (100.0 * f64::from(count) / all, gain / 1e6)).collect(),
        dots: false,
    });
    draw("wrong labels, %", "the customer's expected gain, $", &series.collect::<Vec<_>>())
}

/// What tampering brings the provider.
pub fn tampering(study: &Study) -> anyhow::Result<String> {
    gains("predictions tampered with, %", "the provider's gain in a round, $", &study.serving, study.economy.round)
}

/// What hiding brings the responder.
pub fn hiding(study: &Study) -> anyhow::Result<String> {
    gains("documents hidden, %", "the responder's gain, $", &study.retrieval, study.economy.corpus)
}

fn gains(x: &str, y: &str, rows: &[TamperingRow], all: u32) -> anyhow::Result<String> {
    let series = |name: &str, dots, gain: fn(&TamperingRow) -> f64| Series {
        name: name.to_string(),
        points: rows.iter().map(|row| (100.0 * f64::from(row.tampered) / f64::from(all), gain(row) / 1e6)).collect(),
        dots,
    };
    draw(x, y, &[series("exact", false, |row| row.exact.provider), series("simulated", true, |row| row.simulated.mean.provider)])
}

/// Draws series over common axes.
fn draw(x: &str, y: &str, series: &[Series]) -> anyhow::Result<String> {
    svg(&format!("{y} against {x}"), SIZE, |area| draw_in(area, x, y, series).map_err(failed))
}

fn draw_in(area: &Area<'_>, x: &str, y: &str, series: &[Series]) -> Result<(), DrawingError> {
    let points = || series.iter().flat_map(|series| &series.points);
    let range = |value: fn(&(f64, f64)) -> f64| {
        let (low, high) = points().map(value).fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let margin = 0.05 * (high - low).max(1e-9);
        low - margin..high + margin
    };
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))?;
    chart.configure_mesh().x_desc(x).y_desc(y).label_style(TEXT).axis_desc_style(TEXT).light_line_style(WHITE).draw()?;
    let (left, right) = {
        let range = range(|point| point.0);
        (range.start, range.end)
    };
    chart.draw_series(LineSeries::new([(left, 0.0), (right, 0.0)], BLACK.mix(0.6)))?;
    for (series, color) in series.iter().zip(COLORS.into_iter().cycle()) {
        let points = series.points.iter().copied();
        let drawn = if series.dots {
            chart.draw_series(points.map(|point| Circle::new(point, 4, color.filled())))?
        } else {
            chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?
        };
        drawn.label(series.name.as_str()).legend(move |(x, y)| Rectangle::new([(x, y - 2), (x + 18, y + 2)], color.filled()));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font(TEXT)
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    Ok(())
}
