//! Long answers, of which not too many are in memory at once.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

use crate::body::SHORT;
use crate::fault::Fault;
use crate::serve::{BUFFER_BYTES, Connection};
use crate::shares::Claim;

/// Room for an answer among the bodies that are in memory. It is in use until the answer has been read, or this is dropped.
#[derive(Debug)]
pub struct Room {
    claim: Claim,
    patience: Duration,
}

/// Says of an answer that there is room for it already.
#[derive(Clone, Copy, Debug)]
pub struct Counted;

/// Bytes for which there is room.
struct Held {
    bytes: Vec<u8>,
    _room: Claim,
}

/// An answer that is read until some time at most.
struct Answer {
    rest: Bytes,
    patience: Duration,
    begun: Instant,
}

impl Room {
    /// No room yet, for the answer to a request.
    ///
    /// # Errors
    ///
    /// The request has not come through [`crate::serve`].
    pub fn of(request: &Request) -> Result<Self, Fault> {
        let connection = Connection::of(request)?;
        Ok(Self { claim: connection.claim_body(), patience: connection.patience() })
    }

    /// Takes room for so many bytes more, before they are in memory.
    ///
    /// # Errors
    ///
    /// There is none, in all or for the request's address.
    pub fn take(&mut self, bytes: usize) -> Result<(), Fault> {
        if self.claim.grow(bytes) { Ok(()) } else { Err(Fault::Full) }
    }

    /// An answer as it is, but that what is in memory of it counts until it has been read, if it is long.
    ///
    /// # Errors
    ///
    /// There is no room for it, in all or for the request's address.
    pub async fn hold(mut self, response: Response) -> Result<Response, Fault> {
        let counted = response.extensions().get::<Counted>().is_some();
        let len = response.body().size_hint().exact().and_then(|len| usize::try_from(len).ok());
        match len {
            Some(len) if len > SHORT && !counted => {
                self.take(len)?;
                let (parts, body) = response.into_parts();
                // All of it is there: nothing is waited for.
                let bytes = body.collect().await.map_err(|_| Fault::Broken)?.to_bytes();
                Ok(Response::from_parts(parts, self.answer(bytes.into())))
            }
            Some(_) | None => Ok(response),
        }
    }

    /// The body of an answer. Who has not read it when the patience of the server is over is cut off.
    pub fn answer(self, bytes: Vec<u8>) -> Body {
        let rest = Bytes::from_owner(Held { bytes, _room: self.claim });
        Body::new(Answer { rest, patience: self.patience, begun: Instant::now() })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        // Who reads nothing at all is cut off by the connection, and so does not get here.
        if self.begun.elapsed() > self.patience {
            return Poll::Ready(Some(Err(Fault::Slow { patience: self.patience })));
        }
        // What is given to the connection may be copied there: a little at a time.
        let len = self.rest.len().min(BUFFER_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
