//! Where requests go: to the escrow while this process leads, and else to who says that it does not.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt as _;

use crate::operations::Lead;
use crate::store::Store;

use super::{Shared, admitting, router, standby};

/// Where requests go.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    router: Arc<RwLock<Router>>,
    /// For who watches this process.
    lead: Lead,
    /// For who asks while it stands by.
    store: Store,
}

impl Door {
    /// To nobody yet.
    pub fn new(lead: Lead, store: Store) -> Self {
        Self { router: Arc::new(RwLock::new(standby(store.clone()))), lead, store }
    }

    /// Everything that can be asked for, by where requests go when they come.
    pub fn router(&self) -> Router {
        let door = self.clone();
        admitting(Router::new().fallback(move |request: Request| door.pass(request)))
    }

    /// Requests go to an escrow from here on.
    pub fn open(&self, shared: Shared) {
        self.lead.set(Some(shared.escrow.clone()));
        self.lead_to(router(shared));
    }

    /// Requests go to nobody from here on. Those that have gone to an escrow stay there.
    pub fn close(&self) {
        self.lead.set(None);
        self.lead_to(standby(self.store.clone()));
    }

    fn lead_to(&self, router: Router) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = router;
    }

    fn pass(&self, request: Request) -> impl Future<Output = Response> + use<> {
        let router = self.router.read().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            let Ok(response) = router.oneshot(request).await;
            response
        }
    }
}
