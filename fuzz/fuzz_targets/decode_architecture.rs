//! Any bytes are decoded or refused, and what is decoded has these bytes as its encoding. Prefix and version are put before them.
//!
//! ```text
//! cargo +nightly fuzz run decode_architecture
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use verinfer_graph::Graph;

fuzz_target!(|body: &[u8]| {
    let bytes = [b"VERARCH\x01", body].concat();
    if let Ok(graph) = Graph::decode_architecture(&bytes) {
        assert_eq!(graph.encode_architecture(), bytes);
        assert_eq!(graph.without_learned(), graph);
    }
});
