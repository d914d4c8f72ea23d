//! A real browser: Chromium, driven over WebDriver. Where it is not installed, the test says so and passes, unless
//! `ONLYCAR_REQUIRE_BROWSER=1` asks for it; so it is with axe, which knows what keeps people from using a page.

use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use super::npm;

const READY: &str = "was started successfully on port ";

/// A window, and the driver that it hangs on.
pub struct Browser {
    pub page: Client,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    pub async fn start() -> Option<Self> {
        if ![Self::finds("chromedriver").await, Self::finds("chromium").await].contains(&false) {
            return Some(Self::open().await);
        }
        assert!(
            !Self::is_required(),
            "chromium and chromedriver are not installed"
        );
        println!("not tested: no browser (apt-get install chromium chromium-driver)");
        None
    }

    fn is_required() -> bool {
        std::env::var_os("ONLYCAR_REQUIRE_BROWSER").is_some_and(|value| value == "1")
    }

    /// The program of axe, for [`Browser::barriers`].
    pub fn axe() -> Option<String> {
        let file = npm::folder().join("node_modules/axe-core/axe.min.js");
        if let Ok(program) = std::fs::read_to_string(&file) {
            return Some(program);
        }
        assert!(!Self::is_required(), "{} is not there", file.display());
        println!("not tested: axe is not installed (.ci/run shows how)");
        None
    }

    async fn finds(program: &str) -> bool {
        let mut asked = Command::new(program);
        asked
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        asked.status().await.is_ok_and(|status| status.success())
    }

    async fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("the driver says its port");
            if let Some((_, port)) = line.split_once(READY) {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // It must be able to write on.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let profile = tempfile::tempdir().unwrap();
        let wishes = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=1280,900", format!("--user-data-dir={}", profile.path().display()),
            ] },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(wishes) = wishes else {
            unreachable!()
        };
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wishes)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self {
            page,
            _driver: driver,
            _profile: profile,
        }
    }

    pub async fn go(&self, url: &str) {
        self.page.goto(url).await.unwrap();
    }

    /// The text of what this selects.
    pub async fn text(&self, css: &str) -> String {
        let found = self
            .page
            .wait()
            .at_most(Duration::from_secs(20))
            .for_element(Locator::Css(css))
            .await;
        found
            .unwrap_or_else(|error| panic!("{css}: {error}"))
            .text()
            .await
            .unwrap()
    }

    /// Presses what this selects.
    pub async fn press(&self, css: &str) {
        let found = self
            .page
            .wait()
            .at_most(Duration::from_secs(20))
            .for_element(Locator::Css(css))
            .await;
        found
            .unwrap_or_else(|error| panic!("{css}: {error}"))
            .click()
            .await
            .unwrap();
    }

    /// Whether the page can be wider than the window.
    pub async fn is_too_wide(&self) -> bool {
        let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        self.page
            .execute(wide, Vec::new())
            .await
            .unwrap()
            .as_bool()
            .unwrap()
    }

    /// What keeps people from using the page by WCAG 2.2, levels A and AA: the rule, and where.
    pub async fn barriers(&self, axe: &str) -> Vec<String> {
        self.page.execute(axe, Vec::new()).await.unwrap();
        let look = "const told = arguments[arguments.length - 1];
            axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(
                (found) => told(found.violations.flatMap((rule) => rule.nodes.map(
                    (node) => `${rule.id} at ${node.target}: ${node.failureSummary}`))),
                (error) => told([String(error)]));";
        let found = self.page.execute_async(look, Vec::new()).await.unwrap();
        serde_json::from_value(found).unwrap()
    }

    /// Shows pages as to somebody whose system is dark, or light.
    pub async fn prefer(&self, scheme: &'static str) {
        self.page.issue_cmd(Prefer(scheme)).await.unwrap();
    }

    /// Where these links lead to.
    pub async fn links(&self, css: &str) -> Vec<String> {
        let mut found = Vec::new();
        for link in self.page.find_all(Locator::Css(css)).await.unwrap() {
            found.extend(link.prop("href").await.unwrap());
        }
        found
    }

    /// What pages complained of, and which addresses they asked for, since this was asked last.
    pub async fn log(&self) -> (Vec<String>, Vec<Url>) {
        let complaints = self.page.issue_cmd(Log("browser")).await.unwrap();
        let complaints = complaints
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect();
        let happened = self.page.issue_cmd(Log("performance")).await.unwrap();
        let asked = happened.as_array().unwrap().iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &message["message"];
            let sent = message["method"] == "Network.requestWillBeSent";
            sent.then(|| message["params"]["request"]["url"].as_str()?.parse().ok())?
        });
        // Its own empty page asks itself for pictures, which is on no network.
        let asked = asked.filter(|url: &Url| ["http", "https", "ws", "wss"].contains(&url.scheme()));
        (complaints, asked.collect())
    }

    pub async fn close(self) {
        self.page.close().await.unwrap();
    }
}

/// Chromium's own command: what was logged since the last time.
#[derive(Debug)]
struct Log(&'static str);

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": self.0 }).to_string()))
    }
}

/// Chromium's own command: the colours that the system of whoever looks prefers.
#[derive(Debug)]
struct Prefer(&'static str);

impl WebDriverCompatibleCommand for Prefer {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let features = json!([{ "name": "prefers-color-scheme", "value": self.0 }]);
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        (Method::POST, Some(body.to_string()))
    }
}
