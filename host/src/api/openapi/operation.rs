//! One operation of the Iceberg REST API, described in a line.

use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItemBuilder, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder};

/// What is said about one operation; what all operations share is added.
#[derive(Clone)]
pub(super) struct Operation {
    pub method: HttpMethod,
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub query: &'static [Query],
    /// The schema of the request's body.
    pub body: Option<&'static str>,
    pub answers: &'static [Answer],
}

/// A query parameter.
#[derive(Clone, Copy)]
pub(super) enum Query {
    Text(&'static str),
    Number(&'static str),
    Flag(&'static str),
}

/// A status with the schema of its body.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Empty(u16, &'static str),
    Json(u16, &'static str, &'static str),
    Error(u16, &'static str),
}

const ERROR: &str = "IcebergErrorResponse";

/// What any operation may answer.
const ALWAYS: [Answer; 6] = [
    Answer::Error(400, "the request is malformed; nothing was changed"),
    Answer::Error(401, "credentials are missing or were not accepted"),
    Answer::Error(403, "visible, but not allowed"),
    Answer::Error(408, "the request was not done in its time"),
    Answer::Error(500, "on a commit: its outcome is not known, reload before a retry; otherwise a fault of the server"),
    Answer::Error(503, "cannot answer now; see Retry-After"),
];
const WITH_BODY: [Answer; 2] =
    [Answer::Error(413, "the body is too large"), Answer::Error(415, "the body's encoding is not read")];

impl Operation {
    pub(super) fn add_to(&self, paths: PathsBuilder) -> PathsBuilder {
        let segments = self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut operation = OperationBuilder::new().operation_id(Some(self.id)).summary(Some(self.summary));
        for name in segments {
            operation = operation.parameter(path_parameter(name));
        }
        for query in self.query {
            operation = operation.parameter(query.parameter());
        }
        if let Some(schema) = self.body {
            operation = operation.parameter(idempotency_key()).request_body(Some(
                RequestBodyBuilder::new()
                    .content("application/json", json(schema))
                    .required(Some(Required::True))
                    .build(),
            ));
        }
        let with_body = if self.body.is_some() { WITH_BODY.as_slice() } else { &[] };
        for answer in ALWAYS.iter().chain(with_body).chain(self.answers) {
            operation = answer.add_to(operation);
        }
        let path = format!("/catalog{}", self.path);
        paths.path(path, PathItemBuilder::new().operation(self.method.clone(), operation).build())
    }
}

impl Answer {
    fn add_to(self, operation: OperationBuilder) -> OperationBuilder {
        let response = |description: &str| ResponseBuilder::new().description(description);
        match self {
            Self::Empty(status, what) => operation.response(status.to_string(), response(what)),
            Self::Json(status, what, schema) => {
                operation.response(status.to_string(), response(what).content("application/json", json(schema)))
            }
            Self::Error(status, what) => {
                operation.response(status.to_string(), response(what).content("application/json", json(ERROR)))
            }
        }
    }
}

impl Query {
    fn parameter(self) -> Parameter {
        let (name, of) = match self {
            Self::Text(name) => (name, Type::String),
            Self::Number(name) => (name, Type::Integer),
            Self::Flag(name) => (name, Type::Boolean),
        };
        parameter(name, ParameterIn::Query, Required::False, of)
    }
}

fn path_parameter(name: &str) -> Parameter {
    parameter(name, ParameterIn::Path, Required::True, Type::String)
}

fn idempotency_key() -> Parameter {
    parameter("Idempotency-Key", ParameterIn::Header, Required::False, Type::String)
}

fn parameter(name: &str, place: ParameterIn, required: Required, of: Type) -> Parameter {
    let schema = RefOr::T(Schema::Object(Object::with_type(SchemaType::Type(of))));
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(schema)).build()
}

fn json(schema: &str) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build()
}
