//! Socket and background tasks: serves until it is told to stop, calls deadlines, writes down the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::error::ServiceError;
use crate::http::{HttpLimits, Shared, router};
use crate::service::Escrow;
use crate::store::StoreError;

/// How often deadlines are looked for.
const TICK: Duration = Duration::from_millis(100);

/// How often the time is written down: at most so much of it passes again after the escrow was killed.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Within what time parties whose requests waited when the escrow was stopped have sent them again.
const RETURN: Duration = Duration::from_secs(60);

/// An escrow that serves.
#[derive(Debug)]
pub struct Server {
    escrow: Arc<Escrow>,
    listener: TcpListener,
    limits: HttpLimits,
}

impl Server {
    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn bind(escrow: Escrow, address: SocketAddr, limits: HttpLimits) -> std::io::Result<Self> {
        Ok(Self { escrow: Arc::new(escrow), listener: TcpListener::bind(address).await?, limits })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is done; then answers what was asked, and writes down the time. Ends, too, as soon as another escrow has started on the database.
    ///
    /// # Errors
    ///
    /// Another escrow has started, or the time cannot be written down at the end.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), ServiceError> {
        let Self { escrow, listener, limits } = self;
        let (stopping, stopped) = watch::channel(false);
        let (depose, deposed) = oneshot::channel();
        // No deadline is called before it is known that the time can be written down.
        write_time(&escrow).await;
        let returning = escrow.clone();
        let returned = tokio::spawn(async move {
            sleep(RETURN).await;
            returning.release();
        });
        let watchers =
            [tokio::spawn(watch_deadlines(escrow.clone(), stopped.clone())), tokio::spawn(keep_time(escrow.clone(), stopped, depose))];
        let router = router(Shared { escrow: escrow.clone(), limits });
        // What was received from whoever is cut off in the end is carried out anyway.
        let stop = async {
            tokio::select! {
                () = stop => {}
                Ok(()) = deposed => {}
            }
        };
        verinfer_http_server::serve(listener, router, limits, stop).await;
        let _ = stopping.send(true);
        returned.abort();
        for watcher in watchers {
            let _ = watcher.await;
        }
        escrow.store.set_clock(escrow.now()).await?;
        escrow.store.close().await;
        Ok(())
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

async fn watch_deadlines(escrow: Arc<Escrow>, mut stopped: watch::Receiver<bool>) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = escrow.call_deadlines().await {
            // The database may be back at the next tick; deadlines are called once time goes on.
            tracing::error!(%error, "deadlines could not be called");
        }
    }
}

/// Writes down the time, apart from deadlines: many that are due at once must not keep it from going on.
async fn keep_time(escrow: Arc<Escrow>, mut stopped: watch::Receiver<bool>, depose: oneshot::Sender<()>) {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = heartbeat.tick() => {
                if write_time(&escrow).await {
                    // Nobody listens any more only if it stops anyway.
                    let _ = depose.send(());
                    return;
                }
            }
            _ = stopped.changed() => return,
        }
    }
}

/// Writes down the time; whether another escrow has started on the database.
async fn write_time(escrow: &Escrow) -> bool {
    let Err(error) = escrow.write_time().await else { return false };
    tracing::error!(%error, "time stands still");
    matches!(error, ServiceError::Store(StoreError::Deposed))
}
