//! A server that lies: every lie is refused with a typed error, and nothing else breaks.
