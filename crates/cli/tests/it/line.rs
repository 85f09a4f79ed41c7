//! A line between devices and a server that a test makes bad: cut as by a tunnel, torn at a byte, slow, or silent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How one connection fares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Both directions end after so many bytes of one of them, in the middle of whatever that is.
    pub(crate) torn_after: Option<usize>,
    /// Each piece takes so long.
    pub(crate) delay: Duration,
    /// A piece has so many bytes at most.
    pub(crate) piece: usize,
    /// The connection is taken, and nothing is ever heard of the other side.
    pub(crate) silent: bool,
    /// The server's side is told that nothing more comes, and still answers.
    pub(crate) half_closed_after: Option<usize>,
}

impl Weather {
    pub(crate) const FINE: Self = Self {
        torn_after: None,
        delay: Duration::ZERO,
        piece: 1 << 16,
        silent: false,
        half_closed_after: None,
    };

    /// The weather of each connection, for which a seed stands.
    pub(crate) fn seeded(seed: u64) -> impl FnMut() -> Self + Send {
        let mut state = seed;
        move || {
            let mut below = |most: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from((state >> 33) % most).unwrap()
            };
            let (kind, bytes) = (below(6), below(12_000));
            let delay = Duration::from_millis(u64::try_from(below(20)).unwrap());
            match kind {
                // The upgrade to a WebSocket takes some 200 bytes of either side.
                0 => Self { torn_after: Some(bytes % 300), ..Self::FINE },
                1 | 2 => Self { torn_after: Some(bytes), delay, ..Self::FINE },
                3 => Self { piece: 200, delay: Duration::from_millis(10), ..Self::FINE },
                4 => Self { half_closed_after: Some(bytes), delay, ..Self::FINE },
                _ => Self { silent: bytes % 2 == 0, delay, ..Self::FINE },
            }
        }
    }
}

/// Connections that are carried, or `None` while the line is cut.
type Open = Arc<Mutex<Option<Vec<TcpStream>>>>;
type Forecast = Arc<Mutex<Box<dyn FnMut() -> Weather + Send>>>;

/// The line.
pub(crate) struct Line {
    port: u16,
    open: Open,
    forecast: Forecast,
}

impl Line {
    /// A good line to this address (host and port).
    pub(crate) fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let open: Open = Arc::new(Mutex::new(Some(Vec::new())));
        let forecast: Forecast = Arc::new(Mutex::new(Box::new(|| Weather::FINE)));
        let address = address.to_owned();
        let (shared, weathers) = (Arc::clone(&open), Arc::clone(&forecast));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let mut open = shared.lock().unwrap();
                let Some(carried) = open.as_mut() else { continue };
                let weather = weathers.lock().unwrap()();
                if weather.silent {
                    carried.push(near);
                    continue;
                }
                let Ok(far) = TcpStream::connect(&address) else { continue };
                for (from, to, out) in [(&near, &far, true), (&far, &near, false)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || carry(from, to, weather, out));
                }
                carried.extend([near, far]);
            }
        });
        Self { port, open, forecast }
    }

    /// Where devices find the server.
    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Connections from now on fare like this, and those that there are end.
    pub(crate) fn turn(&self, weather: impl FnMut() -> Weather + Send + 'static) {
        *self.forecast.lock().unwrap() = Box::new(weather);
        self.cut();
        self.mend();
    }

    /// Cuts it: nothing comes through, and nobody is told why.
    pub(crate) fn cut(&self) {
        for stream in self.open.lock().unwrap().take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Mends it.
    pub(crate) fn mend(&self) {
        *self.open.lock().unwrap() = Some(Vec::new());
    }
}

/// Carries one direction; `out` is the one to the server.
fn carry(mut from: TcpStream, mut to: TcpStream, weather: Weather, out: bool) {
    let mut buffer = vec![0; weather.piece];
    let mut carried = 0;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        std::thread::sleep(weather.delay);
        let left = weather.torn_after.map_or(length, |end| length.min(end - carried));
        if to.write_all(&buffer[..left]).is_err() {
            break;
        }
        carried += left;
        if weather.torn_after == Some(carried) {
            break;
        }
        if out && weather.half_closed_after.is_some_and(|end| carried >= end) {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
