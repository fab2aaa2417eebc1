//! The one table of routes: method, path, what the caller needs, what the audit trail keeps, handler, documentation.
//!
//! A route exists by standing here; a test walks the table and calls each as nobody and as every role.

use std::{any::type_name, time::Duration};

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
            ApproveActions, Export, JudgeAlerts, ManageExceptions, ManageRules, ManageSources, ManageUsers, ReadAlerts, ReadAudit,
            ReadEvents, ReadIncidents, ReadOverview, ReadPackets, ReadResponse, ReadRules, ReadSources, ReadStatus, ReadUsers, ReadWall,
            Respond, WorkIncidents,
        },
    },
    dto,
    guard::{Gate, guard},
    handlers::{
        actions, alerts, audit, bundle, cases, coverage, drafts, entity, events, evidence, exceptions, export, handover, hunt, incidents,
        lessons, map, notification, oidc, overview, own_rules, own_tokens, packets, playbooks, queue, rules, searches, second_factor,
        session, sessions, sources, status, stream, talkers, timeline, tokens, users, wall, walls,
    },
    layers::limit_time,
    openapi::Doc,
    ports::PACKETS_WITHIN,
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
    /// How long an answer may take to begin.
    within: Duration,
    handler: MethodRouter<Api>,
}

/// Time a request may take; live streams begin within it and go on.
const REQUEST: Duration = Duration::from_secs(30);

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
        Route::get("/session/options", PUBLIC, SYSTEM, session::options, "How one can log in").gives::<dto::LoginOptions>(),
        Route::get("/session/oidc", PUBLIC, Audit::Nothing("leads to the provider; coming back is recorded"), oidc::start, "Begin a login at the OIDC provider: a redirect"),
        Route::get("/session/oidc/callback", PUBLIC, verb("session.open.oidc"), oidc::callback, "Where the OIDC provider sends the browser back; sets the session cookie").asks::<oidc::CallbackParams>().page(),
        Route::get("/session/open", ANYONE_KNOWN, OWN, sessions::own, "One's own open sessions").gives::<dto::SessionList>(),
        Route::delete("/session/open/{id}", ANYONE_KNOWN, verb("session.end"), sessions::end_own, "End one of one's own sessions"),
        Route::post("/session/second-factor", ANYONE_KNOWN, verb("session.factor"), second_factor::begin, "Show a new second factor, once").gives::<dto::SecondFactorEnrolment>(),
        Route::post("/session/second-factor/confirm", ANYONE_KNOWN, verb("session.factor_confirm"), second_factor::confirm, "Prove the second factor; from then on it is asked for").takes::<dto::CodeProof>().gives::<dto::RecoveryCodes>(),
        Route::post("/session/second-factor/remove", ANYONE_KNOWN, verb("session.factor_remove"), second_factor::remove, "Do without a second factor").takes::<dto::CodeProof>(),
        Route::get("/session/tokens", ANYONE_KNOWN, OWN, own_tokens::list, "One's own API tokens").gives::<dto::TokenList>(),
        Route::post("/session/tokens", needs(ReadOverview), verb("session.token"), own_tokens::create, "Make an API token of one's own, shown once").takes::<dto::OwnTokenCreation>().gives::<dto::TokenMade>().made(),
        Route::delete("/session/tokens/{name}", needs(ReadOverview), verb("session.token_remove"), own_tokens::remove, "Revoke an API token of one's own"),
        Route::post("/session/settings", needs(ReadOverview), verb("session.settings"), session::change_settings, "Change one's own language").takes::<dto::SessionSettings>(),

        Route::get("/overview", needs(ReadWall), FIGURES, overview::show, "Are we under attack, are we blind").asks::<dto::OverviewParams>().gives::<dto::Overview>(),
        Route::get("/handover", needs(ReadIncidents), verb("handover.view"), handover::show, "What whoever takes the shift must know").asks::<dto::HandoverParams>().gives::<dto::HandoverPage>(),
        Route::post("/handover", needs(WorkIncidents), verb("handover.sign"), handover::sign, "Hand the shift over").takes::<dto::HandoverSign>().gives::<dto::HandoverDto>().made(),
        Route::get("/map", needs(ReadWall), SYSTEM, map::show, "The centre's own map, GeoJSON; null: the console draws the one it has"),
        Route::get("/stream", needs(ReadWall), FIGURES, stream::open, "Live stream (server-sent events): `alert`, `incident`, `bulk`, `tick`, `gap`, `end`").streams::<dto::Tick>(),

        Route::get("/alerts", needs(ReadAlerts), LISTS, alerts::list, "Alerts, newest first").asks::<dto::AlertParams>().gives::<dto::AlertPage>(),
        Route::post("/alerts/next", needs(JudgeAlerts), verb("alerts.next"), queue::next, "Take the first new alert of the queue; nobody else gets it").takes::<dto::NextRequest>().gives::<dto::NextAlert>(),
        Route::post("/alerts/bulk", needs(JudgeAlerts), verb("alerts.bulk"), queue::bulk, "Judge all alerts that fit a filter, at once").takes::<dto::BulkDecision>().gives::<dto::BulkAnswer>(),
        Route::post("/alerts/undo", needs(JudgeAlerts), verb("alerts.undo"), queue::undo, "Take a decision about many alerts back, where nobody has decided since").takes::<dto::UndoRequest>().gives::<dto::UndoAnswer>(),
        Route::get("/alerts/export", needs(Export), verb("alerts.export"), export::alerts, "All alerts that fit, as JSON lines or CSV").asks::<dto::ExportParams>().lines::<dto::AlertDto>(),
        Route::get("/alerts/{id}", needs(ReadAlerts), verb("alerts.view"), alerts::show, "An alert with its first events").gives::<dto::AlertDetail>(),
        Route::get("/alerts/{id}/context", needs(ReadAlerts), verb("alerts.context"), queue::context, "What is known around an alert: its entities' 30 days, verdicts on alerts like it").gives::<dto::AlertContextDto>(),
        Route::post("/alerts/{id}/status", needs(JudgeAlerts), verb("alerts.status"), alerts::judge, "Take or judge an alert").takes::<dto::StatusChange>().gives::<dto::AlertDto>(),
        Route::post("/alerts/{id}/assign", needs(JudgeAlerts), verb("alerts.assign"), alerts::assign, "Give an alert to somebody or nobody").takes::<dto::Assignment>().gives::<dto::AlertDto>(),

        Route::post("/alerts/{id}/escalate", needs(WorkIncidents), verb("incidents.open"), incidents::escalate, "Open an incident about an alert that is in none; the one it is in otherwise").gives::<dto::IncidentDto>(),

        Route::get("/incidents", needs(ReadIncidents), LISTS, incidents::list, "Incidents, latest first").asks::<dto::IncidentParams>().gives::<dto::IncidentList>(),
        Route::get("/incidents/export", needs(Export), verb("incidents.export"), export::incidents, "All incidents that fit, as JSON lines or CSV").asks::<dto::ExportParams>().lines::<dto::IncidentDto>(),
        Route::get("/incidents/{id}", needs(ReadIncidents), verb("incidents.view"), incidents::show, "An incident with its story and alerts").gives::<dto::IncidentDetail>(),
        Route::post("/incidents/{id}", needs(WorkIncidents), verb("incidents.decide"), incidents::decide, "Take, judge, give, merge, split an incident").takes::<dto::IncidentChangeDto>().gives::<dto::IncidentDto>(),
        Route::get("/incidents/{id}/workspace", needs(ReadIncidents), verb("incidents.workspace"), cases::workspace, "Stage, facts, clocks, notes, tasks, indicators, people and evidence of an incident").gives::<dto::WorkspaceDto>(),
        Route::post("/incidents/{id}/stage", needs(WorkIncidents), verb("incidents.stage"), cases::advance, "Lead an incident to another stage, or change what is known").takes::<dto::StageChange>().gives::<dto::WorkspaceDto>(),
        Route::post("/incidents/{id}/items", needs(WorkIncidents), verb("incidents.add"), cases::add, "Put a note, task, indicator or person into an incident").takes::<dto::ItemCreation>().gives::<dto::ItemDto>(),
        Route::post("/incidents/{id}/items/{item}", needs(WorkIncidents), verb("incidents.change"), cases::change, "Change something in an incident, or take it out").takes::<dto::ItemChange>().gives::<dto::ItemDto>(),
        Route::get("/incidents/{id}/presence", needs(ReadIncidents), LISTS, cases::presence, "Say that one has an incident open; who else has").gives::<dto::Present>(),
        Route::get("/incidents/{id}/timeline", needs(ReadIncidents), verb("incidents.timeline"), timeline::show, "Events, alerts, notes and decisions of an incident in order").gives::<dto::TimelineDto>(),
        Route::get("/incidents/{id}/lessons", needs(ReadIncidents), verb("incidents.lessons"), lessons::show, "Cause, times and what an incident suggests to change").gives::<dto::LessonsDto>(),
        Route::get("/incidents/{id}/notification", needs(WorkIncidents), verb("incidents.notify"), notification::show, "The report of an incident in the form of the law, filled in for a person to complete and sign").asks::<dto::NotificationParams>().gives::<dto::NotificationDto>(),
        Route::get("/incidents/{id}/bundle", needs(Export), verb("incidents.bundle"), bundle::take, "The evidence bundle of an incident, a tar file with proofs; its fingerprint is in the audit trail"),
        Route::get("/incidents/{id}/graph", needs(ReadIncidents), verb("incidents.graph"), cases::graph, "What an incident is about, and how it belongs together").asks::<dto::GraphParams>().gives::<dto::GraphDto>(),
        Route::post("/incidents/{id}/evidence", needs(WorkIncidents), verb("incidents.evidence"), evidence::hand_in, "Hand in a file as evidence: its bytes are the body").asks::<dto::EvidenceParams>().gives::<dto::ItemDto>().body_up_to(evidence::LARGEST),
        Route::get("/incidents/{id}/evidence/{item}", needs(ReadIncidents), verb("incidents.evidence-read"), evidence::read, "A file of an incident, if it is the one that was handed in"),

        Route::get("/exceptions", needs(ReadAlerts), LISTS, exceptions::list, "Exceptions, suppressions, maintenance windows").asks::<dto::ExceptionParams>().gives::<dto::ExceptionList>(),
        Route::post("/exceptions", needs(ManageExceptions), verb("exceptions.create"), exceptions::create, "Hold alerts back: kept and marked, not shown as work").takes::<dto::ExceptionCreation>().gives::<dto::ExceptionDto>().made(),
        Route::post("/exceptions/preview", needs(ReadEvents), verb("exceptions.preview"), exceptions::preview, "What an exception would have held back").takes::<dto::PreviewRequest>().gives::<dto::Preview>(),
        Route::get("/exceptions/{id}", needs(ReadAlerts), LISTS, exceptions::show, "One with all its versions").gives::<dto::ExceptionDetail>(),
        Route::post("/exceptions/{id}", needs(ManageExceptions), verb("exceptions.change"), exceptions::change, "Renew, hand over or end one").takes::<dto::ExceptionUpdate>().gives::<dto::ExceptionDto>(),

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
        Route::get("/events/explain", needs(ReadEvents), verb("events.explain"), events::explain, "How a search is answered: by which store and index, and what the filter becomes there").asks::<dto::ExplainParams>().gives::<dto::ExplanationList>(),
        Route::get("/events/facets", needs(ReadEvents), verb("events.facets"), events::facets, "Commonest values among matching events").asks::<dto::FacetParams>().gives::<dto::FacetList>(),
        Route::get("/events/export", needs(Export), verb("events.export"), export::events, "All events that match, as JSON lines or CSV").asks::<dto::ExportParams>().lines::<dto::EventJson>(),
        Route::get("/events/{id}", needs(ReadEvents), verb("events.view"), events::show, "One event").gives::<dto::EventJson>(),
        Route::get("/packets/{id}", needs(ReadPackets), verb("packets.take"), packets::take, "Packets of the flows of an event or alert, as a pcapng file; its figures are in X-Fansipan-Packets").asks::<dto::PacketParams>().within(PACKETS_WITHIN + REQUEST),
        Route::get("/entity", needs(ReadEvents), verb("entity.view"), entity::show, "Everything about one host, address, account, hash or domain").asks::<dto::EntityParams>().gives::<dto::EntityPage>(),
        Route::post("/hunt", needs(ReadEvents), verb("events.hunt"), hunt::start, "Sigma rules over stored events; a line of JSON for each detection, then one that sums up").takes::<dto::HuntRequest>().lines::<dto::HuntLine<'_>>().body_up_to(hunt::LARGEST),
        Route::get("/search/validate", needs(ReadEvents), Audit::Nothing("looks at the query alone, not at data"), events::validate, "Check a query as it is typed").asks::<dto::ValidateParams>().gives::<dto::QueryCheck>(),

        Route::get("/searches", needs(ReadEvents), LISTS, searches::list, "One's own saved searches and those shared").gives::<dto::SearchList>(),
        Route::post("/searches", needs(ReadEvents), verb("searches.save"), searches::save, "Keep a search, or change one's own").takes::<dto::SearchSave>().gives::<dto::SearchDto>(),
        Route::delete("/searches/{id}", needs(ReadEvents), verb("searches.remove"), searches::remove, "Forget a search of one's own"),

        Route::get("/sources", needs(ReadSources), LISTS, sources::list, "Sources and their loss ledgers").gives::<dto::SourceList>(),
        Route::post("/sources/{id}/format", needs(ManageSources), verb("sources.format"), sources::pin, "Fix or free the format of a source").takes::<dto::FormatPin>().gives::<dto::SourceDto>(),

        Route::get("/rules", needs(ReadRules), SYSTEM, rules::list, "Rules in force and what was refused").asks::<dto::RuleListParams>().gives::<dto::RuleList>(),
        Route::get("/rules/coverage", needs(ReadRules), verb("rules.coverage"), coverage::show, "Which rules can fire on what arrives, and which are blind").asks::<dto::CoverageParams>().gives::<dto::CoverageReport>(),
        Route::post("/rules/lint", needs(ReadRules), verb("rules.lint"), drafts::lint, "What is wrong or doubtful in the text of a rule").takes::<dto::RuleDraft>().gives::<dto::RuleLint>().body_up_to(drafts::LARGEST),
        Route::post("/rules/test", needs(ReadEvents), verb("rules.test"), drafts::test, "What a rule would have said of stored events").takes::<dto::RuleDraft>().gives::<dto::RuleTest>().body_up_to(drafts::LARGEST),
        Route::get("/rules/own", needs(ReadRules), SYSTEM, own_rules::list, "Rules of the centre's own, and switches on others").gives::<dto::OwnRuleList>(),
        Route::post("/rules/own", needs(ManageRules), verb("rules.save"), own_rules::save, "Keep a rule and put it in force").takes::<dto::OwnRuleSave>().gives::<dto::OwnRuleDto>().body_up_to(drafts::LARGEST),
        Route::get("/rules/{id}/history", needs(ReadRules), SYSTEM, own_rules::history, "Who wrote or switched a rule, when and why").gives::<dto::OwnRuleHistory>(),
        Route::post("/rules/{id}/switch", needs(ManageRules), verb("rules.switch"), own_rules::switch, "Switch a rule on or off").takes::<dto::RuleSwitch>().gives::<dto::OwnRuleDto>(),
        Route::get("/rules/{id}", needs(ReadRules), SYSTEM, rules::show, "A rule with its text").gives::<dto::RuleDetail>(),

        Route::get("/users", needs(ReadUsers), verb("users.list"), users::list, "Users").gives::<dto::UserList>(),
        Route::post("/users", needs(ManageUsers), verb("users.create"), users::create, "Make a user with a one-time password").takes::<dto::UserCreation>().gives::<dto::UserWithPassword>().made(),
        Route::post("/users/{name}", needs(ManageUsers), verb("users.update"), users::update, "Change a user").takes::<dto::UserUpdate>().gives::<dto::UserInfo>(),
        Route::delete("/users/{name}", needs(ManageUsers), verb("users.remove"), users::remove, "Remove a user"),
        Route::post("/users/{name}/disable", needs(ManageUsers), verb("users.disable"), users::disable, "Refuse a user's logins and end their sessions").gives::<dto::UserInfo>(),
        Route::post("/users/{name}/enable", needs(ManageUsers), verb("users.enable"), users::enable, "Let a user log in again").gives::<dto::UserInfo>(),
        Route::post("/users/{name}/password", needs(ManageUsers), verb("users.password"), users::reset_password, "Give a user a one-time password").gives::<dto::UserWithPassword>(),
        Route::delete("/users/{name}/second-factor", needs(ManageUsers), verb("users.factor"), second_factor::reset, "Remove a user's second factor, so that they enrol another"),

        Route::get("/sessions", needs(ReadUsers), verb("sessions.list"), sessions::list, "Open sessions").gives::<dto::SessionList>(),
        Route::delete("/sessions/{id}", needs(ManageUsers), verb("sessions.end"), sessions::end_other, "End a session"),

        Route::get("/network/talkers", needs(ReadWall), FIGURES, talkers::show, "Who sends how much a second to whom, of the flows of the last minutes").gives::<dto::Talkers>(),
        Route::get("/wall", needs(ReadWall), FIGURES, wall::show, "What the videowall shows besides the overview").gives::<dto::WallData>(),
        Route::get("/wall/device", needs(ReadWall), OWN, walls::show, "Which screen of the wall this is").gives::<dto::WallDeviceInfo>(),
        Route::post("/wall/enrol", PUBLIC, verb("wall.enrol"), walls::enrol, "Enrol a screen of the wall with a one-time code; sets its cookie").takes::<dto::WallEnrolment>().gives::<dto::WallEnrolled>(),
        Route::get("/wall-devices", needs(ReadUsers), verb("walls.list"), walls::list, "Screens of the wall").gives::<dto::WallDeviceList>(),
        Route::post("/wall-devices", needs(ManageUsers), verb("walls.create"), walls::create, "Make a screen of the wall; its one-time code is shown once").takes::<dto::WallDeviceCreation>().gives::<dto::WallDeviceMade>().made(),
        Route::delete("/wall-devices/{name}", needs(ManageUsers), verb("walls.remove"), walls::remove, "Revoke a screen of the wall"),

        Route::get("/tokens", needs(ReadUsers), verb("tokens.list"), tokens::list, "API tokens").gives::<dto::TokenList>(),
        Route::post("/tokens", needs(ManageUsers), verb("tokens.create"), tokens::create, "Make an API token, shown once").takes::<dto::TokenCreation>().gives::<dto::TokenMade>().made(),
        Route::delete("/tokens/{name}", needs(ManageUsers), verb("tokens.remove"), tokens::remove, "Revoke an API token"),

        Route::get("/audit/proof", needs(ReadAudit), verb("audit.verify"), audit::verify, "Recompute the chain of the audit trail").gives::<dto::AuditProof>(),
        Route::get("/audit/export", needs(ReadAudit), verb("audit.export"), export::audit, "The audit trail, as JSON lines or CSV").asks::<dto::ExportParams>().lines::<dto::AuditItem>(),
        Route::get("/audit", needs(ReadAudit), verb("audit.list"), audit::list, "The audit trail, newest first").asks::<dto::AuditParams>().gives::<dto::AuditPageDto>(),
    ]
}

impl Route {
    fn new(method: Method, path: &'static str, access: Access, audit: Audit, handler: (MethodRouter<Api>, &str), summary: &str) -> Self {
        let doc = Doc::new(&method, path, access, audit, handler.1, summary);
        Self { method, path, access, audit, doc, within: REQUEST, handler: handler.0 }
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

    fn page(mut self) -> Self {
        self.doc.page();
        self
    }

    fn body_up_to(mut self, bytes: usize) -> Self {
        self.handler = self.handler.layer(DefaultBodyLimit::max(bytes));
        self
    }

    fn within(mut self, most: Duration) -> Self {
        self.within = most;
        self
    }

    fn made(mut self) -> Self {
        self.doc.created();
        self
    }
}

/// The API's router, below [`PREFIX`]; every route behind its guard, and within its time.
pub(crate) fn router(api: &Api, table: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in table {
        let gate = Gate { api: api.clone(), access: route.access, audit: route.audit };
        let guarded = route.handler.layer(from_fn_with_state(gate, guard));
        router = router.route(route.path, guarded.layer(from_fn_with_state(route.within, limit_time)));
    }
    router.with_state(api.clone())
}
