//! WhatsApp's exports, `.txt` and `.zip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_import::fuzz::whatsapp(bytes);
});
