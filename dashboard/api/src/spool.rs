//! Files that are handed out: written whole to a file without a name, so that their hashes are known before the first byte is sent.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use uuid::Uuid;

/// A file in a folder that nobody else can open: it has no name by now. `what`: begins the name it has for an instant.
///
/// # Errors
/// The folder cannot be written to.
pub fn unnamed(folder: &Path, what: &str) -> io::Result<File> {
    let path = folder.join(format!("{what}-{}", Uuid::new_v4()));
    let file = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// A file as an attachment that browsers keep and never show. `headers`: others, left out where a value does not fit into a header.
pub(crate) fn attachment(file: tokio::fs::File, kind: &'static str, bytes: u64, headers: &[(&'static str, &str)]) -> Response {
    let mut response = Body::from_stream(tokio_util::io::ReaderStream::new(file)).into_response();
    let all = response.headers_mut();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    all.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            all.insert(*name, value);
        }
    }
    response
}
