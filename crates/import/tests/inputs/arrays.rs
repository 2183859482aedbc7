//! NumPy arrays.

use verinfer_graph::{DataType, Shape};
use verinfer_import::{Input, InputError, InputFormat, InputOptions, Model, load_input};

use super::grey;

/// An array file with this header.
fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    if version == 1 {
        bytes.extend((header.len() as u16).to_le_bytes());
    } else {
        bytes.extend((header.len() as u32).to_le_bytes());
    }
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// An array file of format 1.0, as NumPy writes it.
fn npy(descr: &str, shape: &str, data: &[u8], fortran: &str) -> Vec<u8> {
    file(1, &format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}      \n"), data)
}

fn read(model: &Model, bytes: &[u8]) -> Result<Input, InputError> {
    load_input(bytes, InputFormat::Npy, model, &InputOptions::default())
}

fn array(model: &Model, bytes: &[u8]) -> Result<Vec<i16>, InputError> {
    read(model, bytes).map(|input| input.values)
}

/// A network with inputs of 4x6x3 signed bytes.
fn small() -> Model {
    let mut model = grey();
    model.input.shape = Shape::new(4, 6, 3);
    model
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn arrays_of_the_inputs_type_are_taken_as_they_are() {
    let data: Vec<u8> = (0..784).map(|i| (i % 256) as u8).collect();
    let input = read(&grey(), &npy("|i1", "(1, 28, 28, 1)", &data, "False")).unwrap();
    assert_eq!((input.values[1], input.values[255]), (1, -1));
    assert_eq!(input.reading.to_string(), "an array of int8, as it is");
    let error = array(&grey(), &npy("|u1", "(784,)", &data, "False")).unwrap_err();
    assert!(matches!(error, InputError::ArrayTypeMismatch { found: "uint8", expected: DataType::I8 }));
}

#[test]
fn shapes_agree_up_to_sides_of_1_or_are_flat() {
    let data: Vec<u8> = (0..72).collect();
    for shape in ["(1, 4, 6, 3)", "(4, 6, 3)", "(72,)", "(1, 72)", "(4, 1, 6, 3)"] {
        assert_eq!(array(&small(), &npy("|i1", shape, &data, "False")).unwrap(), (0..72).collect::<Vec<i16>>(), "{shape}");
    }
    let data = [0; 784];
    for shape in ["(28, 28)", "(28, 28, 1)", "(1, 1, 28, 28)"] {
        assert!(array(&grey(), &npy("|i1", shape, &data, "False")).is_ok(), "{shape}");
    }
    let mut one = grey();
    one.input.shape = Shape::new(1, 1, 1);
    assert_eq!(array(&one, &npy("|i1", "()", &[5], "False")).unwrap(), [5]);
}

#[test]
fn other_shapes_are_refused_by_what_they_are() {
    let fault = |shape: &str| array(&small(), &npy("|i1", shape, &[0; 72], "False")).unwrap_err();
    for shape in ["(1, 3, 4, 6)", "(3, 4, 6)"] {
        assert!(matches!(fault(shape), InputError::ChannelsFirst { .. }), "{shape}");
    }
    for shape in ["(6, 4, 3)", "(4, 18)", "(24, 3)", "(2, 2, 6, 3)", "(72, 0, 1)", "(3, 6, 4)"] {
        assert!(matches!(fault(shape), InputError::ArrayShape { .. } | InputError::ArrayLength { .. }), "{shape}");
    }
    for (shape, expected) in [("(2, 4, 6, 3)", 2), ("(5, 72)", 5), ("(5, 1, 4, 6, 3)", 5)] {
        let error = array(&small(), &npy("|i1", shape, &[0; 360], "False")).unwrap_err();
        assert!(matches!(error, InputError::ArrayBatch { inputs, .. } if inputs == expected), "{shape}: {error}");
    }
    assert_eq!(
        fault("(1, 3, 4, 6)").to_string(),
        "the array is of shape 1x3x4x6, channels first; the network's input is 4x6x3, channels last (numpy: np.moveaxis(x, -3, -1))"
    );
}

#[test]
fn fortran_order_is_read_as_numpy_reads_it() {
    // np.asfortranarray(np.arange(72).reshape(4, 6, 3)): the first index varies fastest.
    let mut data = Vec::new();
    for channel in 0..3 {
        for column in 0..6 {
            data.extend((0..4).map(|row| row * 18 + column * 3 + channel));
        }
    }
    for shape in ["(4, 6, 3)", "(1, 4, 6, 3)"] {
        assert_eq!(array(&small(), &npy("|i1", shape, &data, "True")).unwrap(), (0..72).collect::<Vec<i16>>(), "{shape}");
    }
}

#[test]
fn every_header_that_numpy_reads_is_read() {
    let data: Vec<u8> = (0..72).collect();
    for (version, header) in [
        (1, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (2, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (3, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{'shape': (1, 4, 6, 3), 'fortran_order': False, 'descr': '|i1'}"),
        (1, "{'descr': '|i1', 'fortran_order': False, 'shape': (1L, 4L, 6L, 3L), }\n"),
        (1, "{\"descr\": \"|i1\", \"fortran_order\": False, \"shape\": (1, 4, 6, 3)}\n"),
        (1, "{'descr': '<i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{'descr': '>i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{'descr': '=i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{'descr': 'i1', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{'descr': '|b', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{'descr': 'int8', 'fortran_order': False, 'shape': (1, 4, 6, 3), }\n"),
        (1, "{u'descr': u'|i1', u'fortran_order': False, u'shape': (72,), }\n"),
        (1, " {\n'descr':'|i1','fortran_order':False,'shape':(72 , )\t}\n"),
    ] {
        let values = array(&small(), &file(version, header, &data)).map_err(|error| panic!("{header}: {error}")).unwrap();
        assert_eq!(values, (0..72).collect::<Vec<i16>>(), "{header}");
    }
}

#[test]
fn other_headers_are_refused() {
    for header in [
        "",
        "{}",
        "{'descr': '|i1', 'fortran_order': False}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (72)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (72,), 'shape': (72,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (72,), 'more': (1,)}",
        "{'descr': '|i1', 'fortran_order': 0, 'shape': (72,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (-72,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4, x)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4 6 3)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '|i\\x31', 'fortran_order': False, 'shape': (72,)}",
        "{'descr': '|i1, 'fortran_order': False, 'shape': (72,)}",
        "{'descr': [('a', '|i1'), 'fortran_order': False, 'shape': (72,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (72,)} more",
    ] {
        assert!(matches!(array(&small(), &file(1, header, &[0; 72])), Err(InputError::NpyHeader)), "{header}");
    }
    assert!(matches!(array(&grey(), b"\x93NUMPY"), Err(InputError::NotNpy)));
    assert!(matches!(array(&grey(), b"\x93NUMPY\x04\x00\x00\x00"), Err(InputError::NotNpy)));
    assert!(matches!(array(&grey(), b"\x93NUMPY\x01\x00\x05\x00{}"), Err(InputError::NpyHeader)));
    let long = format!("{{'descr': '|i1', 'fortran_order': False, 'shape': (72,), }}{}", " ".repeat(1 << 16));
    assert!(matches!(array(&small(), &file(2, &long, &[0; 72])), Err(InputError::NpyHeader)));
    let deep = format!("{{'descr': '|i1', 'fortran_order': False, 'shape': ({})}}", "1, ".repeat(100));
    assert!(matches!(array(&small(), &file(1, &deep, &[0; 72])), Err(InputError::NpyHeader)));
}

#[test]
fn other_types_are_refused_by_their_names() {
    for (descr, name) in [
        ("<i2", "int16"),
        (">i4", "int32"),
        ("<i8", "int64"),
        ("<u2", "uint16"),
        ("|b1", "bool"),
        ("<f16", "float128"),
        ("<c8", "complex64"),
        ("<U5", "text"),
        ("|S5", "text"),
        ("<M8[s]", "datetime64"),
        ("<x4", "<x4"),
    ] {
        let error = array(&small(), &npy(descr, "(72,)", &[0; 72], "False")).unwrap_err();
        assert!(matches!(&error, InputError::ArrayType { found } if found == name), "{descr}: {error}");
    }
    assert!(matches!(array(&small(), &npy("|O", "(72,)", &[0; 72], "False")), Err(InputError::ArrayObjects)));
    let records = "{'descr': [('a[', '<f4'), ('b', '|u1', (3,))], 'fortran_order': False, 'shape': (72,), }";
    assert!(matches!(array(&small(), &file(1, records, &[0; 72])), Err(InputError::ArrayRecords)));
}

#[test]
fn lengths_are_compared() {
    let fault = |shape: &str, data: &[u8]| array(&grey(), &npy("|i1", shape, data, "False")).unwrap_err();
    assert!(matches!(fault("(783,)", &[0; 783]), InputError::ArrayLength { found: 783, expected: 784 }));
    assert!(matches!(fault("(784,)", &[0; 100]), InputError::ArrayData { found: 100, expected: 784 }));
    assert!(matches!(fault("(784,)", &[0; 785]), InputError::ArrayData { found: 785, expected: 784 }));
    assert!(matches!(
        fault("(18446744073709551615, 18446744073709551615)", &[]),
        InputError::ArrayLength { found: u64::MAX, expected: 784 }
    ));
}

#[test]
fn float_arrays_are_quantized() {
    let mut model = grey();
    (model.input.scale, model.input.zero_point) = (0.5, 3);
    let mut numbers = vec![0.0_f32; 784];
    numbers[..5].copy_from_slice(&[0.25, -0.25, 1.25, 1e6, -1e6]);
    let input = read(&model, &npy("<f4", "(28, 28)", &floats(&numbers), "False")).unwrap();
    assert_eq!(input.values[..6], [4, 2, 6, 127, -128, 3]);
    assert_eq!(input.reading.to_string(), "an array of float32, quantized with scale 0.5 and zero point 3");
    assert!(input.reading.warnings()[0].starts_with("2 of 784 floats (-1000000 to 1000000) lie outside"), "{:?}", input.reading);
    let values = input.values;
    let doubles: Vec<u8> = numbers.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect();
    assert_eq!(array(&model, &npy("<f8", "(28, 28)", &doubles, "False")).unwrap(), values);
    let swapped: Vec<u8> = numbers.iter().flat_map(|value| value.to_be_bytes()).collect();
    assert_eq!(array(&model, &npy(">f4", "(28, 28)", &swapped, "False")).unwrap(), values);
    // 0.25, -0.25, 1.25, infinity, a subnormal.
    let halves: Vec<u8> = [0x3400_u16, 0xb400, 0x3d00, 0x0001].iter().flat_map(|bits| bits.to_le_bytes()).collect();
    model.input.shape = Shape::new(1, 1, 4);
    assert_eq!(array(&model, &npy("<f2", "(4,)", &halves, "False")).unwrap(), [4, 2, 6, 3]);
}

#[test]
fn floats_that_are_no_numbers_are_refused() {
    for value in [f32::NAN, f32::INFINITY, -1e30] {
        let mut numbers = vec![0.0_f32; 784];
        numbers[7] = value;
        let error = array(&grey(), &npy("<f4", "(28, 28)", &floats(&numbers), "False")).unwrap_err();
        assert!(matches!(error, InputError::Value { index: 7, .. }), "{error}");
    }
    let mut model = grey();
    model.input.scale = f32::NAN;
    let error = array(&model, &npy("<f4", "(28, 28)", &floats(&[0.0; 784]), "False")).unwrap_err();
    assert!(matches!(error, InputError::UnknownQuantization));
}

#[test]
fn floats_that_mostly_clamp_are_refused_and_a_few_are_warned_of() {
    let mut model = grey();
    (model.input.scale, model.input.zero_point) = (1.0 / 255.0, -128);
    let bytes: Vec<f32> = (0..784).map(|i| (i % 256) as f32).collect();
    let error = array(&model, &npy("<f4", "(28, 28)", &floats(&bytes), "False")).unwrap_err();
    assert!(matches!(error, InputError::FloatsClamped { smallest: 0.0, largest: 255.0, total: 784, .. }), "{error}");
    let mut few = vec![0.5_f32; 784];
    few[3] = 2.0;
    let input = read(&model, &npy("<f4", "(28, 28)", &floats(&few), "False")).unwrap();
    assert_eq!(input.reading.warnings().len(), 1);
    // One step more than the largest is how a normalization to 1 meets a range to 127/128.
    few[3] = 1.0 + 1.0 / 255.0;
    assert!(read(&model, &npy("<f4", "(28, 28)", &floats(&few), "False")).unwrap().reading.warnings().is_empty());
}

#[test]
fn floats_within_one_step_are_warned_of() {
    let mut model = grey();
    (model.input.scale, model.input.zero_point) = (1.1, -128);
    let unit: Vec<f32> = (0..784).map(|i| (i % 256) as f32 / 255.0).collect();
    let input = read(&model, &npy("<f4", "(28, 28)", &floats(&unit), "False")).unwrap();
    assert!(input.reading.warnings()[0].contains("differ by less than one step"), "{:?}", input.reading);
}
