//! The frame of a plot: SVG with a title for who cannot see it.

use anyhow::anyhow;
use plotters::prelude::*;

/// Colours that people with any colour vision tell apart (Okabe and Ito 2008).
pub const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// Text on axes.
pub const TEXT: (&str, u32) = ("sans-serif", 13);

/// Where a plot is drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws an SVG image of a size in pixels; `title` says what it shows.
///
/// # Errors
///
/// What `draw` says.
pub fn svg(title: &str, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    let label = maud::html! { title { (title) } }.into_string();
    // The title is the first child of the root element.
    let root = text.find("<svg").and_then(|start| Some(start + text.get(start..)?.find('>')? + 1));
    let root = root.ok_or_else(|| anyhow!("a plot has no root element"))?;
    text.insert_str(root, &label);
    Ok(text.replacen("<svg", "<svg role=\"img\"", 1))
}

/// An error of drawing.
pub fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("a plot cannot be drawn: {error}")
}

/// The smallest powers of ten that hold all positive values between them; 1 to 10 if there are none.
pub fn decades(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) =
        values.filter(|value| *value > 0.0).fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 1.0..10.0;
    }
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    10f64.powf(low)..10f64.powf(high.max(low + 1.0))
}

/// A number on a logarithmic axis.
pub fn tick(value: &f64) -> String {
    if *value >= 1e6 { format!("{} million", value / 1e6) } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_hold_all_values() {
        assert_eq!(decades([0.3, 20.0].into_iter()), 0.1..100.0);
        assert_eq!(decades([1.0].into_iter()), 1.0..10.0);
        assert_eq!(decades(std::iter::empty()), 1.0..10.0);
    }

    #[test]
    fn plots_have_an_escaped_title() {
        let text = svg("a < b", (100, 50), |_| Ok(())).unwrap();
        assert!(text.contains("<title>a &lt; b</title>") && text.contains("role=\"img\""), "{text}");
    }
}
