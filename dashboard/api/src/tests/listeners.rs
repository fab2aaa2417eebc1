//! The real listeners: TLS with the certificate made on first run, and the unix socket with the kernel's word.

use std::{path::Path, sync::Arc};

use axum::{
    body::Body,
    http::{Request, StatusCode, Version},
};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::harness::deps;
use crate::{ApiConfig, ApiError, ServerHandle, serve};

async fn start(dir: &Path, stop: &CancellationToken) -> Result<ServerHandle, ApiError> {
    let (mut deps, ..) = deps(dir);
    let ingest = axum::Router::new().route("/ingest/v1/lines", axum::routing::post(async |body: String| format!("{} bytes", body.len())));
    deps.ingest = Some(ingest);
    let config = ApiConfig { listen: "127.0.0.1:0".parse().unwrap(), ..ApiConfig::new(dir.to_owned()) };
    serve(config, deps, stop.clone()).await
}

async fn over_tls(server: &ServerHandle, dir: &Path, http2: bool, request: Request<Body>) -> (StatusCode, Version, String) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("tls/cert.pem")).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let tcp = TcpStream::connect(server.https).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
    let response = if http2 {
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let (status, version) = (response.status(), response.version());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, version, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn over_socket(path: &Path, request: Request<Body>) -> (StatusCode, Value) {
    let stream = UnixStream::connect(path).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn get(path: &str) -> Request<Body> {
    Request::builder().uri(path).header("host", "localhost").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn https_speaks_both_versions_and_the_socket_knows_its_caller() {
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let server = start(dir.path(), &stop).await.unwrap();
    assert!(server.first_password.is_some());
    assert!(!format!("{server:?}").contains(server.first_password.as_ref().unwrap().reveal()));

    let (status, version, text) = over_tls(&server, dir.path(), false, get("/healthz")).await;
    assert_eq!((status, version, text.as_str()), (StatusCode::OK, Version::HTTP_11, "{\"ok\":true}"));
    let request = Request::builder().uri(format!("https://localhost:{}/api/v1/overview", server.https.port())).body(Body::empty()).unwrap();
    let (status, version, text) = over_tls(&server, dir.path(), true, request).await;
    assert_eq!((status, version), (StatusCode::UNAUTHORIZED, Version::HTTP_2), "{text}");
    let request = Request::builder().method("POST").uri("/ingest/v1/lines").header("host", "localhost").body(Body::from("a\nb\n")).unwrap();
    assert_eq!(over_tls(&server, dir.path(), false, request).await.2, "4 bytes", "the collector's routes are mounted");

    // this test runs as root or as the service's user: either way the kernel vouches for it
    let (status, body) = over_socket(&server.socket, get("/api/v1/session")).await;
    assert_eq!((status, &body["user"]["roles"]), (StatusCode::OK, &json!(["administrator"])), "{body}");
    let request = Request::builder().method("POST").uri("/api/v1/users/admin/password").header("host", "localhost");
    let request = request.header("content-type", "application/json").body(Body::from("{}")).unwrap();
    let (status, body) = over_socket(&server.socket, request).await;
    assert_eq!(status, StatusCode::OK, "a forgotten password is reset on the host itself: {body}");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&server.socket).unwrap().permissions().mode() & 0o777, 0o660);

    let second = start_again(dir.path(), server.https).await.unwrap_err().to_string();
    assert!(second.contains("FSP-API-105") && second.contains(&server.https.port().to_string()), "{second}");

    let socket = server.socket.clone();
    stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(8), server.ended()).await.expect("ends when told to");
    assert!(!socket.exists());
}

/// A second service on the same address.
async fn start_again(dir: &Path, listen: std::net::SocketAddr) -> Result<ServerHandle, ApiError> {
    let other = tempfile::tempdir().unwrap();
    let (deps, ..) = deps(other.path());
    serve(ApiConfig { listen, ..ApiConfig::new(dir.to_owned()) }, deps, CancellationToken::new()).await
}

#[tokio::test]
async fn a_socket_left_by_a_crash_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("api.sock")).unwrap());
    let stop = CancellationToken::new();
    let server = start(dir.path(), &stop).await.unwrap();
    let (status, _) = over_socket(&server.socket, get("/healthz")).await;
    assert_eq!(status, StatusCode::OK);
    stop.cancel();
    server.ended().await;
}

#[tokio::test]
async fn a_silent_connection_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let server = start(dir.path(), &stop).await.unwrap();
    let silent: Vec<_> = connect_silently(server.https, 200).await;
    assert!(silent.len() == 200);
    // the address has its share of connections taken; the socket has its own
    let (status, _) = over_socket(&server.socket, get("/healthz")).await;
    assert_eq!(status, StatusCode::OK);
    stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(20), server.ended()).await.expect("silent connections do not hold up the end");
}

async fn connect_silently(address: std::net::SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(TcpStream::connect(address).await.unwrap());
    }
    all
}
