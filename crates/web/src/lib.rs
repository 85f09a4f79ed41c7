//! The web app's pages: what a person sees of Diario in a browser.
#![forbid(unsafe_code)]
