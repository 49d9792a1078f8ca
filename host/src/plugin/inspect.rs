//! Bounds on what the compiler is given.

use wasmparser::{Parser, Payload};

use super::load_error::LoadError;

/// Of one function: the compiler's time grows faster than the size of a function.
const FUNCTION_BYTES_MAX: usize = 1 << 20;
const FUNCTIONS_MAX: u64 = 200_000;
const TYPES_MAX: u64 = 100_000;
const LOCALS_MAX: u64 = 20_000;
/// Modules, components in components.
const DEPTH_MAX: usize = 16;
const PARTS_MAX: u32 = 200;

/// Refuses what would keep the compiler busy for minutes, by looking at the sizes only.
pub(super) fn bounded(bytes: &[u8]) -> Result<(), LoadError> {
    let mut count = Count::default();
    for payload in Parser::new(0).parse_all(bytes) {
        count.add(payload.map_err(|error| LoadError::Compile(error.to_string()))?)?;
    }
    Ok(())
}

#[derive(Default)]
struct Count {
    functions: u64,
    types: u64,
    parts: u32,
    depth: usize,
}

impl Count {
    fn add(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.parts += 1;
                self.depth += 1;
                within("modules", self.parts.into(), PARTS_MAX.into())?;
                within("modules in modules", self.depth as u64, DEPTH_MAX as u64)
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::TypeSection(types) => self.types(types.count()),
            Payload::CoreTypeSection(types) => self.types(types.count()),
            Payload::ComponentTypeSection(types) => self.types(types.count()),
            Payload::FunctionSection(functions) => {
                self.functions += u64::from(functions.count());
                within("functions", self.functions, FUNCTIONS_MAX)
            }
            Payload::CodeSectionEntry(body) => {
                within("bytes in one function", body.as_bytes().len() as u64, FUNCTION_BYTES_MAX as u64)?;
                within("locals in one function", locals(&body)?, LOCALS_MAX)
            }
            _ => Ok(()),
        }
    }

    fn types(&mut self, more: u32) -> Result<(), LoadError> {
        self.types += u64::from(more);
        within("types", self.types, TYPES_MAX)
    }
}

fn locals(body: &wasmparser::FunctionBody<'_>) -> Result<u64, LoadError> {
    let bad = |error: wasmparser::BinaryReaderError| LoadError::Compile(error.to_string());
    let mut locals = 0;
    for group in body.get_locals_reader().map_err(bad)? {
        locals += u64::from(group.map_err(bad)?.0);
    }
    Ok(locals)
}

fn within(what: &str, count: u64, most: u64) -> Result<(), LoadError> {
    if count > most {
        return Err(LoadError::TooComplex(format!("it has {count} {what}, at most {most} are compiled")));
    }
    Ok(())
}
