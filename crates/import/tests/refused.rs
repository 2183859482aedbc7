//! Models that cannot be imported, and why.

use verinfer_import::{ElementType, Format, ImportError, Support, Unsupported, import_tflite, survey};

mod common;

#[test]
fn a_hybrid_model_is_refused() {
    let Some(root) = common::data() else { return };
    let bytes = common::model_bytes(&root, "mobilenet_v2_035_96_embedder_with_metadata");
    let Err(ImportError::Input(Unsupported::Type { found, .. })) = import_tflite(&bytes) else { panic!() };
    assert_eq!(found, ElementType::F32);
    let survey = survey(&bytes).unwrap();
    assert_eq!(survey.operators.len(), 66);
    let hybrid = |support: &Support| matches!(support, Support::Unsupported(Unsupported::Hybrid { .. }));
    assert!(survey.operators.iter().any(|operator| operator.name == "CONV_2D" && hybrid(&operator.support)));
    assert!(!survey.is_supported());
}

#[test]
fn a_float_model_is_refused() {
    let Some(root) = common::data() else { return };
    let bytes = common::model_bytes(&root, "zkml_mnist_float");
    let Err(ImportError::Input(Unsupported::Type { found, .. })) = import_tflite(&bytes) else { panic!() };
    assert_eq!(found, ElementType::F32);
    let survey = survey(&bytes).unwrap();
    assert_eq!(survey.operators.len(), 18);
    for operator in &survey.operators {
        let is_edge = operator.support == Support::Edge;
        assert!(is_edge || matches!(operator.support, Support::Unsupported(Unsupported::Type { .. })), "{operator:?}");
    }
}

#[test]
fn every_other_model_is_surveyed_as_supported() {
    let Some(root) = common::data() else { return };
    for entry in std::fs::read_dir(root.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "tflite") || name.ends_with("with_metadata") || name.ends_with("float") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(survey(&bytes).unwrap().is_supported(), "{name}");
        import_tflite(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn what_is_no_model_is_refused() {
    assert_eq!(import_tflite(b"").unwrap_err(), ImportError::NotTflite { found: Format::Empty });
    assert_eq!(import_tflite(b"\x08\0\0\0TFL2\0\0\0\0").unwrap_err(), ImportError::NotTflite { found: Format::Unknown });
    assert!(matches!(import_tflite(b"\xff\xff\xff\x7fTFL3").unwrap_err(), ImportError::Damaged(_)));
}
