//! The WebSocket to the server.

use std::rc::Weak;

use diario_protocol::limits::SERVER_FRAME;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// Who hears what a socket says.
pub(super) trait Listener {
    /// It is open.
    fn opened(&self, number: u64);
    /// A frame came.
    fn frame(&self, number: u64, frame: Vec<u8>);
    /// It is over.
    fn closed(&self, number: u64, why: String);
}

/// A WebSocket, closed when dropped.
pub(super) struct Socket {
    inner: WebSocket,
    /// Which of the driver's sockets this is: what an earlier one still says is not heard.
    pub(super) number: u64,
    _opened: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _closed: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    pub(super) fn connect<L: Listener + 'static>(
        url: &str,
        number: u64,
        listener: &Weak<L>,
    ) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let to = listener.clone();
        let opened = Closure::<dyn FnMut()>::new(move || {
            if let Some(listener) = to.upgrade() {
                listener.opened(number);
            }
        });
        let to = listener.clone();
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(listener) = to.upgrade() else { return };
            match event.data().dyn_into::<ArrayBuffer>() {
                Ok(frame) if frame.byte_length() as usize > SERVER_FRAME => {
                    listener.closed(number, "the server sent a frame that is too large".into());
                }
                Ok(frame) => listener.frame(number, Uint8Array::new(&frame).to_vec()),
                Err(_) => listener.closed(number, "the server sent text".into()),
            }
        });
        let to = listener.clone();
        // An error is followed by this, which says no less.
        let closed = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            if let Some(listener) = to.upgrade() {
                listener.closed(number, format!("the connection was closed ({})", event.code()));
            }
        });
        socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Ok(Self { inner: socket, number, _opened: opened, _message: message, _closed: closed })
    }

    pub(super) fn send(&self, frame: &[u8]) -> Result<(), JsValue> {
        self.inner.send_with_u8_array(frame)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        // What is closed already does not mind.
        let _ = self.inner.close();
    }
}
