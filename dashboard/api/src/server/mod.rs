//! Builds the router, opens the listeners, and runs them until told to stop.

mod listen;
mod tls;

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn, response::IntoResponse as _, routing::get};
use fansipan_model::said;
use thiserror::Error;
use tokio::{
    net::{TcpListener, UnixListener},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer};

pub(crate) use listen::Peer;
pub use tls::{OwnCertificate, TlsError};

use crate::{
    config::ApiConfig,
    handlers::status,
    identity::{OneTimePassword, first_run},
    layers, openapi,
    ports::ApiDeps,
    problem::{Kind, Problem},
    routes,
    state::{Api, ApiState, now},
    web,
};

/// Bytes of a request body of the API; searches are in the query, bulk goes to `/ingest`.
const BODY: usize = 64 * 1024;

/// Why the API did not start.
#[derive(Debug, Error)]
pub enum ApiError {
    /// No usable certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is in use or not ours.
    #[error("FSP-API-105 cannot listen on {address}: stop what uses it, or configure another address")]
    Listen {
        /// The address or socket path.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The state store or the random generator failed.
    #[error("FSP-API-106 cannot prepare the first user or the API's state: the log has the reason ({0})")]
    Prepare(&'static str),
    /// The OpenAPI document could not be written.
    #[error("FSP-API-107 cannot write the description of the API: please report this")]
    Describe(#[from] serde_json::Error),
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        ApiError::Prepare(problem.code())
    }
}

/// A running API.
#[derive(Debug)]
pub struct ServerHandle {
    /// Where HTTPS is served; the real port where 0 was asked for.
    pub https: SocketAddr,
    /// The unix socket.
    pub socket: PathBuf,
    /// On the first run: the password of the user `admin`, to be printed once.
    pub first_password: Option<OneTimePassword>,
    tasks: JoinSet<()>,
}

impl ServerHandle {
    /// Waits until the listeners have ended, which they do after `shutdown` is cancelled.
    pub async fn ended(mut self) {
        while self.tasks.join_next().await.is_some() {}
        let _ = fs::remove_file(&self.socket); // the next start removes it otherwise
    }
}

/// Starts the API. Returns once both listeners accept; `shutdown` stops them.
pub async fn serve(config: ApiConfig, deps: ApiDeps, shutdown: CancellationToken) -> Result<ServerHandle, ApiError> {
    let tls = tls::server_config(config.certificate.as_ref(), &config.data, config.listen, &config.names)?;
    let listener =
        TcpListener::bind(config.listen).await.map_err(|source| ApiError::Listen { address: config.listen.to_string(), source })?;
    let https = listener.local_addr().map_err(|source| ApiError::Listen { address: config.listen.to_string(), source })?;
    let socket = config.data.join("api.sock");
    let local = unix_listener(&socket)?;
    let (app, first_password) = prepare(config, deps, shutdown.clone()).await?;
    let acceptor = listen::Acceptor::new(app, shutdown);
    let mut tasks = JoinSet::new();
    tasks.spawn(acceptor.clone().serve_tls(listener, TlsAcceptor::from(tls)));
    tasks.spawn(acceptor.serve_unix(local, rustix::process::geteuid().as_raw()));
    tracing::info!(%https, socket = %socket.display(), "the console is ready");
    Ok(ServerHandle { https, socket, first_password, tasks })
}

/// The router with everything around it, and the first user's password where there was no user yet.
pub(crate) async fn prepare(
    config: ApiConfig,
    deps: ApiDeps,
    stop: CancellationToken,
) -> Result<(Router, Option<OneTimePassword>), ApiError> {
    let table = routes::table();
    let document = openapi::document(&table, &config.version)?;
    let ingest = deps.ingest.clone();
    let state = deps.state.clone();
    let api = tokio::task::spawn_blocking(move || ApiState::new(config, deps, document, stop)).await;
    let api = api.map_err(|_| ApiError::Prepare("FSP-API-019"))??;
    let first = {
        let api = api.clone();
        tokio::task::spawn_blocking(move || first_run(&*state, &api.identity.passwords, now())).await
    };
    let first = first.map_err(|_| ApiError::Prepare("FSP-API-019"))??;
    Ok((app(&api, table, ingest), first))
}

fn app(api: &Api, table: Vec<routes::Route>, ingest: Option<Router>) -> Router {
    let cross_site = |_| {
        Problem::new(
            Kind::CrossSite,
            said!(
                "the request comes from a page of another site; open the console itself",
                "yêu cầu đến từ một trang web khác; hãy mở chính bảng điều khiển"
            ),
        )
        .into_response()
    };
    let inner = routes::router(api, table)
        .fallback(async || {
            Problem::new(
                Kind::NotFound,
                said!("there is no such route; see /api/v1/openapi.json", "API không có đường dẫn này; xem /api/v1/openapi.json"),
            )
        })
        .method_not_allowed_fallback(async || {
            Problem::new(
                Kind::MethodNotAllowed,
                said!(
                    "this route has other methods; see /api/v1/openapi.json",
                    "đường dẫn này dùng phương thức khác; xem /api/v1/openapi.json"
                ),
            )
        })
        .layer(ServiceBuilder::new().layer(CsrfLayer::new().with_rejection_response(cross_site)).layer(DefaultBodyLimit::max(BODY)));
    let mut app = Router::new().nest(routes::PREFIX, inner).route("/healthz", get(status::health)).fallback(web::serve);
    if let Some(ingest) = ingest {
        app = app.merge(ingest);
    }
    app.layer(
        ServiceBuilder::new()
            .layer(from_fn(layers::observe))
            .layer(from_fn(layers::secure))
            .layer(CatchPanicLayer::custom(layers::panicked))
            .layer(CompressionLayer::new())
            .layer(from_fn(layers::name_route)),
    )
}

/// Binds the socket; one left by a process that no longer answers is replaced, a living one is not.
fn unix_listener(path: &Path) -> Result<UnixListener, ApiError> {
    let failed = |source| ApiError::Listen { address: path.display().to_string(), source };
    if fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket()) {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(io::Error::new(io::ErrorKind::AddrInUse, "another process answers there")));
        }
        fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(failed)?;
    Ok(listener)
}
