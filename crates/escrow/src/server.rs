//! The socket: serves until it is told to stop.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use verinfer_http_server::Front;

use crate::error::ServiceError;
use crate::http::{Door, HttpLimits};
use crate::lead::Candidate;
use crate::operations::Lead;

/// A process of an escrow that serves while it leads.
#[derive(Debug)]
pub struct Server {
    candidate: Candidate,
    listener: TcpListener,
    front: Front,
    limits: HttpLimits,
    lead: Lead,
}

impl Server {
    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn bind(candidate: Candidate, address: SocketAddr, limits: HttpLimits) -> std::io::Result<Self> {
        Ok(Self { candidate, listener: TcpListener::bind(address).await?, front: Front::default(), limits, lead: Lead::default() })
    }

    /// Behind this, instead of nothing.
    pub fn behind(mut self, front: Front) -> Self {
        self.front = front;
        self
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What [`crate::operations`] watches: the escrow, while this process leads.
    pub fn lead(&self) -> Lead {
        self.lead.clone()
    }

    /// Leads or stands by until `stop` is done; then answers what was asked, and writes down the time.
    ///
    /// # Errors
    ///
    /// The database is none that this escrow can lead on, or the time cannot be written down at the end.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), ServiceError> {
        let Self { mut candidate, listener, front, limits, lead } = self;
        let store = candidate.store();
        let door = Door::new(lead, store.for_reading());
        let (stopping, stopped) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        // Where nobody else leads, nobody is told to come again.
        let first = candidate.attempt(&door, limits).await?;
        let leading = {
            let door = door.clone();
            tokio::spawn(async move {
                let result = candidate.run(first, &door, limits, stopped).await;
                // Nobody listens any more if it stops anyway.
                let _ = end.send(());
                result
            })
        };
        // What was received from whoever is cut off in the end is carried out anyway.
        let stop = async {
            tokio::select! {
                () = stop => {}
                Ok(()) = ended => {}
            }
        };
        verinfer_http_server::serve(listener, front, door.router(), limits, stop).await;
        let _ = stopping.send(true);
        let result = leading.await.unwrap_or(Err(ServiceError::Stopping));
        store.close().await;
        result
    }
}

/// Done when the process is asked to stop.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without signals only a kill stops it, which it survives.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
