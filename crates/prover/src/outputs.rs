//! The columns about outputs: copies that are committed to, and comparisons of classes.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::field::{F, from_signed};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{Leaf, Role};
use verinfer_relation::setting::{OutputForm, Predicate};

use crate::witness::Writer;

/// What the columns about outputs are computed from.
pub struct Outputs<'a> {
    /// Outputs in NHWC order, image after image.
    pub values: &'a [i16],
    /// The label of each image, where the statement is about labels.
    pub labels: &'a [u32],
    /// Scores of an image.
    pub classes: usize,
    /// Smallest value of their type.
    pub first: i64,
}

impl Outputs<'_> {
    fn label(&self, image: usize) -> usize {
        self.labels.get(image).map_or(0, |&label| label as usize)
    }

    fn score(&self, image: usize, class: usize) -> i64 {
        self.values.get(image * self.classes + class).map_or(0, |&value| i64::from(value))
    }

    /// The key of [`Role::Ahead`]: below zero if the class is ahead of the label.
    fn ahead(&self, image: usize, class: usize) -> i64 {
        let label = self.label(image);
        2 * (self.score(image, label) - self.score(image, class)) - i64::from(class < label)
    }

    fn rank(&self, image: usize) -> i64 {
        (0..self.classes).filter(|&class| self.ahead(image, class) < 0).count() as i64
    }
}

impl Writer<'_> {
    /// Fills the columns about outputs in.
    pub fn outputs(&mut self, outputs: &Outputs<'_>) {
        for (index, column) in self.relation.columns.iter().enumerate() {
            let (id, first) = (ColumnId(index), self.table_first(ColumnId(index)));
            let at = |pixel: usize| (pixel / outputs.classes, pixel % outputs.classes);
            match column.role {
                Role::CommittedOutput => {
                    let channels = column.channels;
                    self.fill_column(id, |channel, pixel| (i64::from(outputs.values[pixel * channels + channel]) - outputs.first, 0));
                }
                Role::Label(byte) => self.fill_bytes(id, |_, image| (outputs.label(image) >> (8 * byte) & 0xff) as i16),
                Role::Before => self.fill_column(id, |_, pixel| {
                    let (image, class) = at(pixel);
                    let difference = outputs.label(image) as i64 - class as i64;
                    (i64::from(difference > 0), (difference - first) as u32)
                }),
                Role::Ahead => self.fill_column(id, |_, pixel| {
                    let (image, class) = at(pixel);
                    let key = outputs.ahead(image, class);
                    (i64::from(key < 0), (key - first) as u32)
                }),
                Role::Reads => {
                    self.fill_column(id, |_, pixel| {
                        let (image, class) = at(pixel);
                        (i64::from(class == outputs.label(image)), 0)
                    });
                    self.tuples_of_cells(id, |pixel| {
                        let (image, class) = at(pixel);
                        vec![F::from_usize(pixel), from_signed(outputs.score(image, class))]
                    });
                }
                Role::LabelScore => {
                    let score = |image: usize| outputs.score(image, outputs.label(image));
                    self.fill_column(id, |_, image| (score(image), 0));
                    self.tuples_of_cells(id, |image| {
                        vec![F::from_usize(image * outputs.classes + outputs.label(image)), from_signed(score(image))]
                    });
                }
                Role::Correct => self.correct(id, outputs),
                Role::Count => self.fill_column(id, |_, _| (0, 0)),
                Role::Output
                | Role::Limb(_)
                | Role::Sign
                | Role::Addend(_)
                | Role::Square(_)
                | Role::Running(_)
                | Role::Copy(_)
                | Role::Weights
                | Role::WeightZeroPoint
                | Role::Multiplier(_)
                | Role::Constant(_)
                | Role::SignFactor(_)
                | Role::Addends(_)
                | Role::Input
                | Role::CommittedInput
                | Role::Digests(_)
                | Role::Salt(_)
                | Role::Multiplicity(_)
                | Role::Secrets
                | Role::Spare => {}
            }
        }
    }

    fn correct(&mut self, id: ColumnId, outputs: &Outputs<'_>) {
        match &self.relation.setting.output {
            OutputForm::Shown | OutputForm::Committed => {}
            OutputForm::AtLeast { class, value } => {
                let (class, least) = (*class as usize, i64::from(*value));
                self.fill_column(id, |_, image| (0, (outputs.score(image, class) - least) as u32));
            }
            OutputForm::Rank { k, .. } => {
                let k = i64::from(*k);
                self.fill_column(id, |_, image| (0, (k - 1 - outputs.rank(image)) as u32));
            }
            OutputForm::Correct { k, .. } => {
                let k = i64::from(*k);
                self.fill_column(id, |_, image| {
                    let rank = outputs.rank(image);
                    (i64::from(rank < k), rank as u32)
                });
            }
            OutputForm::Decided { predicate: Predicate::Top { .. }, .. } => {
                self.fill_column(id, |_, image| (0, outputs.rank(image) as u32));
            }
            OutputForm::Decided { predicate: Predicate::AtLeast { class, .. }, .. } => {
                self.fill_column(id, |_, image| (0, (outputs.score(image, *class as usize) - outputs.first) as u32));
            }
        }
    }

    /// Notes the tuples of a column whose table has no rows of its own.
    fn tuples_of_cells(&mut self, id: ColumnId, tuple: impl Fn(usize) -> Vec<F>) {
        debug_assert!(matches!(self.relation.column(id).leaf, Leaf::Row { .. } | Leaf::Lookup { .. }));
        for chunk in &self.relation.layout.placement(id).chunks {
            for pixel in chunk.pixels() {
                self.tuples.insert(chunk.first_cell(0) + pixel - chunk.first_pixel, tuple(pixel));
            }
        }
    }
}
