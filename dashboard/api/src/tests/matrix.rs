//! Every route of the table, as nobody and as every role.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};

use fansipan_model::Scope;
use fansipan_storage::{AuditFilter, StateStore as _};

use super::harness::{Client, Rig, alert};
use crate::{
    access::{Access, Audit, Permission, Role},
    routes::{Route, table},
};

/// Calls a route with an empty body and made-up parameters; the answer's body is not read, streams having no end.
async fn call(client: &Client, route: &Route) -> (StatusCode, String) {
    let path =
        route.path.replace("{id}", "00000000000000000000000000000000").replace("{name}", "no-such-name").replace("{item}", "no-such-item");
    let body = (route.method != Method::GET).then(|| serde_json::json!({}));
    let response = client.send(client.request(route.method.as_str(), &format!("/api/v1{path}"), body)).await;
    let media = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    (response.status(), media)
}

fn mark(status: StatusCode) -> &'static str {
    if let_in(status) { "yes" } else { "–" }
}

/// Whether a caller gets past the guard. One's own password, language, factor and sessions are for people, not for tokens:
/// there the handler refuses them.
fn let_in(status: StatusCode) -> bool {
    !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

#[tokio::test]
async fn every_route_lets_in_whom_it_declares_and_nobody_else() {
    let rig = Rig::with(|c| c.rate = crate::identity::Rate::new(100_000, 100_000)).await;
    let table = table();
    let nobody = rig.nobody();
    let roles: Vec<(Role, Client)> = Role::ALL.into_iter().map(|r| (r, rig.token(r, &[]))).collect();
    let screen = rig.screen("matrix");
    let stranger = rig.token(Role::Administrator, &["another-agency"]);
    let names = Role::ALL.map(Role::as_str);
    let mut lines = vec![format!("| Route | Permission | nobody | {} | screen | other agency |", names.join(" | "))];
    lines.push(format!("|---|---|{}", "---|".repeat(names.len() + 3)));
    for route in &table {
        let permission = match route.access {
            Access::Open => "open",
            Access::Identified => "identified",
            Access::Needs(permission) => permission.as_str(),
        };
        let at = format!("{} {}", route.method, route.path);
        let (status, media) = call(&nobody, route).await;
        let open = route.access == Access::Open;
        assert_eq!(status == StatusCode::UNAUTHORIZED, !open, "{at} as nobody: {status}");
        assert!(open || media == "application/problem+json", "{at}: {media}");
        let mut cells = vec![mark(status).to_owned()];
        for (role, client) in &roles {
            let (status, media) = call(client, route).await;
            let may = match route.access {
                Access::Open | Access::Identified => true,
                Access::Needs(permission) => permission.roles().contains(role),
            };
            let for_people = route.path.starts_with("/session/");
            assert!(let_in(status) == may || for_people, "{at} as {role:?}: {status}");
            assert!(!status.is_server_error(), "{at} as {role:?}: {status}");
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED);
            assert!(status.is_success() || media == "application/problem+json", "{at}: {media}");
            cells.push(if may { "yes" } else { "–" }.to_owned());
        }
        let (status, _) = call(&screen, route).await;
        let wall = route.access == Access::Needs(Permission::ReadWall);
        assert_eq!(let_in(status), open || wall, "{at} as a screen: {status}");
        cells.push(mark(status).to_owned());
        // an administrator of another agency: nothing of the samples' agencies, by whichever route
        let path = route.path.replace("{id}", &alert(2, "tax").id.to_string()).replace("{name}", "admin");
        let streams = route.path == "/stream";
        if route.method == Method::GET && !streams {
            let reply = stranger.get(&path).await;
            assert!(!reply.status.is_server_error(), "{at}: {reply:?}");
            for hidden in ["198.51.100.9", "203.0.113.7", "tax-web", "health-web", "udp:10.1.0.1"] {
                assert!(!reply.text.contains(hidden), "{at} shows {hidden} to another agency: {}", reply.text);
            }
            cells.push(if reply.status.is_success() { "nothing of theirs".into() } else { reply.status.as_u16().to_string() });
        } else if streams || open || route.access == Access::Identified {
            cells.push("own".into());
        } else {
            let (status, _) = call(&stranger, route).await;
            cells.push(status.as_u16().to_string());
        }
        lines.push(format!("| {at} | {permission} | {} |", cells.join(" | ")));
    }
    let text = lines.join("\n") + "\n";
    println!("{text}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/artifacts");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("authorization-matrix.md"), text).unwrap();
    // what the administrator tried is in the trail under the verb that the table declares, done or not
    let page = rig.state.audit_trail(&Scope::All, &AuditFilter::default(), None, 1000).unwrap();
    for route in table.iter().filter(|r| r.access != Access::Open) {
        let Audit::Verb(verb) = route.audit else { continue };
        assert!(page.items.iter().any(|e| e.verb == verb && e.who.starts_with("token:")), "{} left no {verb}", route.path);
    }
    assert!(page.items.iter().all(|e| !e.who.is_empty()), "nobody's calls fill no trail");
}

#[tokio::test]
async fn the_local_administrator_needs_no_password_and_an_untrusted_neighbour_does() {
    let rig = Rig::new().await;
    let local = |uid, trusted| Client { peer: crate::server::Peer::Local { uid, trusted }, ..rig.nobody() };
    let reply = local(0, true).get("/session").await;
    assert_eq!(reply.json()["user"]["roles"], serde_json::json!(["administrator"]));
    assert_eq!(reply.json()["user"]["name"], "local:uid=0");
    assert_eq!(local(1000, false).get("/session").await.problem(), "FSP-API-001");
}

#[test]
fn the_table_is_sound() {
    let table = table();
    let mut seen = BTreeSet::new();
    let mut verbs = BTreeSet::new();
    for route in &table {
        assert!(seen.insert((route.method.as_str().to_owned(), route.path)), "{} {} stands twice", route.method, route.path);
        match route.audit {
            Audit::Verb(verb) => {
                assert!(verbs.insert(verb), "two routes leave the verb {verb}");
                assert!(verb.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()), "{verb}");
            }
            Audit::Nothing(reason) => {
                assert_eq!(route.method, Method::GET, "{} changes something and leaves no entry", route.path);
                assert!(reason.len() > 10, "{}", route.path);
            }
        }
        if route.access == Access::Open {
            let allowed = ["/healthz", "/session", "/session/options", "/session/oidc", "/session/oidc/callback", "/wall/enrol"];
            assert!(allowed.contains(&route.path), "{} is open to strangers", route.path);
        }
    }
}

#[test]
fn the_document_describes_every_route_and_only_names_what_it_defines() {
    let table = table();
    let text = crate::openapi::document(&table, "1.2.3").unwrap();
    let doc: serde_json::Value = serde_json::from_str(&text).unwrap();
    for route in &table {
        let operation = &doc["paths"][format!("/api/v1{}", route.path)][route.method.as_str().to_lowercase()];
        assert!(operation["operationId"].is_string(), "{} {}", route.method, route.path);
        assert!(operation["responses"]["default"].is_object());
        assert!(operation["x-permission"].is_string());
    }
    let ids: Vec<&str> = text.match_indices("\"operationId\":\"").map(|(i, m)| text[i + m.len()..].split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "operation ids are unique: {ids:?}");
    for (i, prefix) in text.match_indices("#/components/schemas/") {
        let name = text[i + prefix.len()..].split('"').next().unwrap();
        assert!(doc["components"]["schemas"][name].is_object(), "{name} is not defined");
    }
}
