//! [`OpenBody`]: what an observer is told when the body of a response is over.

use std::sync::Arc;

use super::{BodyEnd, CallClosed, Event, Observer, OwnedTarget, RequestClosed};

/// Tells that a request, a call, or both at once are over, when it is dropped: with their body, or because there is none.
pub(crate) struct OpenBody {
    observer: Arc<dyn Observer>,
    request: Option<Arc<OwnedTarget>>,
    call: Option<Arc<OwnedTarget>>,
    /// How the body ended: `Dropped`, until it says otherwise.
    body: Option<BodyEnd>,
}

impl OpenBody {
    pub(crate) fn request(observer: &Arc<dyn Observer>, target: Arc<OwnedTarget>) -> Self {
        let observer = Arc::clone(observer);
        Self { observer, request: Some(target), call: None, body: Some(BodyEnd::Dropped) }
    }

    pub(crate) fn call(observer: &Arc<dyn Observer>, target: Arc<OwnedTarget>) -> Self {
        let observer = Arc::clone(observer);
        Self { observer, request: None, call: Some(target), body: Some(BodyEnd::Dropped) }
    }

    /// Takes over a call of the same client, whose body is the same; gives it back when it is none.
    pub(crate) fn join(&mut self, mut call: Self) -> Option<Self> {
        if self.call.is_some() || !Arc::ptr_eq(&self.observer, &call.observer) {
            return Some(call);
        }
        self.call = call.call.take();
        None
    }

    /// The body has ended so.
    pub(crate) fn close(mut self, body: impl Into<Option<BodyEnd>>) {
        self.body = body.into();
    }
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        let body = self.body;
        if let Some(target) = &self.request {
            let event = RequestClosed { target: target.get(), body };
            self.observer.observe(&Event::RequestClosed(event));
        }
        if let Some(target) = &self.call {
            let event = CallClosed { target: target.get(), body };
            self.observer.observe(&Event::CallClosed(event));
        }
    }
}
