//! The description of the interface.

use axum::Json;
use utoipa::OpenApi;

use super::{api, payments};

/// The interface in OpenAPI's terms.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Verinfer escrow",
        description = "Holds money, runs the protocols of docs/protocols.md on signed requests, verifies proofs. Signatures are of the canonical encoding that the page describes, not of the JSON."
    ),
    paths(
        api::about,
        api::request,
        api::account,
        api::met_targets,
        api::agreement,
        api::leave_file,
        api::file,
        api::log,
        payments::payments,
        payments::history,
        super::health,
        super::live
    )
)]
struct Document;

/// The description.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Serves it.
pub async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
