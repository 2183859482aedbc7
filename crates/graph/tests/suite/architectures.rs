//! Networks of pairwise different architecture, and networks of the same.

use verinfer_graph::{
    Add, Concat, Conv, Graph, Lookup, MaxPool, Mul, Node, Op, Operand, Pad, Requantization, Rounding, Shape, SumPool, TensorId, TensorSpec,
    Window,
};

use crate::support::{INPUT, OUTPUT, i8, node, plain, scaled, single, u8};

/// 6x6 to 3x3; any side may be changed by one as well.
const WINDOW: Window = Window { kernel_h: 3, kernel_w: 3, stride_h: 2, stride_w: 2, dilation_h: 1, dilation_w: 1, pad_top: 1, pad_left: 1 };

fn windows() -> [Window; 9] {
    [
        WINDOW,
        Window { kernel_h: 4, ..WINDOW },
        Window { kernel_w: 4, ..WINDOW },
        Window { stride_h: 3, ..WINDOW },
        Window { stride_w: 3, ..WINDOW },
        Window { dilation_h: 2, ..WINDOW },
        Window { dilation_w: 2, ..WINDOW },
        Window { pad_top: 2, ..WINDOW },
        Window { pad_left: 2, ..WINDOW },
    ]
}

/// From one channel to two, for [`Op::Conv2d`] and [`Op::DepthwiseConv2d`] alike.
fn conv(window: Window, requantization: Requantization) -> Conv {
    Conv {
        input: INPUT,
        input_zero_point: 0,
        window,
        weights: (0..2 * window.num_taps()).map(|i| (i * 5 % 11) as i16 - 5).collect(),
        weight_zero_point: 0,
        bias: vec![3, -4],
        requantization,
    }
}

fn requantizations() -> [Requantization; 5] {
    [
        plain(0),
        plain(1),
        Requantization { min: -127, ..plain(0) },
        Requantization { max: 126, ..plain(0) },
        Requantization { rounding: Rounding::Once, ..plain(0) },
    ]
}

/// Architectures of a convolution, without the operator.
fn convs() -> Vec<Conv> {
    let mut convs: Vec<Conv> = windows().map(|window| conv(window, plain(0))).to_vec();
    convs.extend(requantizations().into_iter().skip(1).map(|requantization| conv(WINDOW, requantization)));
    convs.push(conv(WINDOW, Requantization { multipliers: vec![1 << 30, 1 << 29], ..plain(0) }));
    convs.push(conv(WINDOW, Requantization { shifts: vec![1, -3], ..plain(0) }));
    convs.push(Conv { input_zero_point: 1, ..conv(WINDOW, plain(0)) });
    convs
}

/// Learned values of a convolution other than those of `conv(WINDOW, plain(0))`.
fn learned_convs() -> Vec<Conv> {
    let base = conv(WINDOW, plain(0));
    let weights = (0..base.weights.len()).map(|index| {
        let mut weights = base.weights.clone();
        weights[index] += 1;
        Conv { weights, ..base.clone() }
    });
    let others = [
        Conv { bias: vec![4, -4], ..base.clone() },
        Conv { weight_zero_point: 1, ..base.clone() },
        Conv { bias: vec![3, 1 << 20], ..base.clone() },
        conv(WINDOW, Requantization { multipliers: vec![0], ..plain(0) }),
        conv(WINDOW, Requantization { multipliers: vec![i32::MAX], ..plain(0) }),
        conv(WINDOW, Requantization { shifts: vec![-62], ..plain(0) }),
        conv(WINDOW, Requantization { shifts: vec![2], ..plain(0) }),
    ];
    weights.chain(others).chain([base.clone()]).collect()
}

fn sum_pool(window: Window) -> SumPool {
    let input = Shape::new(6, 6, 1);
    let mut counts: Vec<usize> = (0..9).map(|i| window.num_existing_taps(input, i / 3, i % 3)).collect();
    counts.sort_unstable();
    counts.dedup();
    let tables = counts.into_iter().map(|count| (count, (0..=255 * count).map(|sum| (sum / count) as i16 - 128).collect())).collect();
    SumPool { input: INPUT, window, tables }
}

/// The table with entry `index` one less.
fn lowered<T: Copy + std::ops::SubAssign + From<u8>>(mut table: Vec<T>, index: usize) -> Vec<T> {
    table[index] -= T::from(1);
    table
}

/// A look-up of the input, and an operator of both tensors.
fn of_two(op: Op, output: TensorSpec) -> Graph {
    let table = (-128..128).collect();
    let look_up = node(Op::Lookup(Lookup { input: INPUT, table }), OUTPUT);
    Graph::new(vec![i8(2, 2, 2), i8(2, 2, 2), output], vec![look_up, node(op, TensorId(2))], INPUT, TensorId(2)).unwrap()
}

fn adds() -> Vec<Add> {
    let add = |left: TensorId, left_table: Vec<i32>, tensor: TensorId, table: Vec<i32>, requantization: Requantization| Add {
        left,
        left_table,
        right: Operand::Tensor { tensor, table },
        requantization,
    };
    let mut adds: Vec<Add> =
        requantizations().into_iter().map(|requantization| add(INPUT, scaled(3), OUTPUT, scaled(2), requantization)).collect();
    adds.push(add(INPUT, scaled(3), OUTPUT, scaled(2), Requantization { multipliers: vec![7], ..plain(0) }));
    adds.push(add(INPUT, scaled(3), OUTPUT, scaled(2), Requantization { shifts: vec![-7], ..plain(0) }));
    adds.push(add(OUTPUT, scaled(3), INPUT, scaled(2), plain(0)));
    adds.push(add(OUTPUT, scaled(3), OUTPUT, scaled(2), plain(0)));
    for index in [0, 77, 255] {
        adds.push(add(INPUT, lowered(scaled(3), index), OUTPUT, scaled(2), plain(0)));
        adds.push(add(INPUT, scaled(3), OUTPUT, lowered(scaled(2), index), plain(0)));
    }
    adds.push(add_constants(vec![1, -2], plain(0)));
    adds.push(Add { left_table: lowered(scaled(3), 5), ..add_constants(vec![1, -2], plain(0)) });
    adds.push(add_constants(vec![1, -2], plain(3)));
    adds
}

fn add_constants(constants: Vec<i32>, requantization: Requantization) -> Add {
    Add { left: OUTPUT, left_table: scaled(3), right: Operand::Constant(constants), requantization }
}

fn muls() -> Vec<Mul> {
    let mul = |left, right, requantization| Mul { left, left_zero_point: 0, right, right_zero_point: 0, requantization };
    let mut muls: Vec<Mul> = requantizations().into_iter().map(|requantization| mul(INPUT, OUTPUT, requantization)).collect();
    muls.push(mul(INPUT, OUTPUT, Requantization { multipliers: vec![7], ..plain(0) }));
    muls.push(mul(INPUT, OUTPUT, Requantization { shifts: vec![-7], ..plain(0) }));
    muls.push(mul(OUTPUT, INPUT, plain(0)));
    muls.push(mul(OUTPUT, OUTPUT, plain(0)));
    muls.push(Mul { left_zero_point: 1, ..mul(INPUT, OUTPUT, plain(0)) });
    muls.push(Mul { right_zero_point: 1, ..mul(INPUT, OUTPUT, plain(0)) });
    muls
}

/// Two 1x1 look-ups that end in a sum, with tensors and nodes in different orders.
fn orders() -> Vec<Graph> {
    let table = |by: i16| (0..256).map(|value| value / by - 20).collect::<Vec<i16>>();
    let look_up = |output, by| node(Op::Lookup(Lookup { input: INPUT, table: table(by) }), output);
    let sum = |first, second, output| {
        let right = Operand::Tensor { tensor: TensorId(second), table: scaled(1) };
        node(Op::Add(Add { left: TensorId(first), left_table: scaled(1), right, requantization: plain(0) }), TensorId(output))
    };
    let (first, second) = (TensorId(1), TensorId(2));
    let graph = |nodes: Vec<Node>, output| Graph::new(vec![i8(1, 1, 1); 4], nodes, INPUT, TensorId(output)).unwrap();
    vec![
        graph(vec![look_up(first, 2), look_up(second, 3), sum(1, 2, 3)], 3),
        graph(vec![look_up(second, 3), look_up(first, 2), sum(1, 2, 3)], 3),
        graph(vec![look_up(first, 3), look_up(second, 2), sum(1, 2, 3)], 3),
        graph(vec![look_up(first, 2), look_up(TensorId(3), 3), sum(1, 3, 2)], 2),
    ]
}

/// A reshape from tensor 1 to tensor 0.
fn backwards() -> Graph {
    Graph::new(vec![i8(2, 2, 2), i8(2, 2, 2)], vec![node(Op::Reshape { input: OUTPUT }, INPUT)], OUTPUT, INPUT).unwrap()
}

/// Networks that differ from each other in architecture: each pair of one operator in one field.
pub fn different() -> Vec<Graph> {
    let mut graphs = orders();
    let mut push = |graph| graphs.push(graph);
    push(backwards());
    for conv in convs() {
        push(single(i8(6, 6, 1), Op::Conv2d(conv.clone()), i8(3, 3, 2)).unwrap());
        push(single(i8(6, 6, 1), Op::DepthwiseConv2d(conv), i8(3, 3, 2)).unwrap());
    }
    for (input, output) in [(i8(7, 6, 1), i8(3, 3, 2)), (i8(6, 7, 1), i8(3, 3, 2)), (i8(6, 6, 1), i8(4, 3, 2)), (i8(6, 6, 1), i8(3, 4, 2))]
    {
        push(single(input, Op::Conv2d(conv(WINDOW, plain(0))), output).unwrap());
    }
    push(single(u8(6, 6, 1), Op::Conv2d(conv(WINDOW, plain(0))), i8(3, 3, 2)).unwrap());
    for add in adds() {
        push(of_two(Op::Add(add), i8(2, 2, 2)));
    }
    for mul in muls() {
        push(of_two(Op::Mul(mul), i8(2, 2, 2)));
    }
    for window in windows() {
        push(single(i8(6, 6, 1), Op::SumPool(sum_pool(window)), i8(3, 3, 1)).unwrap());
        push(single(i8(6, 6, 1), Op::MaxPool(MaxPool { input: INPUT, window, min: -128, max: 127 }), i8(3, 3, 1)).unwrap());
    }
    for index in [0, 300, 255 * 4] {
        let mut pool = sum_pool(WINDOW);
        pool.tables[0].1[index] = 99;
        push(single(i8(6, 6, 1), Op::SumPool(pool), i8(3, 3, 1)).unwrap());
    }
    for (min, max) in [(-127, 127), (-128, 126)] {
        push(single(i8(6, 6, 1), Op::MaxPool(MaxPool { input: INPUT, window: WINDOW, min, max }), i8(3, 3, 1)).unwrap());
    }
    let table: Vec<i16> = (0..256).map(|value| value / 3).collect();
    for table in [table.clone(), lowered(table.clone(), 255), lowered(table, 99)] {
        push(single(i8(6, 6, 1), Op::Lookup(Lookup { input: INPUT, table: table.clone() }), i8(6, 6, 1)).unwrap());
        push(single(i8(6, 6, 1), Op::Lookup(Lookup { input: INPUT, table }), u8(6, 6, 1)).unwrap());
    }
    for (before, value) in [((0, 0, 0), 0), ((1, 0, 0), 0), ((0, 1, 0), 0), ((0, 0, 1), 0), ((0, 0, 0), 1)] {
        let pad = Pad { input: INPUT, before: Shape::new(before.0, before.1, before.2), value };
        push(single(i8(2, 2, 2), Op::Pad(pad), i8(3, 3, 3)).unwrap());
    }
    for (height, width, channels) in [(8, 1, 1), (1, 8, 1), (1, 1, 8), (2, 2, 2)] {
        push(single(i8(2, 2, 2), Op::Reshape { input: INPUT }, i8(height, width, channels)).unwrap());
        push(single(u8(2, 2, 2), Op::Reshape { input: INPUT }, u8(height, width, channels)).unwrap());
    }
    for (axis, output) in [(0, i8(4, 2, 2)), (1, i8(2, 4, 2)), (2, i8(2, 2, 4))] {
        for inputs in [[INPUT, OUTPUT], [OUTPUT, INPUT]] {
            push(of_two(Op::Concat(Concat { inputs: inputs.to_vec(), axis }), output.clone()));
        }
    }
    graphs
}

/// Groups of networks that differ in learned values only.
pub fn same() -> Vec<Vec<Graph>> {
    let of = |op: fn(Conv) -> Op| {
        learned_convs().into_iter().map(|conv| single(i8(6, 6, 1), op(conv), i8(3, 3, 2)).unwrap()).collect::<Vec<_>>()
    };
    let per_channel = [[1, 2], [2, 1], [0, i32::MAX]].into_iter().flat_map(|multipliers| {
        [[0, 1], [-62, -5]].map(|shifts| {
            let requantization = Requantization { multipliers: multipliers.to_vec(), shifts: shifts.to_vec(), ..plain(0) };
            single(i8(6, 6, 1), Op::Conv2d(conv(WINDOW, requantization)), i8(3, 3, 2)).unwrap()
        })
    });
    let constants = [[0, 0], [1, 0], [0, 1], [-(1 << 20), 1 << 20]]
        .map(|constants| of_two(Op::Add(add_constants(constants.to_vec(), plain(0))), i8(2, 2, 2)));
    vec![of(Op::Conv2d), of(Op::DepthwiseConv2d), per_channel.collect(), constants.to_vec()]
}
