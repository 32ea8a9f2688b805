//! [`Runtime`]: two threads on which the client lives, and a way to wait for it from any thread.
//!
//! It refuses `block_on`, which panics on a thread that belongs to another asynchronous runtime, and it never
//! waits for its threads when it is dropped, for the same reason.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Drives sockets and timers.
pub(super) struct Runtime {
    /// Taken only when dropped.
    inner: Option<tokio::runtime::Runtime>,
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Runtime {
    pub(super) fn start() -> io::Result<Self> {
        let inner = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .thread_name("ocelet-net")
            .enable_io()
            .enable_time()
            .build()?;
        Ok(Self { inner: Some(inner) })
    }

    /// Waits for `future` by parking this thread between its steps.
    pub(super) fn wait_for<F: Future>(&self, future: F) -> F::Output {
        // Timers and sockets that the future makes belong to our threads.
        let _entered = self.inner.as_ref().map(tokio::runtime::Runtime::enter);
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            inner.shutdown_background();
        }
    }
}
