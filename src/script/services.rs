//! What a script wants of services outside: the web request of an `http` node (R29) and the notice
//! of a node's `notify` (E85).

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::check::Loader;
use super::json::JsonTemplate;
use super::raw::Fields;
use super::template::Template;

/// An answer is awaited this long unless the node says otherwise, ms.
const TIMEOUT_MS: u64 = 5_000;
/// No caller waits longer than this for a web request, ms.
pub const TIMEOUT_MS_MAX: u64 = 60_000;

/// The methods of a web request.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The web request of an `http` node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebCall {
    /// `GET`, `POST`, …
    pub method: SmolStr,
    /// Where to. A variable at its very start is taken as it is, so that it may hold the beginning
    /// of an address; others are percent-encoded.
    pub url: Template,
    /// Headers besides those that every request has.
    pub headers: Vec<(SmolStr, Template)>,
    /// What is sent; `None` = nothing.
    pub body: Option<JsonTemplate>,
    /// How long the answer is awaited, ms.
    pub timeout_ms: u64,
}

/// A node's `notify`: some time after the node was entered, somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// How long after the node was entered, ms.
    pub after_ms: u64,
    /// Whom to tell; empty = nobody.
    pub url: Template,
    /// Where the call goes if the robot stops; empty = nowhere.
    pub linegroup: Template,
    /// The robot hands the call to `linegroup`.
    pub stop_robot: bool,
    /// All of it as written: what the row holds, and what is told.
    pub notice: JsonTemplate,
}

impl<'a> Loader<'_, 'a> {
    /// Reads `http` of an `http` node.
    pub(super) fn web_call(&mut self, fields: &Fields<'a, '_>) -> Option<WebCall> {
        let what = "http";
        let hint = "write \"http\": { \"url\": \"https://…\" }";
        let Some(value) = fields.get(what) else {
            self.reader.error(fields.span("action"), "an http node has no http", hint);
            return None;
        };
        let http = self.reader.object(value, what)?;
        let url = Template::new(&self.short(&http, "url"));
        if url.is_empty() {
            self.reader.error(http.span("url"), "http has no url", hint);
        }
        let body = http.get("body").filter(|body| !matches!(body, Value::NullKeyword(_)));
        let body = body.map(JsonTemplate::new);
        let method = self.method(&http, body.is_some());
        let headers = self.headers(&http);
        let timeout_ms = self.reader.count(http.get("timeout_ms"), "timeout_ms");
        let timeout_ms = timeout_ms.filter(|ms| *ms > 0).unwrap_or(TIMEOUT_MS);
        if timeout_ms > TIMEOUT_MS_MAX {
            let message = format!("timeout_ms is {timeout_ms}");
            let hint = format!("{TIMEOUT_MS_MAX} is taken: the caller waits all that time");
            self.reader.warn(http.span("timeout_ms"), message, hint);
        }
        self.unknown(&http, what);
        Some(WebCall { method, url, headers, body, timeout_ms: timeout_ms.min(TIMEOUT_MS_MAX) })
    }

    fn method(&mut self, http: &Fields<'a, '_>, has_body: bool) -> SmolStr {
        let written = self.short(http, "method").to_ascii_uppercase();
        match METHODS.into_iter().find(|method| *method == written) {
            Some(method) => method.into(),
            None => {
                if !written.is_empty() {
                    let message = format!("\"{written}\" is no method of a web request");
                    let hint = format!("there are: {}", METHODS.join(", "));
                    self.reader.error(http.span("method"), message, hint);
                }
                SmolStr::new_static(if has_body { "POST" } else { "GET" })
            }
        }
    }

    fn headers(&mut self, http: &Fields<'a, '_>) -> Vec<(SmolStr, Template)> {
        let Some(value) = http.get("headers") else { return Vec::new() };
        let Some(headers) = self.reader.object(value, "headers") else { return Vec::new() };
        headers
            .all()
            .filter_map(|(name, value)| {
                let value = self.reader.text(Some(value), "a header")?;
                Some((name.text.into(), Template::new(value.text)))
            })
            .collect()
    }

    /// Reads `notify` of any node.
    pub(super) fn notify(&mut self, fields: &Fields<'a, '_>) -> Option<Notify> {
        let what = "notify";
        let value = fields.get(what).filter(|value| !matches!(value, Value::NullKeyword(_)))?;
        let notify = self.reader.object(value, what)?;
        let trigger = self.short(&notify, "trigger_type");
        if !matches!(trigger.as_str(), "" | "calculate") {
            let message = format!("trigger_type \"{trigger}\" is not known");
            let hint = "write \"calculate\": the time counts from the entry into the node";
            self.reader.warn(notify.span("trigger_type"), message, hint);
        }
        let seconds = self.reader.count(notify.get("trigger_time"), "trigger_time");
        let read = Notify {
            after_ms: seconds.unwrap_or(0).saturating_mul(1_000),
            url: Template::new(&self.short(&notify, "url")),
            linegroup: Template::new(&self.short(&notify, "linegroup")),
            stop_robot: self.reader.flag(notify.get("stop_robot"), "stop_robot").unwrap_or(false),
            notice: JsonTemplate::new(value),
        };
        // Passed on with the notice; what they mean is not public.
        let _kept = (notify.get("beep_time"), notify.get("rest_time"));
        self.unknown(&notify, what);
        if read.stop_robot && read.linegroup.is_empty() {
            let message = "stop_robot hands the call to nobody: there is no linegroup";
            let hint = "name the linegroup; without one the robot talks on";
            self.reader.warn(notify.span("stop_robot"), message, hint);
        } else if !read.linegroup.is_empty() && !read.stop_robot {
            let message = "a person is not called into a conversation that the robot goes on with";
            let hint = "set stop_robot, or let the one behind url join the call";
            self.reader.warn(notify.span("linegroup"), message, hint);
        }
        Some(read)
    }
}
