//! The one table of routes: method, path, what the caller needs, what the audit trail keeps, handler, documentation.
//!
//! A route exists by standing here; a test walks the table and calls each as nobody and as every role.

use std::any::type_name;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, post},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{
        Access, Audit,
        Permission::{
            ApproveActions, JudgeAlerts, ManageSources, ManageUsers, ReadAlerts, ReadAudit, ReadEvents, ReadOverview, ReadResponse,
            ReadRules, ReadSources, ReadStatus, ReadUsers, Respond,
        },
    },
    dto,
    guard::{Gate, guard},
    handlers::{
        actions, alerts, audit, coverage, events, hunt, incidents, overview, playbooks, rules, session, sources, status, stream, tokens,
        users,
    },
    openapi::Doc,
    state::Api,
};

/// Where the API's paths begin.
pub(crate) const PREFIX: &str = "/api/v1";

/// One line of the table.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) audit: Audit,
    pub(crate) doc: Doc,
    handler: MethodRouter<Api>,
}

const PUBLIC: Access = Access::Open;
const ANYONE_KNOWN: Access = Access::Identified;
const fn needs(permission: crate::access::Permission) -> Access {
    Access::Needs(permission)
}
const FIGURES: Audit = Audit::Nothing("figures that open consoles refresh by themselves, without anybody's records");
const OWN: Audit = Audit::Nothing("tells callers about themselves");
const LISTS: Audit = Audit::Nothing("a list that open consoles refresh by themselves; opening an item is recorded");
const SYSTEM: Audit = Audit::Nothing("state of the service, no agency's data");
const fn verb(verb: &'static str) -> Audit {
    Audit::Verb(verb)
}

/// Every route of the API.
#[rustfmt::skip] // one route, one line
pub(crate) fn table() -> Vec<Route> {
    vec![
        Route::get("/healthz", PUBLIC, SYSTEM, status::health, "Whether the service lives").gives::<dto::Health>(),
        Route::get("/openapi.json", ANYONE_KNOWN, SYSTEM, status::openapi, "This document"),
        Route::get("/status", needs(ReadStatus), SYSTEM, status::show, "State of the service").gives::<dto::StatusReport>(),

        Route::post("/session", PUBLIC, verb("session.open"), session::login, "Log in; sets the session cookie").takes::<dto::Login>().gives::<dto::SessionInfo>(),
        Route::get("/session", ANYONE_KNOWN, OWN, session::show, "Who is logged in").gives::<dto::SessionInfo>(),
        Route::delete("/session", ANYONE_KNOWN, verb("session.close"), session::logout, "Log out"),
        Route::post("/session/password", ANYONE_KNOWN, verb("session.password"), session::change_password, "Change one's own password; ends one's other sessions").takes::<dto::PasswordChange>(),
        Route::post("/session/settings", needs(ReadOverview), verb("session.settings"), session::change_settings, "Change one's own language").takes::<dto::SessionSettings>(),

        Route::get("/overview", needs(ReadOverview), FIGURES, overview::show, "Are we under attack, are we blind").asks::<dto::OverviewParams>().gives::<dto::Overview>(),
        Route::get("/stream", needs(ReadOverview), FIGURES, stream::open, "Live stream (server-sent events): `alert`, `tick`, `gap`, `end`").streams::<dto::Tick>(),

        Route::get("/alerts", needs(ReadAlerts), LISTS, alerts::list, "Alerts, newest first").asks::<dto::AlertParams>().gives::<dto::AlertPage>(),
        Route::get("/alerts/{id}", needs(ReadAlerts), verb("alerts.view"), alerts::show, "An alert with its first events").gives::<dto::AlertDetail>(),
        Route::post("/alerts/{id}/status", needs(JudgeAlerts), verb("alerts.status"), alerts::judge, "Take or judge an alert").takes::<dto::StatusChange>().gives::<dto::AlertDto>(),
        Route::post("/alerts/{id}/assign", needs(JudgeAlerts), verb("alerts.assign"), alerts::assign, "Give an alert to somebody or nobody").takes::<dto::Assignment>().gives::<dto::AlertDto>(),

        Route::get("/incidents", needs(ReadAlerts), LISTS, incidents::list, "Incidents, latest first").asks::<dto::IncidentParams>().gives::<dto::IncidentList>(),
        Route::get("/incidents/{id}", needs(ReadAlerts), verb("incidents.view"), incidents::show, "An incident with its story and alerts").gives::<dto::IncidentDetail>(),
        Route::post("/incidents/{id}", needs(JudgeAlerts), verb("incidents.decide"), incidents::decide, "Take, judge, give, merge, split an incident").takes::<dto::IncidentChangeDto>().gives::<dto::IncidentDto>(),

        Route::get("/actions", needs(ReadResponse), LISTS, actions::list, "Actions on devices, latest asked for first").asks::<dto::ResponseParams>().gives::<dto::ActionList>(),
        Route::get("/actions/devices", needs(ReadResponse), SYSTEM, actions::devices, "Devices that take orders").gives::<dto::DeviceList>(),
        Route::get("/actions/{id}", needs(ReadResponse), verb("actions.view"), actions::show, "An action with its dry run, journal and verification").gives::<dto::ActionDetail>(),
        Route::post("/actions", needs(Respond), verb("actions.propose"), actions::propose, "Ask for an action, or show its dry run").takes::<dto::ActionRequest>().gives::<dto::ActionDetail>(),
        Route::post("/actions/{id}/approve", needs(ApproveActions), verb("actions.approve"), actions::approve, "Agree to an action").takes::<dto::ActionDecision>().gives::<dto::ActionDetail>(),
        Route::post("/actions/{id}/reject", needs(ApproveActions), verb("actions.reject"), actions::reject, "Do not agree to an action").takes::<dto::ActionDecision>().gives::<dto::ActionDetail>(),
        Route::post("/actions/{id}/undo", needs(Respond), verb("actions.undo"), actions::undo, "Take an action back, or undo it on the device").takes::<dto::ActionDecision>().gives::<dto::ActionDetail>(),
        Route::post("/actions/{id}/by-hand", needs(Respond), verb("actions.by_hand"), actions::by_hand, "What was handed to a person is done").takes::<dto::ActionDecision>().gives::<dto::ActionDetail>(),
        Route::get("/playbooks", needs(ReadResponse), SYSTEM, playbooks::list, "Playbooks, and which fit an incident").asks::<dto::PlaybookParams>().gives::<dto::PlaybookList>(),
        Route::get("/playbooks/{name}", needs(ReadResponse), SYSTEM, playbooks::show, "A playbook with its text").gives::<dto::PlaybookDetail>(),
        Route::get("/runs", needs(ReadResponse), LISTS, playbooks::runs, "Runs of playbooks, latest started first").asks::<dto::ResponseParams>().gives::<dto::RunList>(),
        Route::get("/runs/{id}", needs(ReadResponse), verb("runs.view"), playbooks::run, "A run with its steps and journal").gives::<dto::RunDetail>(),
        Route::post("/runs", needs(Respond), verb("runs.start"), playbooks::start, "Start a playbook for an incident").takes::<dto::RunRequest>().gives::<dto::RunDto>(),
        Route::post("/runs/{id}/tasks/{name}", needs(Respond), verb("runs.answer"), playbooks::answer, "Answer the task a run waits for").takes::<dto::TaskAnswer>().gives::<dto::RunDto>(),
        Route::post("/runs/{id}/cancel", needs(Respond), verb("runs.cancel"), playbooks::cancel, "End a run; its actions stay").takes::<dto::ActionDecision>().gives::<dto::RunDto>(),

        Route::get("/events", needs(ReadEvents), verb("events.search"), events::search, "Search events, or compute a table over them").asks::<dto::SearchParams>().gives::<dto::SearchAnswer>(),
        Route::get("/events/histogram", needs(ReadEvents), verb("events.histogram"), events::histogram, "Matching events over time").asks::<dto::HistogramParams>().gives::<dto::HistogramDto>(),
        Route::get("/events/facets", needs(ReadEvents), verb("events.facets"), events::facets, "Commonest values among matching events").asks::<dto::FacetParams>().gives::<dto::FacetList>(),
        Route::get("/events/{id}", needs(ReadEvents), verb("events.view"), events::show, "One event").gives::<dto::EventJson>(),
        Route::post("/hunt", needs(ReadEvents), verb("events.hunt"), hunt::start, "Sigma rules over stored events; a line of JSON for each detection, then one that sums up").takes::<dto::HuntRequest>().lines::<dto::HuntLine<'_>>().body_up_to(hunt::LARGEST),
        Route::get("/search/validate", needs(ReadEvents), Audit::Nothing("looks at the query alone, not at data"), events::validate, "Check a query as it is typed").asks::<dto::ValidateParams>().gives::<dto::QueryCheck>(),

        Route::get("/sources", needs(ReadSources), LISTS, sources::list, "Sources and their loss ledgers").gives::<dto::SourceList>(),
        Route::post("/sources/{id}/format", needs(ManageSources), verb("sources.format"), sources::pin, "Fix or free the format of a source").takes::<dto::FormatPin>().gives::<dto::SourceDto>(),

        Route::get("/rules", needs(ReadRules), SYSTEM, rules::list, "Rules in force and what was refused").gives::<dto::RuleList>(),
        Route::get("/rules/coverage", needs(ReadRules), verb("rules.coverage"), coverage::show, "Which rules can fire on what arrives, and which are blind").asks::<dto::CoverageParams>().gives::<dto::CoverageReport>(),
        Route::get("/rules/{id}", needs(ReadRules), SYSTEM, rules::show, "A rule with its text").gives::<dto::RuleDetail>(),

        Route::get("/users", needs(ReadUsers), verb("users.list"), users::list, "Users").gives::<dto::UserList>(),
        Route::post("/users", needs(ManageUsers), verb("users.create"), users::create, "Make a user with a one-time password").takes::<dto::UserCreation>().gives::<dto::UserWithPassword>().made(),
        Route::post("/users/{name}", needs(ManageUsers), verb("users.update"), users::update, "Change a user").takes::<dto::UserUpdate>().gives::<dto::UserInfo>(),
        Route::delete("/users/{name}", needs(ManageUsers), verb("users.remove"), users::remove, "Remove a user"),
        Route::post("/users/{name}/disable", needs(ManageUsers), verb("users.disable"), users::disable, "Refuse a user's logins and end their sessions").gives::<dto::UserInfo>(),
        Route::post("/users/{name}/enable", needs(ManageUsers), verb("users.enable"), users::enable, "Let a user log in again").gives::<dto::UserInfo>(),
        Route::post("/users/{name}/password", needs(ManageUsers), verb("users.password"), users::reset_password, "Give a user a one-time password").gives::<dto::UserWithPassword>(),

        Route::get("/tokens", needs(ReadUsers), verb("tokens.list"), tokens::list, "API tokens").gives::<dto::TokenList>(),
        Route::post("/tokens", needs(ManageUsers), verb("tokens.create"), tokens::create, "Make an API token, shown once").takes::<dto::TokenCreation>().gives::<dto::TokenMade>().made(),
        Route::delete("/tokens/{name}", needs(ManageUsers), verb("tokens.remove"), tokens::remove, "Revoke an API token"),

        Route::get("/audit", needs(ReadAudit), verb("audit.list"), audit::list, "The audit trail, newest first").asks::<dto::AuditParams>().gives::<dto::AuditPageDto>(),
    ]
}

impl Route {
    fn new(method: Method, path: &'static str, access: Access, audit: Audit, handler: (MethodRouter<Api>, &str), summary: &str) -> Self {
        let doc = Doc::new(&method, path, access, audit, handler.1, summary);
        Self { method, path, access, audit, doc, handler: handler.0 }
    }

    fn get<H: Handler<T, Api>, T: 'static>(path: &'static str, access: Access, audit: Audit, handler: H, summary: &str) -> Self {
        Self::new(Method::GET, path, access, audit, (get(handler), type_name::<H>()), summary)
    }

    fn post<H: Handler<T, Api>, T: 'static>(path: &'static str, access: Access, audit: Audit, handler: H, summary: &str) -> Self {
        Self::new(Method::POST, path, access, audit, (post(handler), type_name::<H>()), summary)
    }

    fn delete<H: Handler<T, Api>, T: 'static>(path: &'static str, access: Access, audit: Audit, handler: H, summary: &str) -> Self {
        Self::new(Method::DELETE, path, access, audit, (delete(handler), type_name::<H>()), summary)
    }

    fn asks<P: IntoParams>(mut self) -> Self {
        self.doc.query::<P>();
        self
    }

    fn takes<T: ToSchema>(mut self) -> Self {
        self.doc.body::<T>();
        self
    }

    fn gives<T: ToSchema>(mut self) -> Self {
        self.doc.answer::<T>("application/json");
        self
    }

    fn streams<T: ToSchema>(mut self) -> Self {
        self.doc.answer::<T>("text/event-stream");
        self
    }

    fn lines<T: ToSchema>(mut self) -> Self {
        self.doc.answer::<T>("application/x-ndjson");
        self
    }

    fn body_up_to(mut self, bytes: usize) -> Self {
        self.handler = self.handler.layer(DefaultBodyLimit::max(bytes));
        self
    }

    fn made(mut self) -> Self {
        self.doc.created();
        self
    }
}

/// The API's router, below [`PREFIX`]; every route behind its guard.
pub(crate) fn router(api: &Api, table: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in table {
        let gate = Gate { api: api.clone(), access: route.access, audit: route.audit };
        router = router.route(route.path, route.handler.layer(from_fn_with_state(gate, guard)));
    }
    router.with_state(api.clone())
}
