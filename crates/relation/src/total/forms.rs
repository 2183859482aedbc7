//! That a form is defined for each cell of its column.

use verinfer_graph::Shape;

use crate::layout::ColumnId;
use crate::relation::{
    ByPlace, Coefficients, Column, Contraction, ContractionId, Factor, Form, FormTerm, Location, Missing, Relation, Source,
};
use crate::wiring::{ChannelMap, PixelMap};

impl Relation {
    /// Whether a form has a constant and factors for each cell of a column, and reads what exists.
    pub(super) fn is_defined(&self, column: ColumnId, form: &Form) -> bool {
        let Some(of) = self.columns.get(column.0) else { return false };
        self.constants_cover(&form.constant, of) && form.terms.iter().all(|term| self.term_covers(column, of, term))
    }

    fn constants_cover(&self, constant: &Coefficients, of: &Column) -> bool {
        match constant {
            Coefficients::Uniform(_) => true,
            Coefficients::Channel(values) => values.len() == of.channels,
            Coefficients::Pixel(values) => !values.is_empty() && of.pixels.is_multiple_of(values.len()),
            Coefficients::Grid(ByPlace { rows, columns, values }) => {
                let has_value = |(row, column): (&u32, &u32)| values.get(*row as usize).is_some_and(|row| row.len() > *column as usize);
                self.images.saturating_mul(rows.len() * columns.len()) == of.pixels
                    && rows.iter().max().zip(columns.iter().max()).is_some_and(has_value)
                    && values.iter().all(|row| row.len() == values[0].len())
            }
            Coefficients::Missing(missing) => missing.iter().all(|Missing { channels, pixels, .. }| {
                channels.start <= channels.end && channels.end <= of.channels && self.has_one_source_at_most(pixels, of)
            }),
        }
    }

    /// Whether a map goes to the pixels of a column, of each image, each of which has no more than one source.
    fn has_one_source_at_most(&self, pixels: &PixelMap, of: &Column) -> bool {
        match pixels {
            PixelMap::Window { source, tap: Some(_), .. } | PixelMap::Inset { source, .. } => self.pixels_cover(*source, pixels, of),
            PixelMap::Same | PixelMap::Total { .. } | PixelMap::Window { tap: None, .. } | PixelMap::Broadcast { .. } => false,
        }
    }

    fn term_covers(&self, column: ColumnId, of: &Column, FormTerm { source, factor }: &FormTerm) -> bool {
        let factors = match factor {
            Factor::Uniform(_) => true,
            Factor::Channel(values) => values.len() == of.channels,
        };
        factors && self.source_covers(column, of, source)
    }

    fn source_covers(&self, column: ColumnId, of: &Column, source: &Source) -> bool {
        let layer = |id: &ContractionId| self.contractions.get(id.0).filter(|layer| self.has_chunks_of(column, layer.output));
        let signs = |layer: &Contraction| layer.hidden.as_ref().is_some_and(|hidden| hidden.sign.is_some());
        match source {
            Source::Cell(read) => self.shape(*read) == Some((of.channels, of.pixels)),
            Source::Reordered { location: Location::Input } => self.input_len() == of.channels * of.pixels,
            Source::Reordered { location: Location::Column(read) } => {
                self.shape(*read).map(|(channels, pixels)| channels * pixels) == Some(of.channels * of.pixels)
            }
            Source::Integers(bytes) => self.has_bytes(bytes, of.channels),
            Source::Accumulator(id) => layer(id).is_some_and(|layer| layer.hidden.is_none()),
            Source::ScaledAccumulator(id) => layer(id).is_some_and(|layer| layer.hidden.is_some()),
            Source::ScaledSign(id) => layer(id).is_some_and(signs),
            Source::Tensor { location, shape, pixels, channels } => {
                self.reads(*location, *shape, pixels) && self.pixels_cover(*shape, pixels, of) && channels_cover(*shape, channels, of)
            }
        }
    }

    /// Whether what a map reads is there: a tensor of the shape for each image, or all pixels of a column.
    fn reads(&self, location: Location, shape: Shape, pixels: &PixelMap) -> bool {
        match (pixels, location) {
            (PixelMap::Total { len }, Location::Column(column)) => self.shape(column) == Some((shape.channels, *len)),
            (PixelMap::Total { .. }, Location::Input) => false,
            (PixelMap::Same | PixelMap::Window { .. } | PixelMap::Broadcast { .. } | PixelMap::Inset { .. }, _) => {
                self.holds(location, shape)
            }
        }
    }

    /// Whether a map goes from the pixels of `shape` to those of a column, of each image.
    fn pixels_cover(&self, shape: Shape, pixels: &PixelMap, of: &Column) -> bool {
        let is_read = |source: &Shape| source.num_pixels() == shape.num_pixels();
        let is_written = |target: &Shape| self.images.saturating_mul(target.num_pixels()) == of.pixels;
        let spreads = |source: usize, target: usize| source == target || source == 1;
        match pixels {
            PixelMap::Same => is_written(&shape),
            PixelMap::Total { .. } => of.pixels == 1,
            PixelMap::Window { window, source, target, tap } => {
                is_read(source) && is_written(target) && tap.is_none_or(|tap| tap < window.num_taps())
            }
            PixelMap::Broadcast { source, target } => {
                is_read(source) && is_written(target) && spreads(source.height, target.height) && spreads(source.width, target.width)
            }
            PixelMap::Inset { source, target, top, left } => {
                is_read(source) && is_written(target) && top + source.height <= target.height && left + source.width <= target.width
            }
        }
    }
}

fn channels_cover(shape: Shape, channels: &ChannelMap, of: &Column) -> bool {
    match channels {
        ChannelMap::Same => shape.channels == of.channels,
        ChannelMap::Broadcast => shape.channels == 1,
        ChannelMap::Select { channel } => *channel < shape.channels,
        ChannelMap::Inset { first } => first + shape.channels <= of.channels,
    }
}
