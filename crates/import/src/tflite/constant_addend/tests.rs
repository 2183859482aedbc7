use verinfer_graph::{Add, DataType, Operand, Requantization, Rounding, Shape, TensorId};

use super::*;

fn activation(scale: f32, zero_point: i32) -> Activation {
    Activation { id: TensorId(0), shape: Shape::new(1, 1, 1), dtype: DataType::I8, scale, zero_point }
}

/// TFLite's addition of constants with this scale, as `lower_sum` makes it.
fn tflite(input: Activation, scale: f32, zero_point: i32, constants: &[i16], negated: bool, output: Activation) -> Option<Sum> {
    let twice_max = f64::from(2.0 * input.scale.max(scale));
    let [first, second] = [input.scale, scale].map(|scale| Multiplier::quantize_below_one(f64::from(scale) / twice_max).ok());
    let multiplier = Multiplier::quantize_below_one(twice_max / f64::from((1u32 << 20) as f32 * output.scale)).ok()?;
    let sign = if negated { -1 } else { 1 };
    let table = (-128..128).map(|value| Some(sign * first?.apply((value - input.zero_point) << 20)?)).collect::<Option<_>>()?;
    let constants = constants.iter().map(|&value| second?.apply((i32::from(value) - zero_point) << 20)).collect::<Option<_>>()?;
    Some(Sum { table, multiplier, constants })
}

fn outputs(sum: &Sum, output: Activation, range: (i16, i16)) -> Vec<i64> {
    let of = Output { multiplier: sum.multiplier, zero_point: output.zero_point.into(), range: (range.0.into(), range.1.into()) };
    let all = sum.constants.iter().flat_map(|&constant| sum.table.iter().map(move |&entry| i64::from(entry) + i64::from(constant)));
    all.map(|sum| of.of(sum)).collect()
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 24
}

#[test]
fn a_constant_s_scale_leaves_no_trace_in_table_and_multiplier() {
    let mut state = 5;
    let (mut found, mut asked) = (0, 0);
    for _ in 0..400 {
        let mut scale = || 2f32.powf(-10.0 + (random(&mut state) % 4096) as f32 / 512.0);
        let (input, output) = (activation(scale(), 3), activation(scale(), -7));
        let scales = [scale(), scale(), scale()];
        let negated = random(&mut state).is_multiple_of(2);
        let range = [(-128, 127), (-7, 127), (-7, 50)][(random(&mut state) % 3) as usize];
        let mut public = None;
        for constant_scale in scales {
            let constants: Vec<i16> = (0..4).map(|_| (random(&mut state) % 256) as i16 - 128).collect();
            let Some(given) = tflite(input, constant_scale, 5, &constants, negated, output) else { continue };
            asked += 1;
            let Some(sum) = independent_of_scale(&given, input, negated, output, range) else { continue };
            found += 1;
            assert_eq!(outputs(&sum, output, range), outputs(&given, output, range));
            let (table, multiplier) = (sum.table, sum.multiplier);
            let public = public.get_or_insert_with(|| (table.clone(), multiplier));
            assert_eq!(*public, (table.clone(), multiplier));
            let requantization = Requantization {
                multipliers: vec![multiplier.multiplier],
                shifts: vec![multiplier.shift],
                rounding: Rounding::Twice,
                zero_point: 0,
                min: -128,
                max: 127,
            };
            let add = Add { left: TensorId(0), left_table: table, right: Operand::Constant(sum.constants), requantization };
            assert!(add.shows_no_scale());
        }
    }
    assert!(asked > 1000 && 100 * found >= 99 * asked, "{found} of {asked}");
}

#[test]
fn numbers_that_follow_from_the_constant_s_scale_are_known_as_such() {
    let (input, output) = (activation(0.01, 0), activation(0.02, 0));
    let shows = |scale: f32| {
        let Sum { table, multiplier, constants } = tflite(input, scale, 0, &[7], false, output).unwrap();
        let requantization = Requantization {
            multipliers: vec![multiplier.multiplier],
            shifts: vec![multiplier.shift],
            rounding: Rounding::Twice,
            zero_point: 0,
            min: -128,
            max: 127,
        };
        !Add { left: TensorId(0), left_table: table, right: Operand::Constant(constants), requantization }.shows_no_scale()
    };
    // Lines of another unit, and no lines.
    for scale in [0.04, 0.08, 0.32, 0.0137, 0.5] {
        assert!(shows(scale), "{scale}");
    }
}
