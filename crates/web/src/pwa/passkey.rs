//! Passkeys as a way to recover an account: what their PRF gives (`WebAuthn` level 3, "prf"), and nothing else of them.
//!
//! Nobody checks an assertion here, and no server knows of the passkey: the keys that are derived from the PRF's output
//! prove themselves.

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::reach;
use crate::actions;

/// What the PRF is asked about, the same for ever: another one would give another secret.
const SALT: &[u8] = b"diario recovery passkey v1";
/// COSE algorithms: `ES256`, `EdDSA`, `RS256`; whichever, its signature is not used.
const ALGORITHMS: [i32; 3] = [-7, -8, -257];

/// A passkey that was used or made.
pub(crate) struct Passkey {
    /// Its credential id.
    pub(crate) credential: Vec<u8>,
    /// Whom it is of: the account's id.
    pub(crate) handle: Vec<u8>,
    /// What its PRF gives.
    pub(crate) output: [u8; 32],
}

/// Why there is no passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The browser has none.
    Unsupported,
    /// It was called off, or took too long, or there is none for this account.
    CalledOff,
    /// It exists, and has no PRF: it cannot keep a secret for Diario.
    WithoutPrf,
}

/// Whether the browser has passkeys.
pub(crate) fn is_supported() -> bool {
    !reach::get(&window(), "PublicKeyCredential").is_undefined()
        && !reach::get(&window().navigator(), "credentials").is_undefined()
}

/// Makes a passkey for an account; the browser asks its user.
pub(crate) async fn create(account: &[u8], username: &str) -> Result<Passkey, Fault> {
    let algorithms: Array = ALGORITHMS
        .iter()
        .map(|algorithm| object(&[("type", "public-key".into()), ("alg", (*algorithm).into())]))
        .collect();
    let user = object(&[
        ("id", Uint8Array::from(account).into()),
        ("name", username.into()),
        ("displayName", username.into()),
    ]);
    let selection = object(&[
        ("residentKey", "required".into()),
        ("requireResidentKey", true.into()),
        ("userVerification", "required".into()),
    ]);
    let options = object(&[
        ("rp", object(&[("name", "Diario".into())])),
        ("user", user),
        ("challenge", challenge()),
        ("pubKeyCredParams", algorithms.into()),
        ("authenticatorSelection", selection),
        ("extensions", prf()),
    ]);
    let made = call("create", &options).await?;
    let (credential, results) = read(&made);
    let handle = account.to_vec();
    if let Some(output) = output(&results) {
        return Ok(Passkey { credential, handle, output });
    }
    if reach::get(&results, "enabled") != true {
        return Err(Fault::WithoutPrf);
    }
    // Many authenticators give it only when the passkey is used.
    let again = get(Some(&credential)).await?;
    Ok(Passkey { credential, handle, output: again.output })
}

/// Uses a passkey: this one, or one that its user chooses.
pub(crate) async fn get(credential: Option<&[u8]>) -> Result<Passkey, Fault> {
    let mut entries =
        vec![("challenge", challenge()), ("userVerification", "required".into()), ("extensions", prf())];
    if let Some(id) = credential {
        let allowed = object(&[("type", "public-key".into()), ("id", Uint8Array::from(id).into())]);
        entries.push(("allowCredentials", Array::of1(&allowed).into()));
    }
    let used = call("get", &object(&entries)).await?;
    let (credential, results) = read(&used);
    let output = output(&results).ok_or(Fault::WithoutPrf)?;
    let handle = reach::get(&reach::get(&used, "response"), "userHandle");
    let handle = if handle.is_object() { Uint8Array::new(&handle).to_vec() } else { Vec::new() };
    Ok(Passkey { credential, handle, output })
}

/// Calls `navigator.credentials`.
async fn call(method: &str, options: &JsValue) -> Result<JsValue, Fault> {
    let credentials = reach::get(&window().navigator(), "credentials");
    let function: js_sys::Function =
        reach::get(&credentials, method).dyn_into().map_err(|_| Fault::Unsupported)?;
    let asked = function.call1(&credentials, &object(&[("publicKey", options.clone())]));
    let promise: Promise = asked.map_err(|_| Fault::Unsupported)?.unchecked_into();
    let credential = JsFuture::from(promise).await.map_err(|_| Fault::CalledOff)?;
    if credential.is_object() { Ok(credential) } else { Err(Fault::CalledOff) }
}

/// The id of a credential, and what its PRF said.
fn read(credential: &JsValue) -> (Vec<u8>, JsValue) {
    let id = Uint8Array::new(&reach::get(credential, "rawId")).to_vec();
    let results = reach::get(credential, "getClientExtensionResults")
        .dyn_into::<js_sys::Function>()
        .ok()
        .and_then(|results| results.call0(credential).ok())
        .unwrap_or(JsValue::UNDEFINED);
    (id, reach::get(&results, "prf"))
}

fn output(prf: &JsValue) -> Option<[u8; 32]> {
    let first = reach::get(&reach::get(prf, "results"), "first");
    if !first.is_object() {
        return None;
    }
    Uint8Array::new(&first).to_vec().try_into().ok()
}

fn prf() -> JsValue {
    object(&[("prf", object(&[("eval", object(&[("first", Uint8Array::from(SALT).into())]))]))])
}

/// Nobody looks at the signature over it, but there has to be one.
fn challenge() -> JsValue {
    Uint8Array::from(actions::random().as_bytes().as_slice()).into()
}

fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        // Fails for frozen objects only.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}
