//! Somebody who reads the escrow's pages, in headless Chromium.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use headless_chrome::browser::default_executable;
use headless_chrome::protocol::cdp::Emulation::{MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia, SetScriptExecutionDisabled};
use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption;
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde::de::DeserializeOwned;

/// Names the browser; one that is named must be there.
const CHROMIUM: &str = "VERINFER_CHROMIUM";

/// Longer than any page takes to change.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open page.
pub struct Reader {
    tab: Arc<Tab>,
    /// Ends when it is dropped.
    _browser: Browser,
}

impl Reader {
    /// Opens a page; nothing where there is no browser.
    pub fn open(url: &str) -> Option<Self> {
        Self::start(url, true)
    }

    /// Opens a page in a browser that runs no scripts; nothing where there is no browser.
    pub fn open_without_scripts(url: &str) -> Option<Self> {
        Self::start(url, false)
    }

    fn start(url: &str, scripts: bool) -> Option<Self> {
        let named = std::env::var_os(CHROMIUM).map(PathBuf::from);
        let Some(path) = named.or_else(|| default_executable().ok()) else {
            eprintln!("SKIPPED: there is no Chromium, and {CHROMIUM} does not name one");
            return None;
        };
        // Chromium's sandbox runs neither as root nor in most containers; the pages are our own.
        let options = LaunchOptions { path: Some(path), sandbox: false, window_size: Some((1200, 800)), ..LaunchOptions::default() };
        let browser = Browser::new(options).unwrap();
        let tab = browser.new_tab().unwrap();
        tab.call_method(SetScriptExecutionDisabled { value: !scripts }).unwrap();
        tab.navigate_to(url).unwrap().wait_until_navigated().unwrap();
        Some(Self { tab, _browser: browser })
    }

    /// Makes the window as wide as a phone's, or another width, and shows another page in it.
    pub fn narrow(&self, width: u32, url: &str) {
        let metrics = SetDeviceMetricsOverride {
            width,
            height: 780,
            device_scale_factor: 1.0,
            mobile: true,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        };
        self.tab.call_method(metrics).unwrap();
        self.tab.navigate_to(url).unwrap().wait_until_navigated().unwrap();
    }

    /// Shows pages as to who prefers dark ones.
    pub fn prefer_dark(&self) {
        let feature = MediaFeature { name: "prefers-color-scheme".to_owned(), value: "dark".to_owned() };
        self.tab.call_method(SetEmulatedMedia { media: None, features: Some(vec![feature]) }).unwrap();
    }

    /// Keeps a picture of the whole page, if somebody wants to look at it.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("VERINFER_PICTURES").map(PathBuf::from) else { return };
        let picture = self.tab.capture_screenshot(CaptureScreenshotFormatOption::Png, None, None, true).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// The value of an expression in the page.
    pub fn ask<T: DeserializeOwned>(&self, expression: &str) -> T {
        let (start, stringified) = (Instant::now(), format!("JSON.stringify({expression})"));
        loop {
            match self.tab.evaluate(&stringified, false) {
                Ok(object) => {
                    let text = object.value.as_ref().and_then(|value| value.as_str());
                    return serde_json::from_str(text.unwrap_or_else(|| panic!("{expression}: {object:?}"))).unwrap();
                }
                // The page may be showing itself anew just now.
                Err(error) => assert!(start.elapsed() < PATIENCE, "{expression}: {error}"),
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// What can be read in the cells of a row, or of whatever else a selector finds first.
    pub fn cells(&self, selector: &str) -> Vec<String> {
        self.ask(&format!("[...document.querySelector({selector:?}).children].map(cell => cell.innerText)"))
    }

    /// Waits until an expression is true in the page.
    pub fn wait_until(&self, expression: &str) {
        let start = Instant::now();
        while !self.ask::<bool>(expression) {
            assert!(start.elapsed() < PATIENCE, "never true: {expression}; {}", self.ask::<String>("document.body.innerText"));
            sleep(Duration::from_millis(50));
        }
    }
}
