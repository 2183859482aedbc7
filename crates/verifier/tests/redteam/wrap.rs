//! The equations of hidden layers over the integers, recomputed from the tables and columns of the relation.

use verinfer_graph::{Conv, DataType, Graph, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_relation::Relation;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::relation::{Leaf, Recipe, Role};
use verinfer_relation::setting::Setting;

use crate::network::network;

const P: i128 = (1 << 64) - (1 << 32) + 1;

/// Both sides of each equation differ by less than the field's order, for every key that a table has. Returns the least room, in bits.
fn no_wrap(graph: &Graph, relation: &Relation) -> f64 {
    let mut least = f64::INFINITY;
    for contraction in &relation.contractions {
        let hidden = contraction.hidden.as_ref().unwrap();
        let Recipe::Requantize(recipe) = &relation.recipes[contraction.node.0] else { panic!() };
        let conv = contraction.conv(graph).unwrap();
        let extreme = |dtype: DataType, zero: i128| (i128::from(dtype.max()) - zero).abs().max((i128::from(dtype.min()) - zero).abs());
        // Weights by their lookup, inputs by their type: wider than the range analysis.
        let dtype = graph.spec(contraction.tensor).dtype;
        let fan_in = contraction.window.num_taps() * if contraction.depthwise { 1 } else { contraction.input_shape.channels };
        let (low, high) = graph.value_range(contraction.tensor);
        let input =
            (i128::from(high) - i128::from(conv.input_zero_point)).abs().max((i128::from(low) - i128::from(conv.input_zero_point)).abs());
        let acc = fan_in as i128 * input * extreme(dtype, i128::from(conv.weight_zero_point));
        let unsigned = |bits: usize| (1i128 << bits) - 1;
        let largest = |bytes: &verinfer_relation::relation::Bytes| {
            assert_eq!(
                bytes
                    .columns
                    .iter()
                    .map(|&(column, planes)| {
                        let Leaf::Lookup { table, .. } = &relation.column(column).leaf else { panic!() };
                        planes * relation.tables[table.0].len.trailing_zeros() as usize
                    })
                    .sum::<usize>(),
                bytes.bits
            );
            (unsigned(bytes.bits) - i128::from(bytes.offset)).max(i128::from(bytes.offset))
        };
        let mut side = acc * largest(&hidden.multiplier) + largest(&hidden.constant);
        if let Some((sign, factor)) = &hidden.sign {
            assert_eq!(factor.range(), (1, 1 << recipe.shift));
            assert_eq!(relation.column(*sign).role, Role::Sign);
            side += largest(factor);
        }
        let limbs: usize = recipe
            .limbs
            .iter()
            .map(|&limb| {
                let Leaf::Lookup { table, .. } = &relation.column(limb).leaf else { panic!() };
                relation.tables[table.0].len.trailing_zeros() as usize
            })
            .sum();
        assert_eq!(limbs, recipe.shift);
        let looked_up = [Some((recipe.output, recipe.key_offset)), recipe.sign.map(|sign| (sign, 0))];
        for (column, offset) in looked_up.into_iter().flatten() {
            let Leaf::Lookup { table, .. } = &relation.column(column).leaf else { panic!() };
            let table = &relation.tables[table.0];
            let (first, last) = (i128::from(table.first - offset), i128::from(table.first + table.len as i64 - 1 - offset));
            // key 2^S + remainder - side is strictly between -p and p.
            assert!(first << recipe.shift > side - P && ((last + 1) << recipe.shift) - 1 < P - side, "{recipe:?}");
            let used = side + ((last.max(-first) + 1) << recipe.shift);
            least = least.min((P as f64).log2() - (used as f64).log2());
        }
    }
    least
}

fn layer(dtype: DataType, fan_in: usize, zeros: (i32, i32), min: i16) -> Graph {
    let requantization =
        Requantization { multipliers: vec![1 << 30], shifts: vec![0], rounding: Rounding::Twice, zero_point: 0, min, max: dtype.max() };
    let weights = vec![i16::try_from(zeros.1).unwrap(); fan_in];
    let window = Window::POINT;
    let conv =
        Conv { input: TensorId(0), input_zero_point: zeros.0, window, weights, weight_zero_point: zeros.1, bias: vec![0], requantization };
    let spec = |channels| TensorSpec { name: "t".into(), shape: Shape::new(1, 1, channels), dtype };
    let node = Node { source: "fc".into(), op: Op::Conv2d(conv), output: TensorId(1) };
    Graph::new(vec![spec(fan_in), spec(1)], vec![node], TensorId(0), TensorId(1)).unwrap()
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}

/// Envelopes that may be demanded by who has made a commitment.
fn envelope(state: &mut u64) -> Envelope {
    let mut key = |sign: i64| {
        let bits = random(state) % 23;
        i32::try_from(sign * (random(state) % (1 << bits)) as i64).unwrap()
    };
    let (keys, signed_keys) = ((key(-1), key(1)), (key(-1), key(1)));
    Envelope { num_limbs: (1 + random(state) % 12) as u8, limb_bits: (1 + random(state) % 23) as u8, keys, signed_keys }
}

#[test]
fn no_envelope_lets_a_hidden_layer_wrap_around_the_field() {
    let mut state = 1;
    let graphs = [
        network(|_| ()),
        layer(DataType::U8, 1, (255, 255), 0),
        layer(DataType::I8, 3, (-128, -128), -128),
        layer(DataType::I8, 65_537, (127, -128), -128),
        layer(DataType::I8, 1, (127, -128), -128),
    ];
    let (mut tried, mut built, mut least) = (0, 0, f64::INFINITY);
    while tried < 4000 {
        let envelope = envelope(&mut state);
        if envelope.check().is_err() || envelope.limb_bits > 18 && tried % 8 != 0 {
            tried += 1;
            continue;
        }
        for graph in &graphs {
            let setting = Setting { weights: Some(envelope), ..Setting::default() };
            let architecture = graph.without_learned();
            if let Ok(relation) = Relation::with_setting(&architecture, 1, &setting) {
                least = least.min(no_wrap(&architecture, &relation));
                built += 1;
            }
        }
        tried += 1;
    }
    println!("{built} relations, {least} bits of room at least");
    assert!(built > 100 && least > 0.0);
}
