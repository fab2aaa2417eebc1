//! The OpenAPI document, generated from the table of routes and the types of their handlers.

use axum::http::Method;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, Info, OpenApiBuilder, PathItem, Paths, Ref, RefOr, Required, ResponseBuilder,
        extensions::ExtensionsBuilder,
        path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ObjectBuilder, Schema, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    access::{Access, Audit},
    problem::{ProblemBody, QueryFault},
    routes::{PREFIX, Route},
};

type Named = (String, RefOr<Schema>);

/// What the document says of one route.
pub(crate) struct Doc {
    id: String,
    tag: String,
    summary: String,
    access: Access,
    audit: Audit,
    parameters: Vec<Parameter>,
    body: Option<RefOr<Schema>>,
    answer: Option<(&'static str, RefOr<Schema>)>,
    status: &'static str,
    schemas: Vec<Named>,
}

/// A reference to a named type; the type and what it refers to are added to `schemas`.
fn reference<T: ToSchema>(schemas: &mut Vec<Named>) -> RefOr<Schema> {
    let name = T::name().into_owned();
    schemas.push((name.clone(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(name).into()
}

impl Doc {
    /// `handler`: the type name of the handler, `…::handlers::alerts::list`.
    pub(crate) fn new(method: &Method, path: &str, access: Access, audit: Audit, handler: &str, summary: &str) -> Self {
        let mut parts = handler.rsplit("::");
        let (function, module) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameter = |name: &str| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .build()
        };
        Self {
            id: format!("{module}_{function}"),
            tag: module.to_owned(),
            summary: summary.to_owned(),
            access,
            audit,
            parameters: in_path.map(parameter).collect(),
            body: None,
            answer: None,
            status: if *method == Method::GET { "200" } else { "204" },
            schemas: Vec::new(),
        }
    }

    pub(crate) fn query<P: IntoParams>(&mut self) {
        self.parameters.extend(P::into_params(|| Some(ParameterIn::Query)));
    }

    pub(crate) fn body<T: ToSchema>(&mut self) {
        self.body = Some(reference::<T>(&mut self.schemas));
    }

    pub(crate) fn answer<T: ToSchema>(&mut self, media: &'static str) {
        self.answer = Some((media, reference::<T>(&mut self.schemas)));
        self.status = "200";
    }

    /// An answer for people's browsers.
    pub(crate) fn page(&mut self) {
        self.answer = Some(("text/html", ObjectBuilder::new().schema_type(Type::String).build().into()));
    }

    pub(crate) fn created(&mut self) {
        self.status = "201";
    }

    fn operation(&self) -> Operation {
        let mut success = ResponseBuilder::new().description("Done");
        if let Some((media, schema)) = &self.answer {
            success = success.content(*media, ContentBuilder::new().schema(Some(schema.clone())));
        }
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name())));
        let failure = ResponseBuilder::new().description("Refused or failed").content("application/problem+json", problem);
        let (permission, security): (&str, Vec<SecurityRequirement>) = match self.access {
            Access::Open => ("", vec![SecurityRequirement::default()]),
            Access::Identified => ("identified", secured()),
            Access::Needs(permission) => (permission.as_str(), secured()),
        };
        let mut extensions = ExtensionsBuilder::new().add("x-permission", permission);
        if let Audit::Verb(verb) = self.audit {
            extensions = extensions.add("x-audit", verb);
        }
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id.clone()))
            .tag(self.tag.clone())
            .summary(Some(self.summary.clone()))
            .parameters(Some(self.parameters.clone()))
            .securities(Some(security))
            .extensions(Some(extensions.build()))
            .response(self.status, success)
            .response("default", failure);
        if let Some(schema) = &self.body {
            let content = ContentBuilder::new().schema(Some(schema.clone()));
            let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
        operation.build()
    }
}

fn http_method(method: &Method) -> HttpMethod {
    if *method == Method::POST {
        HttpMethod::Post
    } else if *method == Method::DELETE {
        HttpMethod::Delete
    } else {
        HttpMethod::Get
    }
}

fn secured() -> Vec<SecurityRequirement> {
    ["session", "token"].map(|name| SecurityRequirement::new::<_, _, String>(name, [])).to_vec()
}

/// The document as JSON text.
pub(crate) fn document(table: &[Route], version: &str) -> Result<String, serde_json::Error> {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new();
    let mut schemas: Vec<Named> = Vec::new();
    reference::<ProblemBody>(&mut schemas);
    reference::<QueryFault>(&mut schemas);
    for route in table {
        let doc = &route.doc;
        let path = format!("{PREFIX}{}", route.path);
        let item = PathItem::new(http_method(&route.method), doc.operation());
        match paths.paths.get_mut(&path) {
            Some(existing) => existing.merge_operations(item),
            None => {
                paths.paths.insert(path, item);
            }
        }
        schemas.extend(doc.schemas.iter().cloned());
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let cookie = ApiKeyValue::with_description("__Host-fansipan", "Set by POST /session; changes also need the header X-Fansipan: 1");
    let components = components
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .build();
    OpenApiBuilder::new().info(Info::new("Fansipan", version)).paths(paths).components(Some(components)).build().to_json()
}
