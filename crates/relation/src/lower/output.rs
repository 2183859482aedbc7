//! What is said about the outputs instead of their values: commitments and predicates.
//!
//! The classes of one image are the channels of its output, which has one pixel. Comparisons are columns of one channel and `images * classes`
//! pixels, image after image.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Shape, TensorId, Window};

use super::Lowering;
use crate::error::RelationError;
use crate::field::{F, from_signed};
use crate::layout::ColumnId;
use crate::relation::{Coefficients, Column, Form, Leaf, Location, ObjectKind, Role, Source};
use crate::setting::{OutputForm, Predicate};
use crate::table::TableId;
use crate::wiring::{ChannelMap, PixelMap};

/// The label of each image.
enum Labels {
    Public(Vec<u32>),
    /// A column of one pixel for each image, for each byte.
    Hidden([ColumnId; 2]),
}

/// Most classes: a label has two bytes.
pub const MAX_CLASSES: usize = 1 << 16;

impl Lowering<'_> {
    /// Adds the columns that the form of the outputs needs.
    pub(super) fn output_form(&mut self) -> Result<(), RelationError> {
        match self.setting.output.clone() {
            OutputForm::Shown => Ok(()),
            OutputForm::Committed => self.committed_output(),
            OutputForm::AtLeast { class, value } => self.at_least(class, value),
            OutputForm::Rank { labels, k } => {
                if labels.len() != self.images {
                    return Err(RelationError::Labels { found: labels.len(), images: self.images });
                }
                let classes = self.classes(labels.iter().copied().max().unwrap_or(0), k)?;
                let ahead = self.ahead(classes, &Labels::Public(labels));
                let table = self.tables.counts(classes);
                let mut key = self.per_image_sum(ahead, classes, -F::ONE);
                key.constant = Coefficients::Uniform(F::from_u32(k) - F::ONE);
                self.node_less(Role::Correct, (1, self.images), Leaf::Lookup { table, values: vec![key] });
                Ok(())
            }
            OutputForm::Correct { k, count } => {
                let classes = self.classes(0, k)?;
                let bytes = [0, 1].map(|byte| self.bytes(None, Role::Label(byte), (1, self.images), 0, 8));
                for image in 0..self.images {
                    let pieces = bytes.map(|column| (column, image..image + 1)).to_vec();
                    let object = self.object(ObjectKind::Label(image), pieces)?;
                    self.objects.push(object);
                }
                let ahead = self.ahead(classes, &Labels::Hidden(bytes));
                let table = self.within_rank(classes, k);
                let key = self.per_image_sum(ahead, classes, F::ONE);
                let correct = ColumnId(self.columns.len());
                let leaf = Leaf::Lookup { table, values: vec![key, Form::cell(correct)] };
                self.node_less(Role::Correct, (1, self.images), leaf);
                let table = self.tables.zero();
                let mut total = Form::constant(-F::from_u32(count));
                let shape = Shape::new(1, 1, 1);
                let location = Location::Column(correct);
                total.push(
                    Source::Tensor { location, shape, pixels: PixelMap::Total { len: self.images }, channels: ChannelMap::Same },
                    F::ONE,
                );
                self.node_less(Role::Count, (1, 1), Leaf::Lookup { table, values: vec![total] });
                Ok(())
            }
            OutputForm::Decided { predicate, holds } => self.decided(predicate, &holds),
        }
    }

    /// Whether a predicate holds in each image: its value is a public bit beside the rank or the score, which the table of the predicate maps to it.
    fn decided(&mut self, predicate: Predicate, holds: &[bool]) -> Result<(), RelationError> {
        if holds.len() != self.images {
            return Err(RelationError::Labels { found: holds.len(), images: self.images });
        }
        let (table, key) = match predicate {
            Predicate::Top { class, k } => {
                let classes = self.classes(class, k)?;
                let ahead = self.ahead(classes, &Labels::Public(vec![class; self.images]));
                (self.within_rank(classes, k), self.per_image_sum(ahead, classes, F::ONE))
            }
            Predicate::AtLeast { class, value } => {
                let (first, last) = self.check_score(class, value)?;
                let reached = (i64::from(first)..=i64::from(last)).map(|score| i64::from(score >= i64::from(value)));
                (self.tables.function("reached", i64::from(first), reached), self.score(class))
            }
        };
        let mut bit = Form::constant(F::ZERO);
        bit.constant = Coefficients::Pixel(holds.iter().map(|&holds| F::from_bool(holds)).collect());
        self.node_less(Role::Correct, (1, self.images), Leaf::Lookup { table, values: vec![key, bit] });
        Ok(())
    }

    /// Whether a number of classes is below `k`.
    fn within_rank(&mut self, classes: usize, k: u32) -> TableId {
        self.tables.function("within rank", 0, (0..classes as i64).map(|rank| i64::from(rank < i64::from(k))))
    }

    /// Commitments to the outputs.
    fn committed_output(&mut self) -> Result<(), RelationError> {
        self.committed(Role::CommittedOutput, self.output, self.graph.output(), ObjectKind::Output)
    }

    /// Commitments to the tensors of all images in a column: to a copy of it with values from zero on, which has the order of each image alone.
    pub(super) fn committed(
        &mut self,
        role: Role,
        source: ColumnId,
        tensor: TensorId,
        kind: fn(usize) -> ObjectKind,
    ) -> Result<(), RelationError> {
        let spec = self.graph.spec(tensor);
        let id = ColumnId(self.columns.len());
        let mut difference = Form::constant(-from_signed(i64::from(spec.dtype.min())));
        difference.push(Source::Reordered { location: Location::Column(source) }, F::ONE);
        difference.push(Source::Cell(id), -F::ONE);
        let leaf = Leaf::Lookup { table: self.tables.zero(), values: vec![difference] };
        let len = spec.shape.num_pixels();
        let channels = spec.shape.channels;
        self.node_less(role, (channels, len.saturating_mul(self.images)), leaf);
        for image in 0..self.images {
            let object = self.object(kind(image), vec![(id, image * len..(image + 1) * len)])?;
            self.objects.push(object);
        }
        Ok(())
    }

    fn at_least(&mut self, class: u32, value: i16) -> Result<(), RelationError> {
        self.check_score(class, value)?;
        let mut key = self.score(class);
        // Between two values of the type there are at most 255: no true statement is beyond the table.
        key.constant = Coefficients::Uniform(-from_signed(i64::from(value)));
        let table = self.tables.range(8);
        self.node_less(Role::Correct, (1, self.images), Leaf::Lookup { table, values: vec![key] });
        Ok(())
    }

    /// The score of a class in each image.
    fn score(&self, class: u32) -> Form {
        let shape = self.graph.spec(self.graph.output()).shape;
        let channels = ChannelMap::Select { channel: class as usize };
        let mut score = Form::constant(F::ZERO);
        score.push(Source::Tensor { location: Location::Column(self.output), shape, pixels: PixelMap::Same, channels }, F::ONE);
        score
    }

    /// The first and the last score that there is, if `value` is one and the class exists.
    fn check_score(&mut self, class: u32, value: i16) -> Result<(i16, i16), RelationError> {
        self.classes(class, 1)?;
        let dtype = self.graph.spec(self.graph.output()).dtype;
        let (first, last) = (dtype.min(), dtype.max());
        if (first..=last).contains(&value) { Ok((first, last)) } else { Err(RelationError::Score { value, first, last }) }
    }

    /// The number of classes, if the output is one score for each, `label` and `k` can be, and there is room for them.
    fn classes(&mut self, label: u32, k: u32) -> Result<usize, RelationError> {
        let shape = self.graph.spec(self.graph.output()).shape;
        let classes = shape.channels;
        let possible = shape.num_pixels() == 1 && classes <= MAX_CLASSES;
        if !possible {
            return Err(RelationError::NoClasses { shape });
        }
        if label as usize >= classes || k == 0 || k as usize > classes {
            return Err(RelationError::Predicate { label, k, classes });
        }
        self.check_room(self.images.saturating_mul(classes))?;
        Ok(classes)
    }

    /// For each class of each image, whether it is ahead of the label: a column of bits.
    ///
    /// The label's score is read out of the scores, a table of cells: the tuple `(image * classes + class, score)` of each class is a row, which the
    /// prover says how often is read.
    fn ahead(&mut self, classes: usize, labels: &Labels) -> ColumnId {
        let images = self.images;
        let scores = self.tables.cells("scores");
        let all = (1, images.saturating_mul(classes));
        let score = Source::Reordered { location: Location::Column(self.output) };
        let mut row = Form::constant(F::ZERO);
        row.constant = Coefficients::Pixel((0..all.1).map(F::from_usize).collect());
        let mut value = Form::constant(F::ZERO);
        value.push(score.clone(), F::ONE);
        self.node_less(Role::Reads, all, Leaf::Row { table: scores, values: vec![row, value] });

        let label_score = ColumnId(self.columns.len());
        let mut key = Form::constant(F::ZERO);
        let first = |image: usize| F::from_usize(image * classes);
        key.constant = match labels {
            Labels::Public(labels) => Coefficients::Pixel(labels.iter().enumerate().map(|(i, &t)| first(i) + F::from_u32(t)).collect()),
            Labels::Hidden(_) => Coefficients::Pixel((0..images).map(first).collect()),
        };
        self.push_label(labels, &mut key, PixelMap::Same, F::ONE);
        self.node_less(Role::LabelScore, (1, images), Leaf::Lookup { table: scores, values: vec![key, Form::cell(label_score)] });

        // Twice the difference, less one where an equal score is ahead: the first of equal classes is.
        let (one, each) = (Shape::new(1, 1, 1), Shape::new(1, classes, 1));
        let broadcast = PixelMap::Broadcast { source: one, target: each };
        let mut key = Form::constant(F::ZERO);
        let location = Location::Column(label_score);
        key.push(Source::Tensor { location, shape: one, pixels: broadcast, channels: ChannelMap::Same }, F::TWO);
        key.push(score, -F::TWO);
        match labels {
            Labels::Public(labels) => {
                let before = labels.iter().flat_map(|&label| (0..classes).map(move |class| -F::from_bool(class < label as usize)));
                key.constant = Coefficients::Pixel(before.collect());
            }
            Labels::Hidden(_) => {
                let before = self.before(classes, labels, broadcast, all);
                key.push(Source::Cell(before), -F::ONE);
            }
        }
        let table = self.tables.function("ahead", -511, (-511..=510).map(|key| i64::from(key < 0)));
        let ahead = ColumnId(self.columns.len());
        self.node_less(Role::Ahead, all, Leaf::Lookup { table, values: vec![key, Form::cell(ahead)] });
        ahead
    }

    /// For each class of each image, whether its number is below the hidden label. As the difference to the first and the last class is a row, this also
    /// shows that the label is a class.
    fn before(&mut self, classes: usize, labels: &Labels, broadcast: PixelMap, all: (usize, usize)) -> ColumnId {
        let largest = classes as i64 - 1;
        let table = self.tables.function("positive", -largest, (-largest..=largest).map(|key| i64::from(key > 0)));
        let mut key = Form::constant(F::ZERO);
        key.constant = Coefficients::Pixel((0..classes).map(|class| -F::from_usize(class)).collect());
        self.push_label(labels, &mut key, broadcast, F::ONE);
        let before = ColumnId(self.columns.len());
        self.node_less(Role::Before, all, Leaf::Lookup { table, values: vec![key, Form::cell(before)] });
        before
    }

    fn push_label(&self, labels: &Labels, key: &mut Form, pixels: PixelMap, factor: F) {
        if let Labels::Hidden(bytes) = labels {
            for (&column, place) in bytes.iter().zip(F::from_u64(256).powers()) {
                let location = Location::Column(column);
                let shape = Shape::new(1, 1, 1);
                key.push(Source::Tensor { location, shape, pixels, channels: ChannelMap::Same }, factor * place);
            }
        }
    }

    /// `factor` times the sum over the classes of an image.
    fn per_image_sum(&self, column: ColumnId, classes: usize, factor: F) -> Form {
        let (source, target) = (Shape::new(1, classes, 1), Shape::new(1, 1, 1));
        let pixels = PixelMap::Window { window: Window { kernel_w: classes, ..Window::POINT }, source, target, tap: None };
        let mut form = Form::constant(F::ZERO);
        form.push(Source::Tensor { location: Location::Column(column), shape: source, pixels, channels: ChannelMap::Same }, factor);
        form
    }

    /// A column that belongs to no node.
    fn node_less(&mut self, role: Role, (channels, pixels): (usize, usize), leaf: Leaf) {
        self.columns.push(Column { node: None, role, channels, pixels, leaf });
    }
}
