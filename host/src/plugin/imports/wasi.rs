//! An empty WASI 0.2, for toolchains that import it whether the guest needs it or not.
//!
//! There are no files, no arguments, no variables, no sockets; what is printed goes nowhere; the clock stands at the time
//! of the call; chance is made of the request's id, so that a call can be repeated.

use sha2::{Digest, Sha256};
use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{Component, Linker, Resource, ResourceAny, ResourceType, Val};
use wasmtime::{Result, StoreContextMut, bail};

use super::super::instance::State;

/// `wasi:http` is not among them: a guest would wait for answers that never come.
const PACKAGES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];
const VERSION: &str = "@0.2.";
/// What a stream takes at once.
const STREAM_BYTES: u64 = 4 << 10;
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// What every handle of this WASI leads to.
struct Nothing;

/// Whether a component may import it.
pub fn is_lent(import: &str) -> bool {
    PACKAGES.iter().any(|package| import.starts_with(package)) && import.contains(VERSION)
}

/// Defines what this component imports of WASI, in the shape that it expects.
pub fn lend(linker: &mut Linker<State>, component: &Component) -> Result<()> {
    let engine = component.engine();
    for (import, shape) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(shape) = shape.ty else { continue };
        if !is_lent(import) {
            continue;
        }
        let interface = import.split('@').next().unwrap_or(import).to_owned();
        let mut lent = linker.instance(import)?;
        for (name, item) in shape.exports(engine) {
            match item.ty {
                ComponentItem::Resource(_) => lent.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))?,
                ComponentItem::ComponentFunc(_) => {
                    let (interface, name_of_function) = (interface.clone(), name.to_owned());
                    lent.func_new(name, move |mut store, shape, asked, answers| {
                        store.data_mut().count_host_call()?;
                        for (answer, of_type) in answers.iter_mut().zip(shape.results()) {
                            let special = special(store.data(), (&interface, &name_of_function), asked)?;
                            *answer = match special {
                                Some(special) => special,
                                None => nothing(&mut store, &of_type, interface == "wasi:io/streams")?,
                            };
                        }
                        if interface == "wasi:cli/exit" {
                            bail!("the guest called exit");
                        }
                        Ok(())
                    })?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The few answers that are not empty, because a guest would wait for another one for ever.
fn special(state: &State, (interface, function): (&str, &str), asked: &[Val]) -> Result<Option<Val>> {
    let now_ms = state.now_ms();
    Ok(match (interface, function) {
        ("wasi:io/streams", "[method]output-stream.check-write") => {
            Some(Val::Result(Ok(Some(Box::new(Val::U64(STREAM_BYTES))))))
        }
        ("wasi:io/streams", name) if name.starts_with("[method]input-stream.") && !name.ends_with("subscribe") => {
            Some(Val::Result(Err(Some(Box::new(Val::Variant("closed".into(), None))))))
        }
        ("wasi:io/poll", "poll") => match asked {
            [Val::List(pollables)] => Some(Val::List((0..).take(pollables.len()).map(Val::U32).collect())),
            _ => None,
        },
        ("wasi:io/poll", "[method]pollable.ready") => Some(Val::Bool(true)),
        ("wasi:clocks/wall-clock", "now") => Some(Val::Record(vec![
            ("seconds".into(), Val::U64(now_ms / 1_000)),
            ("nanoseconds".into(), Val::U32(u32::try_from(now_ms % 1_000).unwrap_or(0) * 1_000_000)),
        ])),
        ("wasi:clocks/monotonic-clock", "now") => Some(Val::U64(now_ms.saturating_mul(1_000_000))),
        ("wasi:clocks/monotonic-clock", "resolution") => Some(Val::U64(1)),
        ("wasi:random/insecure-seed", _) => {
            Some(Val::Tuple(vec![Val::U64(chance(state, 0)), Val::U64(chance(state, 1))]))
        }
        ("wasi:random/random" | "wasi:random/insecure", _) => match asked {
            [Val::U64(length)] if *length > RANDOM_BYTES_MAX => bail!("the guest asks for {length} random bytes"),
            [Val::U64(length)] => {
                Some(Val::List((0..*length).map(|at| Val::U8(chance(state, at).to_le_bytes()[0])).collect()))
            }
            _ => Some(Val::U64(chance(state, 0))),
        },
        _ => None,
    })
}

/// Differs from call to call of the host, from request to request, and is the same when a request is repeated.
fn chance(state: &State, at: u64) -> u64 {
    let mut digest = Sha256::new();
    digest.update(&state.invocation.request_id);
    digest.update(state.invocation.budget.host_calls.to_le_bytes());
    digest.update(at.to_le_bytes());
    let digest = digest.finalize();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// An empty value of a type. What can fail has failed, except where `fine` says that it has not.
fn nothing(store: &mut StoreContextMut<'_, State>, of_type: &Type, fine: bool) -> Result<Val> {
    let boxed = |store: &mut StoreContextMut<'_, State>, inner: Option<Type>| -> Result<Option<Box<Val>>> {
        inner.map(|inner| nothing(store, &inner, fine).map(Box::new)).transpose()
    };
    Ok(match of_type {
        Type::Bool => Val::Bool(false),
        Type::U8 => Val::U8(0),
        Type::U16 => Val::U16(0),
        Type::U32 => Val::U32(0),
        Type::U64 => Val::U64(0),
        Type::S32 => Val::S32(0),
        Type::S64 => Val::S64(0),
        Type::String => Val::String(String::new()),
        Type::List(_) => Val::List(Vec::new()),
        Type::Option(_) => Val::Option(None),
        Type::Flags(_) => Val::Flags(Vec::new()),
        Type::Enum(cases) => Val::Enum(cases.names().next().unwrap_or_default().to_owned()),
        Type::Variant(cases) => match cases.cases().next() {
            Some(case) => Val::Variant(case.name.to_owned(), boxed(store, case.ty)?),
            None => bail!("a variant without cases"),
        },
        Type::Record(record) => {
            let fields = record.fields().map(|field| Ok((field.name.to_owned(), nothing(store, &field.ty, fine)?)));
            Val::Record(fields.collect::<Result<_>>()?)
        }
        Type::Tuple(tuple) => {
            Val::Tuple(tuple.types().map(|inner| nothing(store, &inner, fine)).collect::<Result<_>>()?)
        }
        Type::Result(result) if fine => Val::Result(Ok(boxed(store, result.ok())?)),
        Type::Result(result) => Val::Result(Err(boxed(store, result.err())?)),
        Type::Own(_) => Val::Resource(ResourceAny::try_from_resource(Resource::<Nothing>::new_own(0), store)?),
        other => bail!("WASI 0.2 has no {other:?}"),
    })
}
