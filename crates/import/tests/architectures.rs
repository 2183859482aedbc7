//! Architectures of real and synthetic networks: neutral values, digests, encodings.

use verinfer_graph::{Graph, TensorId};
use verinfer_import::{Architecture, import_tflite, synthetic};

mod common;

/// Checks what holds of any network; returns the number of bytes of its architecture.
fn check(name: &str, graph: &Graph) -> usize {
    let neutral = graph.without_learned();
    let again = Graph::new(neutral.tensors().to_vec(), neutral.nodes().to_vec(), neutral.input(), neutral.output());
    assert!(again.as_ref() == Ok(&neutral), "{name}");
    assert_eq!(neutral.architecture_digest(), graph.architecture_digest(), "{name}");
    assert_ne!(neutral.digest(), graph.digest(), "{name}");
    assert_eq!(neutral.learned_len(), graph.learned_len(), "{name}");
    assert!((0..graph.tensors().len()).map(TensorId).all(|tensor| neutral.value_range(tensor) == graph.value_range(tensor)), "{name}");
    let bytes = graph.encode_architecture();
    assert_eq!(neutral.encode_architecture(), bytes, "{name}");
    let decoded = Graph::decode_architecture(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    // But for the ends of long names.
    assert_eq!(decoded.digest(), neutral.digest(), "{name}");
    assert_eq!(decoded.encode_architecture(), bytes, "{name}");
    println!("{name}: {} nodes, {} learned values, {} bytes", graph.nodes().len(), graph.learned_len().total(), bytes.len());
    bytes.len()
}

#[test]
fn architectures_of_all_models_round_trip() {
    let Some(root) = common::data() else { return };
    let mut num_imported = 0;
    for entry in std::fs::read_dir(root.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match import_tflite(&std::fs::read(&path).unwrap()) {
            Ok(model) => {
                num_imported += 1;
                check(&name, &model.graph);
            }
            Err(error) => println!("{name}: not imported: {error}"),
        }
    }
    assert!(num_imported >= 16, "{num_imported}");
}

#[test]
fn synthetic_networks_differ_only_in_what_is_learned() {
    let mobilenet = |width, resolution, classes| Architecture::MobileNetV2 { width, resolution, classes };
    for architecture in [Architecture::LeNet, mobilenet(0.35, 96, 1001), mobilenet(0.1, 8, 1), mobilenet(1.0, 224, 1001)] {
        let [first, second] = [1, 2].map(|seed| synthetic(architecture, seed).graph);
        let length = check(&format!("{architecture:?}"), &first);
        assert!(length < 1 << 16, "{length}");
        assert_ne!(first.digest(), second.digest());
        assert_eq!(first.architecture_digest(), second.architecture_digest());
        assert_eq!(first.encode_architecture(), second.encode_architecture());
        assert!(first.without_learned() == second.without_learned());
    }
}

#[test]
fn damaged_architectures_never_panic() {
    let bytes = synthetic(Architecture::MobileNetV2 { width: 0.1, resolution: 8, classes: 10 }, 1).graph.encode_architecture();
    for length in (0..bytes.len()).step_by(7) {
        assert!(Graph::decode_architecture(&bytes[..length]).is_err());
    }
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut num_decoded = 0;
    for _ in 0..4096 {
        let mut damaged = bytes.clone();
        for _ in 0..=random() % 3 {
            damaged[random() % bytes.len()] ^= 1 << (random() % 8);
        }
        if let Ok(graph) = Graph::decode_architecture(&damaged) {
            num_decoded += 1;
            assert!(graph.encode_architecture() == damaged && graph.without_learned() == graph);
        }
    }
    println!("{num_decoded} of 4096 damaged encodings are architectures");
}
