//! What `--version` prints: release, commit and for which processor's arithmetic it was compiled.

use std::sync::LazyLock;

/// The commit with its date, of release builds (`build.rs`).
const COMMIT: Option<&str> = option_env!("VERINFER_COMMIT");

/// Such as `0.1.0 (abc1234 2026-11-29, avx512)`.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let origin = match COMMIT {
        Some(commit) => commit,
        None if cfg!(debug_assertions) => "development",
        None => "no commit",
    };
    format!("{} ({origin}, {})", env!("CARGO_PKG_VERSION"), arithmetic())
});

/// The instructions with which the packed field arithmetic was compiled, the first that are there.
pub const fn arithmetic() -> &'static str {
    if cfg!(all(target_arch = "x86_64", target_feature = "avx512f")) {
        "avx512"
    } else if cfg!(all(target_arch = "x86_64", target_feature = "avx2")) {
        "avx2"
    } else if cfg!(all(target_arch = "aarch64", target_feature = "neon")) {
        "neon"
    } else {
        "portable"
    }
}
