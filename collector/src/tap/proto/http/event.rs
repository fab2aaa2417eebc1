//! A request with its response as an ECS event.

use fansipan_model::{Event, Value, fields};

use super::{Exchange, Passed, Request, Response};
use crate::tap::{flow::Pair, proto::Cx};

pub(super) fn emit(cx: &mut Cx<'_>, exchange: Exchange) {
    if exchange.request.is_none() && exchange.response.is_none() {
        return;
    }
    let mut event = cx.event("network.http", exchange.at);
    event.push(fields::EVENT_CATEGORY, Value::Str("web"));
    event.push(fields::EVENT_START, Value::Time(exchange.at));
    if exchange.response.is_some() {
        event.push(fields::EVENT_END, Value::Time(exchange.ended));
        event.push(fields::EVENT_DURATION, Value::Int(exchange.ended.saturating_sub(exchange.at)));
    }
    let version = exchange.request.as_ref().map(|r| r.version.as_deref().unwrap_or("0.9"));
    if let Some(version) = version.filter(|v| !v.is_empty()).or(exchange.response.as_ref().map(|r| &*r.version)) {
        event.push(fields::HTTP_VERSION, Value::Str(version));
    }
    let sent_type = exchange.request.as_ref().and_then(|r| r.content_type.clone());
    if let Some(request) = &exchange.request {
        describe_request(cx, request, &mut event);
        event.push(fields::HTTP_REQUEST_BODY_BYTES, Value::Int(exchange.request_body.as_ref().map_or(0, |b| b.bytes) as i64));
    }
    let mut file = None;
    if let Some(Passed { hash, .. }) = exchange.request_body {
        let mime = hash.mime(sent_type.as_deref());
        if let Some(mime) = &mime {
            event.push(fields::HTTP_REQUEST_MIME_TYPE, Value::Str(mime));
        }
        file = Some((hash, mime));
    }
    if let Some(response) = &exchange.response {
        describe_response(response, &mut event);
        event.push(fields::HTTP_RESPONSE_BODY_BYTES, Value::Int(exchange.response_body.as_ref().map_or(0, |b| b.bytes) as i64));
        if let Some(Passed { hash, .. }) = exchange.response_body {
            let mime = hash.mime(response.content_type.as_deref());
            if let Some(mime) = &mime {
                event.push(fields::HTTP_RESPONSE_MIME_TYPE, Value::Str(mime));
            }
            file = Some((hash, mime)); // what came back matters more than what was asked with
        }
    }
    if let Some((hash, mime)) = file {
        hash.describe(mime.as_deref(), &mut event);
    }
    for problem in &exchange.problems {
        event.push_named("fansipan.http.problem", Value::Str(problem));
    }
    cx.emit(event);
}

fn describe_request(cx: &Cx<'_>, request: &Request, event: &mut Event) {
    event.push(fields::HTTP_REQUEST_METHOD, Value::Str(&request.method));
    url(cx, request, event);
    for (field, value) in [
        (fields::HTTP_REQUEST_REFERRER, &request.referrer),
        (fields::USER_AGENT_ORIGINAL, &request.user_agent),
        (fields::USER_NAME, &request.user),
    ] {
        if let Some(value) = value {
            event.push(field, Value::Str(value));
        }
    }
    for (name, value) in
        [("fansipan.http.request.content_type", &request.content_type), ("fansipan.http.request.forwarded_for", &request.forwarded)]
    {
        if let Some(value) = value {
            event.push_named(name, Value::Str(value));
        }
    }
}

fn describe_response(response: &Response, event: &mut Event) {
    if response.status > 0 {
        event.push(fields::HTTP_RESPONSE_STATUS_CODE, Value::Int(i64::from(response.status)));
    }
    event.push(fields::EVENT_OUTCOME, Value::Str(if response.status >= 400 { "failure" } else { "success" }));
    for (name, value) in [
        ("fansipan.http.response.content_type", &response.content_type),
        ("fansipan.http.response.server", &response.server),
        ("fansipan.http.response.location", &response.location),
    ] {
        if let Some(value) = value {
            event.push_named(name, Value::Str(value));
        }
    }
    if let Some(name) = &response.file_name {
        event.push(fields::FILE_NAME, Value::Str(name));
    }
}

/// The parts of what was asked for; the host of an absolute target wins over the field.
fn url(cx: &Cx<'_>, request: &Request, event: &mut Event) {
    let target = &*request.target;
    event.push(fields::URL_ORIGINAL, Value::Str(target));
    let Pair { destination, .. } = &cx.info.ends;
    if request.method == "CONNECT" {
        let (host, port) = split_port(target);
        event.push(fields::URL_DOMAIN, Value::Str(host));
        if let Some(port) = port {
            event.push(fields::URL_PORT, Value::Int(i64::from(port)));
        }
        return;
    }
    let absolute = target.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()) && !scheme.is_empty());
    let (scheme, authority, rest) = match absolute {
        Some((scheme, after)) => {
            let end = after.find(['/', '?', '#']).unwrap_or(after.len());
            let (authority, rest) = after.split_at(end);
            (scheme.to_ascii_lowercase(), authority.rsplit('@').next().unwrap_or(authority).to_owned(), rest)
        }
        None => ("http".to_owned(), request.host.clone().unwrap_or_default(), target),
    };
    let (host, port) = split_port(&authority);
    let address = destination.ip.to_string();
    let host = if host.is_empty() { address.as_str() } else { host };
    let whole = match (&absolute, port) {
        (Some(_), _) => target.to_owned(),
        (None, Some(port)) if port != 80 => format!("{scheme}://{host}:{port}{rest}"),
        (None, None) if destination.port != 80 && request.host.is_none() => {
            format!("{scheme}://{}:{}{rest}", bracketed(host), destination.port)
        }
        _ => format!("{scheme}://{}{rest}", bracketed(host)),
    };
    event.push(fields::URL_FULL, Value::Str(&whole));
    event.push(fields::URL_SCHEME, Value::Str(&scheme));
    event.push(fields::URL_DOMAIN, Value::Str(host));
    event.push(fields::URL_PORT, Value::Int(i64::from(port.unwrap_or(if absolute.is_some() { 80 } else { destination.port }))));
    let rest = rest.split('#').next().unwrap_or(rest);
    let (path, query) = rest.split_once('?').map_or((rest, None), |(p, q)| (p, Some(q)));
    if !path.is_empty() {
        event.push(fields::URL_PATH, Value::Str(path));
    }
    if let Some(query) = query {
        event.push(fields::URL_QUERY, Value::Str(query));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if let Some((_, extension)) = name.rsplit_once('.').filter(|(_, e)| !e.is_empty() && e.len() <= 10) {
        event.push(fields::URL_EXTENSION, Value::Str(extension));
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// `host:port`, `[::1]:port`, or a host alone.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    if let Some(inner) = authority.strip_prefix('[')
        && let Some((host, rest)) = inner.split_once(']')
    {
        return (host, rest.strip_prefix(':').and_then(|p| p.parse().ok()));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse().ok()),
        _ => (authority, None),
    }
}
