//! The page: a template, its style and script, and the document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Report;
use crate::{Error, Result};

const TEMPLATE: &str = include_str!("../../../report/dist/page.html");
const STYLE: &str = include_str!("../../../report/dist/page.css");
const SCRIPT: &str = include_str!("../../../report/dist/page.js");

/// The report as a page of HTML that asks nothing of any network. Its policy lets run and
/// style what is built in here and nothing else: whatever the data say is text.
pub fn render(report: &Report) -> Result<Bytes> {
    let data = serde_json::to_string(report).map_err(|e| Error::Internal(e.to_string()))?;
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        digest(SCRIPT),
        digest(STYLE)
    );
    let mut page = String::with_capacity(TEMPLATE.len() + STYLE.len() + SCRIPT.len() + data.len());
    let mut rest = TEMPLATE;
    for (mark, text) in [
        ("{{policy}}", policy.as_str()),
        ("{{style}}", STYLE),
        ("{{data}}", &escape(&data)),
        ("{{script}}", SCRIPT),
    ] {
        let (before, after) = rest
            .split_once(mark)
            .ok_or_else(|| Error::Internal(format!("the page has no place for {mark}")))?;
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    Ok(Bytes::from(page))
}

/// JSON that ends no element of HTML and begins no comment: `<` says the same as `\u003c` in
/// any string, and is nowhere else.
fn escape(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// As a policy names what it lets run.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
