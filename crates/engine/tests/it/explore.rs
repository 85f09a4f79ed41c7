//! Scratch.
use std::collections::BTreeMap;
use std::sync::Mutex;
static LAST: Mutex<String> = Mutex::new(String::new());
#[test]
#[ignore]
fn explore() {
    std::panic::set_hook(Box::new(|info| {
        *LAST.lock().unwrap() = info.to_string().replace('\n', " ");
    }));
    let mut seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1u64);
    let secs: u64 = std::env::var("SECS").ok().and_then(|s| s.parse().ok()).unwrap_or(60);
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let begin = std::time::Instant::now();
    let mut buckets: BTreeMap<String, (usize, Vec<u8>)> = BTreeMap::new();
    let mut runs = 0;
    let fail = |tape: &[u8]| -> Option<String> {
        std::panic::catch_unwind(|| crate::drive::play(tape))
            .err()
            .map(|_| LAST.lock().unwrap().chars().take(160).collect())
    };
    while begin.elapsed().as_secs() < secs {
        let len = (next() % 300) as usize;
        let mut tape: Vec<u8> = (0..len).map(|_| (next() >> 33) as u8).collect();
        if next() % 8 != 0 {
            let mut b = vec![9, 0, 0];
            b.extend([0, 7].repeat(8));
            b.extend(tape);
            tape = b;
        }
        runs += 1;
        if let Some(key) = fail(&tape) {
            let e = buckets.entry(key.clone()).or_insert((0, tape.clone()));
            e.0 += 1;
            if e.0 == 1 {
                // shrink
                let mut best = tape.clone();
                let t = std::time::Instant::now();
                let mut chunk = best.len() / 2;
                while chunk >= 1 && t.elapsed().as_secs() < 12 {
                    let mut at = 0;
                    while at < best.len() && t.elapsed().as_secs() < 12 {
                        let mut c = best.clone();
                        let end = (at + chunk).min(c.len());
                        c.drain(at..end);
                        if fail(&c).as_ref() == Some(&key) {
                            best = c;
                        } else {
                            at += chunk;
                        }
                    }
                    chunk /= 2;
                }
                e.1 = best;
            }
        }
    }
    eprintln!("{runs} runs");
    for (k, (n, tape)) in buckets {
        eprintln!("{n}x {k}\n   {tape:?}");
    }
}
