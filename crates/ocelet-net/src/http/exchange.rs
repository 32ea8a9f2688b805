//! One question over HTTP: request, redirects, and what the answer's head says.
//!
//! It refuses to carry a login to another origin (and gives it up for the rest of the chain), to go from https
//! to http unless told to, to follow a circle, and an answer about another part than the one asked for.

use std::sync::Arc;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, IF_RANGE, LOCATION, RANGE};
use reqwest::{Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::body::WebBody;
use super::range::{ContentRange, retry_after, text, validator};
use super::{Wire, classify};
use crate::address::{Address, WebAddress};
use crate::credentials::Login;
use crate::failure::Failure;
use crate::redact::{Redacted, unreadable};
use crate::source::{Answer, Ask, Setback};

/// Asks, follows redirects, and reads the head of the answer.
pub(super) fn open(wire: &Arc<Wire>, web: &WebAddress, ask: &Ask<'_>) -> Result<Answer, Setback> {
    let mut url = web.url.clone();
    let mut login = first_login(wire, web);
    let mut seen = Vec::new();
    loop {
        let landed = (!seen.is_empty()).then(|| Address::from_url(url.clone()));
        let setback = |failure, retry_after| Setback {
            failure: Box::new(failure),
            landed: landed.clone(),
            retry_after,
        };
        let response = send(wire, &url, login.as_ref(), ask).map_err(|failure| setback(failure, None))?;
        if !is_redirect(response.status()) {
            let wait = retry_after(response.headers());
            return answer(wire, response, ask, landed.clone()).map_err(|failure| setback(failure, wait));
        }
        let next = next_hop(wire, &url, &response).map_err(|failure| setback(failure, None))?;
        if next.origin() != url.origin() {
            login = None;
        }
        seen.push(url);
        if seen.contains(&next) || seen.len() > wire.redirects {
            let to = Redacted(next.as_str()).to_string();
            return Err(setback(Failure::RedirectLoop { limit: wire.redirects, to }, None));
        }
        url = next;
    }
}

/// The login in the address, or else that of netrc, unless it would travel in the clear.
fn first_login(wire: &Wire, web: &WebAddress) -> Option<Login> {
    let sealed = web.url.scheme() == "https" || wire.plain_logins;
    let from_netrc = || web.url.host_str().filter(|_| sealed).and_then(|host| wire.keyring.download(host));
    web.login.clone().or_else(from_netrc)
}

fn send(wire: &Wire, url: &Url, login: Option<&Login>, ask: &Ask<'_>) -> Result<Response, Failure> {
    let mut request = wire.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    if ask.from > 0 {
        request = request.header(RANGE, format!("bytes={}-", ask.from));
        if let Some(validator) = ask.validator {
            request = request.header(IF_RANGE, validator.0.as_str());
        }
    }
    if let Some(Login::Basic { user, password }) = login {
        request = request.basic_auth(user, Some(password.reveal()));
    }
    let limit = wire.timeouts.answer;
    match wire.runtime.wait_for(async { timeout(limit, request.send()).await }) {
        Err(_) => Err(Failure::NoAnswer { within: limit }),
        Ok(Err(error)) => Err(classify::failure(&error, &wire.roots)),
        Ok(Ok(response)) => Ok(response),
    }
}

/// The redirects of RFC 9110, 15.4, that a GET follows.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn next_hop(wire: &Wire, url: &Url, response: &Response) -> Result<Url, Failure> {
    let refused = |to: String, reason| Failure::Redirect { to, reason };
    let Some(location) = text(response.headers(), LOCATION) else {
        return Err(refused("nowhere".to_owned(), "the answer names no address"));
    };
    let mut next = url.join(location).map_err(|_| refused(unreadable(location), "it is not an address"))?;
    let shown = Redacted(next.as_str()).to_string();
    if !matches!(next.scheme(), "http" | "https") {
        return Err(refused(shown, "only http and https are"));
    }
    if url.scheme() == "https" && next.scheme() == "http" && !wire.downgrades {
        return Err(refused(shown, "it leads from https to unprotected http"));
    }
    // A login that a redirect brings along is not ours to use; neither call fails for http and https.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    next.set_fragment(None);
    Ok(next)
}

/// Reads the head: which part comes, and how long the whole is.
fn answer(
    wire: &Arc<Wire>,
    response: Response,
    ask: &Ask<'_>,
    landed: Option<Address>,
) -> Result<Answer, Failure> {
    let headers = response.headers();
    let range_text = text(headers, CONTENT_RANGE).unwrap_or_default();
    let range = ContentRange::parse(range_text);
    let version = validator(headers);
    let (start, total) = match response.status().as_u16() {
        200 => (0, response.content_length()),
        206 => {
            let wrong = || Failure::WrongRange {
                asked: ask.from,
                got: range_text.chars().take(80).flat_map(char::escape_debug).collect(),
            };
            let whole_part = |first: u64, last: u64| {
                response.content_length().is_none_or(|length| Some(length) == (last - first).checked_add(1))
            };
            let other_version = matches!((ask.validator, &version), (Some(old), Some(new)) if old != new);
            match range {
                Some(ContentRange { part: Some((first, last)), total })
                    if ask.from > 0 && first == ask.from && whole_part(first, last) && !other_version =>
                {
                    (first, total)
                }
                _ => return Err(wrong()),
            }
        }
        416 if ask.from > 0 => {
            let length = range.and_then(|range| range.total);
            return Err(Failure::RangeRefused { asked: ask.from, length });
        }
        status => return Err(Failure::Status { status }),
    };
    let body = Box::new(WebBody::new(Arc::clone(wire), response));
    Ok(Answer { start, total, validator: version, landed, body })
}
