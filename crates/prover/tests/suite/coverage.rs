//! The random networks have everything that the weights of a claim depend on: what is never drawn is never tested.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use verinfer_graph::{Graph, Op, Window};
use verinfer_relation::Relation;
use verinfer_relation::relation::{Coefficients, Contraction, Form, Leaf, MaximumStage, ObjectKind, Recipe, Role, Source};
use verinfer_relation::setting::{OutputForm, Predicate};
use verinfer_relation::wiring::{ChannelMap, PixelMap};

use crate::literal::cases;

/// Networks that are drawn.
const DRAWN: usize = 400;

/// All that must be among them.
const PROPERTIES: [&str; 35] = [
    "border",
    "broadcast of channels",
    "broadcast of pixels",
    "chunk that begins within an image",
    "chunk of several images",
    "classes: committed",
    "classes: correct",
    "classes: decided rank",
    "classes: decided score",
    "classes: rank",
    "classes: score",
    "classes: shown",
    "copy in other channels",
    "copy in the same channels",
    "depth multiplier",
    "dilation",
    "gaps between rows",
    "hidden addends",
    "hidden sign factors",
    "inset of channels",
    "inset of pixels",
    "layers of unequal widths",
    "maximum in several stages along one axis",
    "maximum of maxima that overlap",
    "maximum with missing taps in a later stage",
    "missing taps",
    "object in several chunks",
    "odd stride",
    "one channel in",
    "one channel out",
    "one tap, other planes",
    "one tap, same planes",
    "public weights, hidden input",
    "square of a tensor",
    "sum over taps",
];

#[test]
fn random_networks_have_all_that_claims_depend_on() {
    let (mut runner, cases) = (TestRunner::deterministic(), cases());
    let mut seen = BTreeSet::new();
    for _ in 0..DRAWN {
        let case = cases.new_tree(&mut runner).unwrap().current();
        let Some(graph) = case.graph() else { continue };
        for relation in case.relations(&graph) {
            of_graph(&graph, &mut seen);
            of_setting(&relation, &graph, &mut seen);
            relation.contractions.iter().for_each(|contraction| of_contraction(&relation, contraction, &mut seen));
            relation.recipes.iter().for_each(|recipe| of_recipe(recipe, &mut seen));
            for column in &relation.columns {
                if let Leaf::Lookup { values, .. } | Leaf::Row { values, .. } = &column.leaf {
                    values.iter().for_each(|form| of_form(&relation, form, column.channels, &mut seen));
                }
            }
        }
    }
    let missing: Vec<&str> = PROPERTIES.into_iter().filter(|property| !seen.contains(property)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
}

fn of_graph(graph: &Graph, seen: &mut BTreeSet<&str>) {
    for node in graph.nodes() {
        if matches!(&node.op, Op::Mul(mul) if mul.left == mul.right) {
            seen.insert("square of a tensor");
        }
    }
}

fn of_setting(relation: &Relation, graph: &Graph, seen: &mut BTreeSet<&str>) {
    if graph.spec(graph.output()).shape.num_pixels() == 1 {
        seen.insert(match relation.setting.output {
            OutputForm::Shown => "classes: shown",
            OutputForm::Committed => "classes: committed",
            OutputForm::Rank { .. } => "classes: rank",
            OutputForm::AtLeast { .. } => "classes: score",
            OutputForm::Decided { predicate: Predicate::Top { .. }, .. } => "classes: decided rank",
            OutputForm::Decided { predicate: Predicate::AtLeast { .. }, .. } => "classes: decided score",
            OutputForm::Correct { .. } => "classes: correct",
        });
    }
    if relation.setting.weights.is_none() && relation.setting.hidden_input {
        seen.insert("public weights, hidden input");
    }
    for object in relation.objects.iter().filter(|object| object.kind != ObjectKind::Model) {
        if object.values.iter().any(|(_, pixels)| pixels.len().count_ones() > 1) {
            seen.insert("object in several chunks");
        }
    }
    if relation.columns.iter().any(|column| matches!(column.role, Role::Addends(_))) {
        seen.insert("hidden addends");
    }
    let widths: BTreeSet<usize> = relation.contractions.iter().map(|contraction| contraction.grid.log_width()).collect();
    if widths.len() > 1 {
        seen.insert("layers of unequal widths");
    }
}

fn of_contraction(relation: &Relation, contraction: &Contraction, seen: &mut BTreeSet<&str>) {
    let Contraction { window, input_shape: from, output_shape: to, .. } = contraction;
    let num_pixels = to.num_pixels();
    let taps = |pixel: usize| window.num_existing_taps(*from, pixel / to.width, pixel % to.width);
    let chunks = &relation.layout.placement(contraction.output).chunks;
    let same_planes = contraction.tap(0) == PixelMap::Same;
    let properties = [
        ("chunk of several images", chunks.iter().any(|chunk| chunk.pixels().len() > num_pixels)),
        ("chunk that begins within an image", chunks.iter().any(|chunk| chunk.first_pixel % num_pixels != 0)),
        ("depth multiplier", contraction.depthwise && to.channels > from.channels && from.channels > 1),
        ("dilation", window.dilation_h > 1 && window.kernel_h > 1 || window.dilation_w > 1 && window.kernel_w > 1),
        ("gaps between rows", !contraction.grid.width.is_power_of_two() && contraction.grid.rows > 1),
        ("hidden sign factors", contraction.hidden.as_ref().is_some_and(|hidden| hidden.sign.is_some())),
        ("missing taps", (0..num_pixels).any(|pixel| taps(pixel) < window.num_taps())),
        ("odd stride", window.stride_h == 3 && to.height > 1),
        ("one channel in", from.channels == 1),
        ("one channel out", to.channels == 1),
        ("one tap, other planes", *window == Window::POINT && !same_planes),
        ("one tap, same planes", same_planes),
    ];
    seen.extend(properties.into_iter().filter(|&(_, has)| has).map(|(property, _)| property));
}

fn of_recipe(recipe: &Recipe, seen: &mut BTreeSet<&str>) {
    let Recipe::MaxPool { stages, .. } = recipe else { return };
    let along_height = |stage: &&MaximumStage| stage.window.kernel_h > 1 && stage.window.kernel_w == 1;
    if stages.iter().filter(along_height).count() > 1 {
        seen.insert("maximum in several stages along one axis");
    }
    for (index, stage) in stages.iter().enumerate().skip(1) {
        let MaximumStage { window, source, target, .. } = stage;
        let taps = |pixel: usize| window.num_existing_taps(*source, pixel / target.width, pixel % target.width);
        if (0..target.num_pixels()).any(|pixel| taps(pixel) < window.num_taps()) {
            seen.insert("maximum with missing taps in a later stage");
        }
        let before = &stages[index - 1].window;
        let same_axis = [window, before].iter().all(|window| window.kernel_h > 1 && window.stride_h == 1 && window.dilation_h == 1);
        if same_axis && before.kernel_h > 1 {
            seen.insert("maximum of maxima that overlap");
        }
    }
}

fn of_form(relation: &Relation, form: &Form, channels: usize, seen: &mut BTreeSet<&str>) {
    if let Coefficients::Missing(missing) = &form.constant {
        let is_border = missing.iter().any(|missing| matches!(missing.pixels, PixelMap::Inset { .. }));
        seen.extend(is_border.then_some("border"));
    }
    for term in &form.terms {
        match &term.source {
            Source::Tensor { pixels, channels, .. } => {
                seen.extend(match pixels {
                    PixelMap::Broadcast { .. } => Some("broadcast of pixels"),
                    PixelMap::Inset { .. } => Some("inset of pixels"),
                    PixelMap::Window { tap: None, .. } => Some("sum over taps"),
                    PixelMap::Same | PixelMap::Total { .. } | PixelMap::Window { .. } => None,
                });
                seen.extend(match channels {
                    ChannelMap::Broadcast => Some("broadcast of channels"),
                    ChannelMap::Inset { first: 1.. } => Some("inset of channels"),
                    ChannelMap::Same | ChannelMap::Select { .. } | ChannelMap::Inset { .. } => None,
                });
            }
            Source::Reordered { location } if relation.stored_channels(*location) == channels => {
                seen.insert("copy in the same channels");
            }
            Source::Reordered { .. } => {
                seen.insert("copy in other channels");
            }
            Source::Cell(_) | Source::Integers(_) | Source::Accumulator(_) | Source::ScaledAccumulator(_) | Source::ScaledSign(_) => {}
        }
    }
}
