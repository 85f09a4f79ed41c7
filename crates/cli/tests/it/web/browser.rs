//! A real Chromium with a profile of its own, spoken to through chromedriver.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fantoccini::error::CmdError;
use fantoccini::wd::{TimeoutConfiguration, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Where tests leave pictures and logs when they fail.
pub(crate) fn kept() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/web-tests");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The driver's connections live here; tests themselves are plain functions.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

/// What kind of browser.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// A phone's: narrow, dense, touched.
    pub(crate) phone: bool,
    /// The languages that its user reads.
    pub(crate) languages: &'static str,
    /// What the window shows, in CSS pixels.
    pub(crate) size: (u32, u32),
}

impl Kind {
    pub(crate) const PHONE: Self = Self { phone: true, languages: "en-US,en", size: (390, 844) };
    pub(crate) const DESKTOP: Self = Self { phone: false, languages: "en-US,en", size: (1440, 900) };
}

/// A browser. When it is dropped, what it has to complain about fails the test.
pub(crate) struct Browser {
    driver: Child,
    client: Option<Client>,
    profile: TempDir,
    name: String,
    /// Lines of the console and requests that were read and not judged yet.
    console: Vec<String>,
    requests: Vec<String>,
    origins: Vec<String>,
    /// Whether the test takes the network away.
    pub(crate) loses_network: bool,
}

impl Browser {
    /// Starts one; `name` is for messages.
    pub(crate) fn start(name: &str, kind: &Kind) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // Opened when a page wants the camera: a test writes it before that.
        std::fs::write(camera(profile.path()), super::camera::nothing()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("no chromedriver; `cargo xtask test` installs it");
        let capabilities = capabilities(profile.path(), kind);
        let client = RUNTIME.block_on(async {
            let url = format!("http://127.0.0.1:{port}");
            let end = Instant::now() + Duration::from_secs(30);
            loop {
                let mut builder = ClientBuilder::new(HttpConnector::new());
                match builder.capabilities(capabilities.clone()).connect(&url).await {
                    Ok(client) => break client,
                    Err(e) if Instant::now() > end => panic!("no browser: {e}"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        let browser = Self {
            driver,
            client: Some(client),
            profile,
            name: name.to_owned(),
            console: Vec::new(),
            requests: Vec::new(),
            origins: Vec::new(),
            loses_network: false,
        };
        let mut timeouts = TimeoutConfiguration::default();
        timeouts.set_script(Some(Duration::from_mins(2)));
        browser.drive(|client| async move { client.update_timeouts(timeouts).await }).unwrap();
        if !kind.phone {
            // The window's size is that of its frame.
            let (width, height) = kind.size;
            let inside = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            browser.cdp("Emulation.setDeviceMetricsOverride", inside);
        }
        browser
    }

    /// Waits for something of the driver.
    fn drive<F, T>(&self, what: impl FnOnce(Client) -> F) -> T
    where
        F: Future<Output = T>,
    {
        RUNTIME.block_on(what(self.client.clone().unwrap()))
    }

    /// Loads an address. From now on this browser may speak to its server.
    pub(crate) fn goto(&mut self, address: &str) {
        let origin = url::Url::parse(address).unwrap().origin().ascii_serialization();
        if !self.origins.contains(&origin) {
            self.origins.push(origin);
        }
        self.drive(|client| async move { client.goto(address).await }).unwrap();
    }

    /// Loads the page again.
    pub(crate) fn reload(&self) {
        self.drive(|client| async move { client.refresh().await }).unwrap();
    }

    /// One page back, as the phone's gesture does.
    pub(crate) fn back(&self) {
        self.drive(|client| async move { client.back().await }).unwrap();
    }

    /// The address that the page shows.
    pub(crate) fn path(&self) -> String {
        self.drive(|client| async move { client.current_url().await }).unwrap().path().to_owned()
    }

    /// Opens another tab and looks at it. Its place in the row of tabs.
    pub(crate) fn new_tab(&self) -> usize {
        self.drive(|client| async move {
            let tab = client.new_window(true).await.unwrap();
            client.switch_to_window(tab.handle).await.unwrap();
            client.windows().await.unwrap().len() - 1
        })
    }

    /// Looks at another tab.
    pub(crate) fn look_at(&self, tab: usize) {
        self.drive(|client| async move {
            let tabs = client.windows().await.unwrap();
            client.switch_to_window(tabs[tab].clone()).await.unwrap();
        });
    }

    /// Closes the tab that is looked at, and looks at another one.
    pub(crate) fn close_tab(&self) {
        self.drive(|client| async move {
            client.close_window().await.unwrap();
            let tabs = client.windows().await.unwrap();
            client.switch_to_window(tabs[0].clone()).await.unwrap();
        });
    }

    /// A command of the debugging protocol of Chromium, to the page that is looked at.
    pub(crate) fn try_cdp(&self, method: &str, parameters: Value) -> Result<Value, String> {
        let command = Cdp(method.to_owned(), parameters);
        self.drive(|client| async move { client.issue_cmd(command).await }).map_err(|e| e.to_string())
    }

    /// The same; it must succeed.
    pub(crate) fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.try_cdp(method, parameters).unwrap_or_else(|e| panic!("{}: {method}: {e}", self.name))
    }

    /// Runs the body of an async function in the page.
    pub(crate) fn script(&self, body: &str) -> Value {
        self.try_script(body).unwrap()
    }

    /// The same in a page that may be about to go, and then never answers.
    pub(crate) fn try_script(&self, body: &str) -> Result<Value, CmdError> {
        let code = format!(
            "const done = arguments[arguments.length - 1]; \
             (async () => {{ {body} }})().then(v => done([v ?? null]), e => done(String(e)));"
        );
        let answer = self.drive(|client| async move { client.execute_async(&code, Vec::new()).await })?;
        match answer {
            Value::Array(mut value) => Ok(value.remove(0)),
            error => panic!("{}: {body}: {error}", self.name),
        }
    }

    /// What the page looks like, as PNG.
    pub(crate) fn picture(&self) -> Vec<u8> {
        self.drive(|client| async move { client.screenshot().await }).unwrap()
    }

    /// What the camera sees from the next time on that it is opened.
    pub(crate) fn show_to_camera(&self, text: &str) {
        std::fs::write(camera(self.profile.path()), super::camera::film(text)).unwrap();
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes over what the driver has noted of the tab that is looked at.
    fn take_logs(&mut self) {
        for (kind, parse) in [("browser", line as fn(&Value) -> Option<String>), ("performance", request)] {
            let log = self.drive(|client| async move { client.issue_cmd(Log(kind)).await });
            let Ok(Value::Array(entries)) = log else { continue };
            let taken = entries.iter().filter_map(parse);
            if kind == "browser" {
                self.console.extend(taken);
            } else {
                self.requests.extend(taken);
            }
        }
    }

    /// What the console complained about, and requests to anybody else, since this was last asked.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.take_logs();
        let harmless = |line: &String| {
            self.loses_network
                && (line.contains("net::ERR_") || line.contains("WebSocket connection to"))
                && !line.contains("Content Security Policy")
        };
        let own = |address: &String| {
            // A socket's origin is written with a scheme of its own.
            let address = address.replacen("ws", "http", usize::from(address.starts_with("ws")));
            ["data:", "blob:", "chrome:", "about:"].iter().any(|scheme| address.starts_with(scheme))
                || self.origins.iter().any(|o| address == *o || address.starts_with(&format!("{o}/")))
        };
        let lines = std::mem::take(&mut self.console).into_iter().filter(|line| !harmless(line));
        let strange = std::mem::take(&mut self.requests).into_iter().filter(|address| !own(address));
        lines.chain(strange.map(|address| format!("a request to {address}"))).collect()
    }

    /// Fails if there is anything to complain about.
    pub(crate) fn check(&mut self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "{}: {complaints:#?}", self.name);
    }

    /// Leaves a picture and the console of every tab for whoever looks into the failure.
    fn keep_what_is_seen(&mut self) {
        let thread = std::thread::current();
        let case = thread.name().unwrap_or("test").replace("::", "-");
        let file = kept().join(format!("{case}-{}", self.name));
        self.take_logs();
        let tree =
            self.try_cdp("Accessibility.getFullAXTree", json!({})).map_or(String::new(), |t| outline(&t));
        let text = format!("{}\n\n{tree}", self.console.join("\n"));
        let _ = std::fs::write(file.with_extension("txt"), text);
        if let Ok(picture) = self.drive(|client| async move { client.screenshot().await }) {
            let _ = std::fs::write(file.with_extension("png"), picture);
        }
        eprintln!("{}: see {}.png and .txt", self.name, file.display());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        let judged = if failed {
            self.keep_what_is_seen();
            Ok(())
        } else {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.check()))
        };
        if judged.is_err() {
            self.keep_what_is_seen();
        }
        if let Some(client) = self.client.take() {
            // Without this the browser would stay when its driver ends.
            let _ = RUNTIME.block_on(client.close());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        if let Err(cause) = judged {
            std::panic::resume_unwind(cause);
        }
    }
}

fn camera(profile: &Path) -> PathBuf {
    profile.join("camera.y4m")
}

fn capabilities(profile: &Path, kind: &Kind) -> Map<String, Value> {
    let (width, height) = kind.size;
    let mut args: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
    ]
    .map(str::to_owned)
    .into();
    args.push(format!("--use-file-for-fake-video-capture={}", camera(profile).display()));
    args.push(format!("--user-data-dir={}", profile.join("profile").display()));
    args.push(format!("--window-size={width},{height}"));
    args.push(format!("--lang={}", kind.languages.split(',').next().unwrap_or("en-US")));
    let mut options = json!({
        "args": args,
        "prefs": { "intl.accept_languages": kind.languages, "intl.selected_languages": kind.languages },
        "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false },
    });
    if kind.phone {
        options["mobileEmulation"] = json!({
            "deviceMetrics": { "width": width, "height": height, "pixelRatio": 3.0, "touch": true, "mobile": true },
            "userAgent": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/150.0.0.0 Mobile Safari/537.36",
        });
    }
    let capabilities = json!({
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    });
    capabilities.as_object().unwrap().clone()
}

/// What is worth failing for, of an entry in the browser's log.
fn line(entry: &Value) -> Option<String> {
    let text = entry["message"].as_str()?;
    // Violations are of one level or another; the words are always there.
    let bad = entry["level"] == "SEVERE"
        || text.contains("Content Security Policy")
        || text.contains("TrustedScript");
    bad.then(|| text.to_owned())
}

/// The address of a request, of an entry in the log of events.
fn request(entry: &Value) -> Option<String> {
    let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
    let event = &event["message"];
    let address = match event["method"].as_str()? {
        "Network.requestWillBeSent" => &event["params"]["request"]["url"],
        "Network.webSocketCreated" => &event["params"]["url"],
        _ => return None,
    };
    address.as_str().map(ToOwned::to_owned)
}

/// Roles and names of everything on a page.
fn outline(tree: &Value) -> String {
    let nodes = tree["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said = nodes.iter().filter(|node| node["ignored"] == false).filter_map(|node| {
        let name = node["name"]["value"].as_str().unwrap_or_default();
        let role = node["role"]["value"].as_str()?;
        (!name.is_empty() && role != "InlineTextBox").then(|| format!("{role}: {name}\n"))
    });
    said.collect()
}

/// A command of the debugging protocol of Chromium, by chromedriver.
#[derive(Debug)]
struct Cdp(String, Value);

impl WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

/// What the driver has noted since it was last asked.
#[derive(Debug)]
struct Log(&'static str);

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": self.0 }).to_string()))
    }
}
