//! A plugin that says it is of version 0.1 though its records have another shape.
wit_bindgen::generate!({
    inline: "
        package weir:plugin@0.1.0;
        interface types {
          variant value { text(string), integer(s64), boolean(bool), bytes(list<u8>), texts(list<string>) }
          record attribute { key: string, value: value }
          record principal { id: string, kind: string, roles: list<string>, claims: list<attribute> }
          record parent { id: string, name: string }
          record object {
            kind: string, id: string, project: parent, warehouse: option<parent>,
            namespace: list<parent>, name: string, attributes: list<attribute>,
          }
          record call { request-id: string, principal: principal, now-ms: u64, deadline-ms: u32 }
          enum effect { deny, allow, abstain, maybe }
          record verdict { effect: effect, weight: u32 }
        }
        interface lifecycle {
          record problem { pointer: string, message: string }
          record description {
            name: string, version: string, summary: string, settings-schema: string,
            secrets: list<string>, egress: list<string>, claims: list<string>,
          }
          describe: func() -> description;
          configure: func(settings-json: string) -> result<_, list<problem>>;
        }
        interface authorizer {
          use types.{call, object, parent, verdict, value};
          record check { action: string, object: object }
          authorize: func(c: call, checks: list<check>) -> list<verdict>;
        }
        world shaped { export lifecycle; export authorizer; }
    ",
});

use exports::weir::plugin::{authorizer, lifecycle};
use weir::plugin::types::{Call, Effect, Verdict};

struct Shaped;

impl lifecycle::Guest for Shaped {
    fn describe() -> lifecycle::Description {
        lifecycle::Description {
            name: "other-shape".to_string(),
            version: "1.0.0".to_string(),
            summary: "Answers what no host of 0.1 asks".to_string(),
            settings_schema: "{}".to_string(),
            secrets: Vec::new(),
            egress: Vec::new(),
            claims: Vec::new(),
        }
    }

    fn configure(_settings: String) -> Result<(), Vec<lifecycle::Problem>> {
        Ok(())
    }
}

impl authorizer::Guest for Shaped {
    fn authorize(_call: Call, checks: Vec<authorizer::Check>) -> Vec<Verdict> {
        checks.iter().map(|_| Verdict { effect: Effect::Maybe, weight: 1 }).collect()
    }
}

export!(Shaped);
