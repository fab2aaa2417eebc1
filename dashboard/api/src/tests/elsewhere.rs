//! Logging in elsewhere, against real servers that the test starts: npm's oidc-provider and Debian's slapd.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::http::{StatusCode, header};
use fansipan_model::Scope;
use fansipan_storage::{AuditFilter, StateStore as _, UserChange};
use serde_json::json;

use super::harness::{Client, GOOD, Reply, Rig};
use crate::{
    access::Role,
    config::{DirectoryConfig, GroupRule, OidcConfig},
};

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A certificate for localhost that signs itself, and its key, as files.
fn certificate(dir: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.join("server.pem"), dir.join("server.key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

fn rule(group: &str, role: Role, agencies: Option<&str>) -> GroupRule {
    GroupRule { group: group.to_owned(), roles: vec![role], agencies: agencies.map(|a| vec![a.to_owned()]) }
}

const CONSOLE: &str = "https://soc.test:8443";

/// A provider, and how the console reaches it.
fn oidc(dir: &Path) -> (Server, OidcConfig, PathBuf) {
    let (cert, key) = certificate(dir);
    let port = free_port();
    let folder = root().join("tests/oidc");
    assert!(folder.join("node_modules/oidc-provider").is_dir(), "the provider is not installed: packaging/dev/need test");
    let mut child = Command::new("node")
        .arg(folder.join("provider.mjs"))
        .args([port.to_string().as_ref(), cert.as_os_str(), key.as_os_str()])
        .arg(format!("{CONSOLE}/api/v1/session/oidc/callback"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("node");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    let config = OidcConfig {
        name: "SSO".into(),
        issuer: format!("https://localhost:{port}"),
        client_id: "fansipan".into(),
        client_secret: Some("a secret that only the two know".into()),
        console: CONSOLE.into(),
        scopes: vec!["profile".into()],
        user_claim: "preferred_username".into(),
        groups_claim: "groups".into(),
        ca: Some(cert.clone()),
        groups: vec![rule("Admins", Role::Administrator, None), rule("tax", Role::Analyst, Some("tax"))],
    };
    (Server(child), config, cert)
}

/// A person's browser at the provider.
struct Browser {
    http: reqwest::Client,
    cookies: std::collections::BTreeMap<String, String>,
}

impl Browser {
    fn new(ca: &Path) -> Browser {
        let tls = crate::identity::trusting(ca);
        let http =
            reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0); // the provider closes idle connections when it likes
        Browser { http: http.build().unwrap(), cookies: Default::default() }
    }

    /// Status, where it leads, text.
    async fn ask(&mut self, url: &str, form: Option<String>) -> (u16, Option<String>, String) {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = match form {
            Some(form) => self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form),
            None => self.http.get(url),
        };
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let status = response.status().as_u16();
        let location = response.headers().get("location").map(|l| l.to_str().unwrap().to_owned());
        (status, location, response.text().await.unwrap())
    }

    /// From the provider's login page until it sends the browser back to the console; path and query of that.
    async fn log_in(&mut self, start: &str, login: &str) -> String {
        let origin = start.split("/auth").next().unwrap().to_owned();
        let (mut url, mut form) = (start.to_owned(), None);
        for _ in 0..20 {
            if let Some(back) = url.strip_prefix(CONSOLE) {
                return back.to_owned();
            }
            let (status, location, text) = self.ask(&url, form.take()).await;
            match location {
                Some(next) if next.starts_with('/') => url = format!("{origin}{next}"),
                Some(next) => url = next,
                None => {
                    assert_eq!(status, 200, "{url}: {text}");
                    let prompt = if text.contains("value=\"login\"") { "login" } else { "consent" };
                    form = Some(format!("prompt={prompt}&login={login}&password=x"));
                }
            }
        }
        panic!("the provider leads nowhere: {url}");
    }
}

fn cookies(reply: &Reply) -> Vec<String> {
    reply.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap().to_owned()).collect()
}

/// A login from the console's button to the way back: the console's client with the flow cookie, and the way back.
async fn until_back(rig: &Rig, ca: &Path, login: &str) -> (Client, String) {
    let mut client = rig.nobody();
    let reply = client.get("/session/oidc").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
    let flow = cookies(&reply).remove(0);
    for part in ["__Host-fansipan-oidc=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(flow.contains(part), "{part} in {flow}");
    }
    client.keep_cookie(&reply);
    let start = reply.headers[header::LOCATION].to_str().unwrap().to_owned();
    for part in ["code_challenge_method=S256", "nonce=", "state=", "response_type=code"] {
        assert!(start.contains(part), "{part} in {start}");
    }
    let back = Browser::new(ca).log_in(&start, login).await;
    (client, back)
}

/// The whole login; the answer to the way back, and the client with its session if there is one.
async fn log_in(rig: &Rig, ca: &Path, login: &str) -> (Client, Reply) {
    let (mut client, back) = until_back(rig, ca, login).await;
    let reply = client.read(client.request("GET", &back, None)).await;
    if let Some(session) = cookies(&reply).iter().find(|c| c.starts_with("__Host-fansipan=")) {
        client.cookie = Some(session.split(';').next().unwrap().to_owned());
    }
    (client, reply)
}

#[tokio::test]
async fn logging_in_at_a_real_provider() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, config, ca) = oidc(dir.path());
    let issuer = config.issuer.clone();
    let rig = Rig::with(|c| {
        c.oidc = Some(config);
        c.second_factor = vec![Role::Analyst];
    })
    .await;
    let options = rig.nobody().get("/session/options").await.json();
    assert_eq!(options["oidc"], json!({ "name": "SSO", "start": "/api/v1/session/oidc" }));

    let (lan, reply) = log_in(&rig, &ca, "lan-tax").await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert!(reply.text.contains("http-equiv=\"refresh\"") && !reply.text.contains("<script"), "{}", reply.text);
    let session = cookies(&reply).into_iter().find(|c| c.starts_with("__Host-fansipan=")).unwrap();
    assert!(session.contains("SameSite=Strict") && session.contains("HttpOnly"), "{session}");
    let user = lan.get("/session").await.json()["user"].clone();
    assert_eq!((&user["name"], &user["display_name"]), (&json!("lan"), &json!("Người lan")), "{user}");
    assert_eq!((&user["roles"], &user["agencies"]), (&json!(["analyst"]), &json!(["tax"])));
    assert_eq!((&user["provider"], &user["must_set_up_second_factor"]), (&json!(issuer), &json!(false)));
    assert!(user["provider_logout"].as_str().unwrap().starts_with(&issuer), "{user}");
    assert_eq!(lan.get("/overview").await.status, StatusCode::OK);
    assert!(rig.trail("lan").contains(&("session.open.oidc".to_owned(), true)));
    // no password of this user exists here, and none can be made
    assert_eq!(rig.nobody().login("lan", GOOD).await.problem(), "FSP-API-002");
    assert_eq!(rig.nobody().login("lan", "!").await.problem(), "FSP-API-002");
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    assert_eq!(boss.post("/users/lan/password", json!({})).await.problem(), "FSP-API-014");
    // another group at the next login: other rights, and the older session ends
    let (again, _) = log_in(&rig, &ca, "lan-Admins").await;
    assert_eq!(again.get("/session").await.json()["user"]["roles"], json!(["administrator"]));
    assert_eq!(lan.get("/session").await.problem(), "FSP-API-001");
    // disabled here means disabled
    boss.post("/users/lan/disable", json!({})).await;
    assert_eq!(log_in(&rig, &ca, "lan-tax").await.1.problem(), "FSP-API-002");
    // groups that say nothing let nobody in, and make no user
    assert_eq!(log_in(&rig, &ca, "mai-kitchen").await.1.problem(), "FSP-API-002");
    assert!(rig.state.user("mai").unwrap().is_none());
    // a name that is somebody else's here is not taken over
    assert_eq!(log_in(&rig, &ca, "boss-Admins").await.1.problem(), "FSP-API-014");
    assert_eq!(rig.nobody().login("boss", GOOD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_of_the_provider_is_good_once_in_the_browser_that_began() {
    let dir = tempfile::tempdir().unwrap();
    let (server, config, ca) = oidc(dir.path());
    let rig = Rig::with(|c| c.oidc = Some(config)).await;
    let (client, back) = until_back(&rig, &ca, "lan-tax").await;
    // the attacker's answer in the victim's browser: no cookie, or that of another login
    let victim = rig.nobody();
    assert_eq!(victim.read(victim.request("GET", &back, None)).await.problem(), "FSP-API-002");
    let (other, _) = until_back(&rig, &ca, "mai-tax").await;
    assert_eq!(other.read(other.request("GET", &back, None)).await.problem(), "FSP-API-002");
    let forged = Client { cookie: Some("__Host-fansipan-oidc=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()), ..rig.nobody() };
    assert_eq!(forged.read(forged.request("GET", &back, None)).await.problem(), "FSP-API-002");
    // in its own browser: once
    assert_eq!(client.read(client.request("GET", &back, None)).await.status, StatusCode::OK);
    assert_eq!(client.read(client.request("GET", &back, None)).await.problem(), "FSP-API-002");
    for odd in ["", "?code=x", "?error=access_denied", "?code=x&state=y"] {
        let reply = client.get(&format!("/session/oidc/callback{odd}")).await;
        assert!(reply.status.is_client_error(), "{odd}: {reply:?}");
    }
    // people see a page, not JSON
    let mut request = client.request("GET", "/api/v1/session/oidc/callback?error=%3Cscript%3E", None);
    request.headers_mut().insert(header::ACCEPT, "text/html".parse().unwrap());
    let page = client.read(request).await;
    assert!(page.status == StatusCode::UNAUTHORIZED && page.text.contains("FSP-API-002") && !page.text.contains("<script"), "{page:?}");
    // a provider that is gone is said to be gone
    drop(server);
    let (gone, config, _) = oidc(&{
        let other = dir.path().join("gone");
        std::fs::create_dir(&other).unwrap();
        other
    });
    drop(gone);
    let rig = Rig::with(|c| c.oidc = Some(config)).await;
    assert_eq!(rig.nobody().get("/session/oidc").await.problem(), "FSP-API-024");
    assert_eq!(Rig::new().await.nobody().get("/session/oidc").await.problem(), "FSP-API-008");
}

const PEOPLE: &str = "dn: dc=test\nobjectClass: dcObject\nobjectClass: organization\no: test\ndc: test\n\n\
    dn: ou=people,dc=test\nobjectClass: organizationalUnit\nou: people\n\n\
    dn: ou=groups,dc=test\nobjectClass: organizationalUnit\nou: groups\n\n\
    dn: cn=search,dc=test\nobjectClass: person\ncn: search\nsn: search\nuserPassword: searching\n\n\
    dn: uid=lan,ou=people,dc=test\nobjectClass: inetOrgPerson\nuid: lan\ncn: Tran Thi Lan\nsn: Lan\nuserPassword: rice terraces 1\n\n\
    dn: uid=mai,ou=people,dc=test\nobjectClass: inetOrgPerson\nuid: mai\ncn: Mai (Tax)\nsn: Mai\nuserPassword: rice terraces 2\n\n\
    dn: uid=boss,ou=people,dc=test\nobjectClass: inetOrgPerson\nuid: boss\ncn: Boss\nsn: Boss\nuserPassword: rice terraces 3\n\n\
    dn: cn=soc,ou=groups,dc=test\nobjectClass: groupOfNames\ncn: soc\nmember: uid=lan,ou=people,dc=test\nmember: uid=boss,ou=people,dc=test\n";

/// A directory, and how the console reaches it over LDAPS and over StartTLS.
fn directory(dir: &Path) -> (Server, DirectoryConfig, DirectoryConfig) {
    let home = root().join("target/slapd");
    let slapd = home.join("usr/sbin/slapd");
    assert!(slapd.exists(), "the directory server is not installed: packaging/dev/need test");
    let (cert, key) = certificate(dir);
    let (plain, tls) = (free_port(), free_port());
    let (schemas, data, config) = (home.join("etc/ldap/schema"), dir.join("db"), dir.join("slapd.conf"));
    std::fs::create_dir(&data).unwrap();
    let text = format!(
        "include {s}/core.schema\ninclude {s}/cosine.schema\ninclude {s}/inetorgperson.schema\n\
         modulepath {m}\nmoduleload back_mdb\nTLSCertificateFile {c}\nTLSCertificateKeyFile {k}\nsecurity simple_bind=128\n\
         pidfile {d}/pid\nargsfile {d}/args\ndatabase mdb\nsuffix \"dc=test\"\nrootdn \"cn=root,dc=test\"\ndirectory {d}/db\n\
         access to attrs=userPassword by anonymous auth by * none\naccess to * by users read by * none\n",
        s = schemas.display(),
        m = home.join("usr/lib/ldap").display(),
        c = cert.display(),
        k = key.display(),
        d = dir.display(),
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(dir.join("people.ldif"), PEOPLE).unwrap();
    let libraries = format!("{0}/usr/lib:{0}/usr/lib/x86_64-linux-gnu", home.display());
    let run = |program: &str| {
        let mut command = Command::new(home.join("usr/sbin").join(program));
        command.env("LD_LIBRARY_PATH", &libraries).arg("-f").arg(&config).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let added = run("slapadd").arg("-l").arg(dir.join("people.ldif")).stderr(Stdio::piped()).output().unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let urls = format!("ldap://127.0.0.1:{plain} ldaps://127.0.0.1:{tls}");
    let server = Server(run("slapd").args(["-d", "0", "-h", &urls]).stderr(Stdio::null()).spawn().unwrap());
    let mut tries = 0;
    while TcpStream::connect(("127.0.0.1", tls)).is_err() {
        tries += 1;
        assert!(tries < 400, "slapd does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ldaps = DirectoryConfig {
        url: format!("ldaps://localhost:{tls}"),
        starttls: false,
        ca: Some(cert),
        bind_dn: "cn=search,dc=test".into(),
        bind_password: "searching".into(),
        base: "ou=people,dc=test".into(),
        filter: "(&(objectClass=person)(uid={user}))".into(),
        user_attribute: "uid".into(),
        name_attribute: "cn".into(),
        id_attribute: "entryUUID".into(),
        groups_attribute: "memberOf".into(),
        group_base: Some("ou=groups,dc=test".into()),
        group_filter: "(member={dn})".into(),
        groups: vec![rule("CN=soc,ou=groups,dc=test", Role::Analyst, Some("tax"))],
    };
    let starttls = DirectoryConfig { url: format!("ldap://localhost:{plain}"), starttls: true, ..ldaps.clone() };
    (server, ldaps, starttls)
}

#[tokio::test]
async fn names_and_passwords_of_a_real_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (server, ldaps, starttls) = directory(dir.path());
    for config in [starttls, ldaps.clone()] {
        let rig = Rig::with(|c| c.directory = Some(config.clone())).await;
        assert_eq!(rig.nobody().get("/session/options").await.json()["directory"], true);
        let mut lan = rig.nobody();
        let reply = lan.login("lan", "rice terraces 1").await;
        assert_eq!(reply.status, StatusCode::OK, "{}: {reply:?}", config.url);
        let user = reply.json()["user"].clone();
        assert_eq!((&user["name"], &user["display_name"]), (&json!("lan"), &json!("Tran Thi Lan")));
        assert_eq!((&user["roles"], &user["agencies"], &user["provider"]), (&json!(["analyst"]), &json!(["tax"]), &json!(config.url)));
        assert_eq!(lan.get("/overview").await.status, StatusCode::OK);
        assert!(rig.trail("lan").contains(&("session.open".to_owned(), true)));
        assert_eq!(rig.nobody().login("LAN", "rice terraces 1").await.status, StatusCode::OK, "the same user");
        assert_eq!(rig.state.users().unwrap().len(), 2);
    }
    let rig = Rig::with(|c| {
        c.directory = Some(ldaps);
        c.second_factor = vec![Role::Analyst];
    })
    .await;
    rig.add_user("boss", &[Role::Viewer], &[]);
    for (name, password) in [
        ("lan", "rice terraces 2"),
        ("lan", ""),
        ("*", "rice terraces 1"),
        ("lan)(uid=*", "rice terraces 1"),
        ("l*n", "rice terraces 1"),
        ("uid=lan,ou=people,dc=test", "rice terraces 1"),
        ("mai", "rice terraces 2"),  // in no group
        ("boss", "rice terraces 3"), // a local user: the directory is not asked
        ("nobody", "x"),
    ] {
        assert_eq!(rig.nobody().login(name, password).await.problem(), "FSP-API-002", "{name} {password}");
    }
    assert_eq!(rig.nobody().login("boss", GOOD).await.status, StatusCode::OK);
    assert!(rig.state.user("mai").unwrap().is_none());
    // the second factor goes on top
    let mut lan = rig.nobody();
    lan.login("lan", "rice terraces 1").await;
    assert_eq!(lan.get("/overview").await.problem(), "FSP-API-023");
    let (_, recovery, _) = super::factor::enrolled(&lan).await;
    assert_eq!(rig.nobody().login("lan", "rice terraces 1").await.problem(), "FSP-API-022");
    let body = json!({ "username": "lan", "password": "rice terraces 1", "code": recovery[0] });
    assert_eq!(rig.nobody().post("/session", body).await.status, StatusCode::OK);
    // without the directory, people of this console still get in
    drop(server);
    assert_eq!(rig.nobody().login("lan", "rice terraces 1").await.problem(), "FSP-API-024");
    assert_eq!(rig.nobody().login("boss", GOOD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn groups_elsewhere_do_not_take_the_last_administrator() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, ldaps, _) = directory(dir.path());
    let rig = Rig::with(|c| c.directory = Some(ldaps)).await;
    let log_in = async || rig.nobody().login("lan", "rice terraces 1").await.json()["user"].clone();
    assert_eq!(log_in().await["roles"], json!(["analyst"]));
    let disabled = |disabled| UserChange { disabled: Some(disabled), ..UserChange::default() };
    let roles = Some(vec![Role::Administrator.as_str().to_owned()]);
    rig.state.change_user("lan", &UserChange { roles, scope: Some(Scope::All), ..UserChange::default() }, None).unwrap();
    rig.state.change_user("admin", &disabled(true), None).unwrap();
    let user = log_in().await;
    assert_eq!((&user["roles"], &user["agencies"]), (&json!(["administrator"]), &json!(null)), "nobody could give it back: {user}");
    let refused = rig.state.audit_trail(&Scope::All, &AuditFilter::default(), None, 50).unwrap();
    let told = refused.items.iter().find(|e| e.verb == "users.update" && !e.allowed).unwrap();
    assert!(told.object == "lan" && told.details.contains("last administrator"), "{told:?}");
    rig.state.change_user("admin", &disabled(false), None).unwrap();
    assert_eq!(log_in().await["roles"], json!(["analyst"]), "with another administrator the groups count again");
}

#[tokio::test]
async fn a_directory_with_a_certificate_of_somebody_else_gets_no_password() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let (_server, ldaps, starttls) = directory(dir.path());
    let (foreign, _) = certificate(other.path());
    for config in [ldaps, starttls] {
        let rig = Rig::with(|c| c.directory = Some(DirectoryConfig { ca: Some(foreign.clone()), ..config })).await;
        assert_eq!(rig.nobody().login("lan", "rice terraces 1").await.problem(), "FSP-API-024");
    }
}
