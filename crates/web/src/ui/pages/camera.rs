//! Reads QR codes by the camera.

use std::rc::Rc;

use js_sys::Object;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlVideoElement, MediaStream, MediaStreamTrack};

use super::parts::{Busy, pause};
use crate::actions;
use crate::state::{State, use_state};
use crate::text::text;

/// The longer side of the pictures that are searched for a code, in pixels.
const SIDE: f64 = 640.0;
/// How long to wait between two pictures, in milliseconds.
const PAUSE_MS: u64 = 200;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoCamera {
    /// The user, or whoever looks after the browser, has refused it.
    Refused,
    /// There is none, or another program has it.
    Missing,
}

/// What the camera sees. It is on for as long as this is shown.
#[component]
pub(super) fn Camera(
    /// Called with the text of a code that is seen; again for the next one.
    #[prop(into)]
    on_code: Callback<String>,
    /// Called when there is no picture to be had.
    #[prop(into)]
    on_failure: Callback<NoCamera>,
) -> impl IntoView {
    let state = use_state();
    let video = NodeRef::<html::Video>::new();
    let seen = RwSignal::new(false);
    let gone = StoredValue::new(false);
    let stream = StoredValue::new_local(None::<Open>);
    on_cleanup(move || {
        gone.set_value(true);
        // Dropped, the camera is off.
        stream.set_value(None);
    });
    video.on_load(move |video: HtmlVideoElement| {
        leptos::task::spawn_local(async move {
            let opened = match Open::camera().await {
                Ok(opened) => opened,
                Err(why) => {
                    if !gone.try_get_value().unwrap_or(true) {
                        on_failure.try_run(why);
                    }
                    return;
                }
            };
            // Left while the browser asked: what was just opened is closed by being dropped.
            if gone.try_get_value().unwrap_or(true) {
                return;
            }
            video.set_src_object(Some(&opened.0));
            stream.set_value(Some(opened));
            if let Ok(playing) = video.play()
                && JsFuture::from(playing).await.is_ok()
                && !gone.try_get_value().unwrap_or(true)
            {
                seen.try_set(true);
                watch(state, video, gone, on_code).await;
            }
        });
    });
    view! {
        <div class="camera">
            <video
                node_ref=video
                class="camera-picture"
                class:seen=seen
                prop:muted=true
                playsinline=true
                aria-label=text("camera-label")
            ></video>
            <div class="camera-frame" aria-hidden=true.to_string()></div>
            <Show when=move || !seen.get()>
                <Busy what=text("camera-starting")/>
            </Show>
        </div>
    }
}

/// A camera that is on.
struct Open(MediaStream);

impl Open {
    async fn camera() -> Result<Self, NoCamera> {
        let devices = window().navigator().media_devices().map_err(|_| NoCamera::Missing)?;
        if devices.is_undefined() {
            return Err(NoCamera::Missing);
        }
        let wanted = web_sys::MediaTrackConstraints::new();
        let set = |of: &Object, name: &str, value: JsValue| {
            // Setting a property of a plain object cannot fail.
            let _ = js_sys::Reflect::set(of, &name.into(), &value);
        };
        let ideal = |value: JsValue| {
            let object = Object::new();
            set(&object, "ideal", value);
            object.into()
        };
        set(&wanted, "facingMode", ideal("environment".into()));
        set(&wanted, "width", ideal(1280.into()));
        let constraints = web_sys::MediaStreamConstraints::new();
        constraints.set_video(&wanted);
        let asked = devices.get_user_media_with_constraints(&constraints).map_err(|_| NoCamera::Missing)?;
        match JsFuture::from(asked).await {
            Ok(stream) => Ok(Self(stream.unchecked_into())),
            Err(e) => {
                let name = js_sys::Reflect::get(&e, &"name".into()).ok().and_then(|name| name.as_string());
                Err(match name.as_deref() {
                    Some("NotAllowedError" | "SecurityError") => NoCamera::Refused,
                    _ => NoCamera::Missing,
                })
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for track in self.0.get_tracks() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
    }
}

/// Looks for a code in what the camera sees, until the view is gone.
async fn watch(state: State, video: HtmlVideoElement, gone: StoredValue<bool>, on_code: Callback<String>) {
    let Some(still) = Still::new() else { return };
    let mut last = None;
    while !gone.try_get_value().unwrap_or(true) {
        if let Some((width, height, luma)) = still.take(&video)
            && let Ok(Some(code)) = actions::scan(state, width, height, luma).await
            && last.as_ref() != Some(&code)
            && !gone.try_get_value().unwrap_or(true)
        {
            last = Some(code.clone());
            on_code.try_run(code);
        }
        pause(PAUSE_MS).await;
    }
}

/// Where a picture of the video is looked at.
struct Still {
    canvas: HtmlCanvasElement,
    context: Rc<CanvasRenderingContext2d>,
}

impl Still {
    fn new() -> Option<Self> {
        let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
        let options = Object::new();
        // Its pixels are read each time: it is not to be drawn on the graphics card.
        let _ = js_sys::Reflect::set(&options, &"willReadFrequently".into(), &JsValue::TRUE);
        let context = canvas.get_context_with_context_options("2d", &options).ok()??.dyn_into().ok()?;
        Some(Self { canvas, context: Rc::new(context) })
    }

    /// Width, height and the brightness of each pixel.
    fn take(&self, video: &HtmlVideoElement) -> Option<(u32, u32, Vec<u8>)> {
        let (width, height) = (f64::from(video.video_width()), f64::from(video.video_height()));
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let scale = (SIDE / width.max(height)).min(1.0);
        let (width, height) = ((width * scale).round().max(1.0), (height * scale).round().max(1.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 640")]
        let (columns, rows) = (width as u32, height as u32);
        if self.canvas.width() != columns || self.canvas.height() != rows {
            self.canvas.set_width(columns);
            self.canvas.set_height(rows);
        }
        self.context.draw_image_with_html_video_element_and_dw_and_dh(video, 0.0, 0.0, width, height).ok()?;
        let pixels = self.context.get_image_data(0.0, 0.0, width, height).ok()?.data();
        let luma = pixels.chunks_exact(4).map(|pixel| luma(pixel[0], pixel[1], pixel[2])).collect();
        Some((columns, rows, luma))
    }
}

/// Brightness by ITU-R BT.601, in whole numbers.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}
