//! Tests of the engine with components that no toolchain would make.

use std::sync::Arc;

use wasmtime::component::Component;

use super::engine::{Sandbox, SandboxSettings};
use super::faults::PluginFault;
use super::imports::{self, Egress, Loans, Secrets};
use super::instance::{deadline, store};
use super::limits::Limits;
use super::load_error::LoadError;
use super::turn::Turn;
use super::{inspect, trap};

fn limits() -> Limits {
    Limits { deadline_ms: 200, memory_bytes_max: 4 << 20, ..Limits::default() }
}

/// Starts a component of one core module with this text; returns the fault.
async fn start(module: &str, small: bool) -> Option<PluginFault> {
    start_component(&format!("(component (core module $m {module}) (core instance (instantiate $m)))"), small).await
}

async fn start_component(text: &str, small: bool) -> Option<PluginFault> {
    let sandbox = Sandbox::open(SandboxSettings { small, ..SandboxSettings::default() }).unwrap();
    let component = Component::new(&sandbox.engine, wat::parse_str(text).unwrap()).unwrap();
    let loans =
        Loans::new("by-hand", limits(), Secrets::new(), &Egress::default()).unwrap_or_else(|_| panic!("no grants"));
    let mut store = store(&sandbox, &Arc::new(loans));
    let turn = Turn::begin(&sandbox.processor, deadline(limits().deadline_ms)).await;
    store.data_mut().invocation.turn = Some(turn);
    store.set_epoch_deadline(1);
    let mut linker = sandbox.linker.clone();
    imports::lend_wasi(&mut linker, &component).unwrap();
    let linked = linker.instantiate_pre(&component).unwrap();
    let started = linked.instantiate_async(&mut store).await;
    let fault = started.err().map(|error| trap::fault(&error, &limits(), limits().deadline_ms));
    drop(store);
    assert_eq!(sandbox.memory_bytes_used(), 0, "memory is given back");
    fault
}

fn code(fault: &Option<PluginFault>) -> &'static str {
    fault.as_ref().map_or("it started", PluginFault::code)
}

/// T2: the start function of a module runs before anything is asked, under the same deadline.
#[tokio::test]
async fn t2_a_loop_in_the_start_function_ends_with_the_deadline() {
    let fault = start("(func $start (loop $again (br $again))) (start $start)", false).await;
    assert_eq!(code(&fault), "plugin_timeout");
}

/// T6: growing page by page, a table, more memory than there can be at once.
#[tokio::test]
async fn t6_growth_of_any_kind_is_bounded() {
    let by_page =
        "(memory 1) (func $start (loop $again (drop (memory.grow (i32.const 1))) (br $again))) (start $start)";
    let table = "(table 1 funcref) (func $start (loop $again (drop (table.grow (ref.null func) (i32.const 10000))) (br $again))) (start $start)";
    for small in [false, true] {
        for module in [by_page, table, "(memory 100)"] {
            let fault = start(module, small).await;
            assert_eq!(code(&fault), "memory_exceeded", "{module}: {fault:?}");
        }
    }
}

/// T6: what could never have room is not even compiled for the pool.
#[tokio::test]
async fn t6_minimums_beyond_the_pool_are_refused() {
    let sandbox = Sandbox::open(SandboxSettings::default()).unwrap();
    for module in ["(memory 65536)", "(table 1000000 funcref)"] {
        let component = format!("(component (core module $m {module}) (core instance (instantiate $m)))");
        let refusal = sandbox.compile(wat::parse_str(component).unwrap().into()).await.err().unwrap();
        assert!(matches!(refusal, LoadError::Compile(_)), "{module}: {refusal}");
    }
}

/// T6: a component that instantiates one module over and over.
#[tokio::test]
async fn t6_instances_in_one_component_are_bounded() {
    let sandbox = Sandbox::open(SandboxSettings::default()).unwrap();
    let many = "(core instance (instantiate $m))".repeat(500);
    let component = wat::parse_str(format!("(component (core module $m (memory 1)) {many})")).unwrap();
    let refused = Component::new(&sandbox.engine, component).map(|_| ());
    assert!(refused.is_err(), "five hundred instances are too many for a slot of the pool");
}

/// T8: the stack of the guest ends, not the host's.
#[tokio::test]
async fn t8_the_stack_of_a_guest_is_bounded() {
    let module = "(func $deeper (param i64) (call $deeper (i64.add (local.get 0) (i64.const 1))))
      (func $start (call $deeper (i64.const 0))) (start $start)";
    let fault = start(module, false).await;
    assert_eq!(fault, Some(PluginFault::Trap("wasm trap: call stack exhausted".into())));
}

/// T16: WASI is there, and there is nothing in it.
#[tokio::test]
async fn t16_the_wasi_of_guests_is_empty() {
    let component = r#"(component
      (import "wasi:cli/environment@0.2.3" (instance $environment
        (export "get-arguments" (func (result (list string))))
        (export "initial-cwd" (func (result (option string))))))
      (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
      (import "wasi:random/random@0.2.3" (instance $random (export "get-random-u64" (func (result u64)))))
      (core module $memory (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
      (core instance $m (instantiate $memory))
      (alias export $environment "get-arguments" (func $arguments))
      (alias export $environment "initial-cwd" (func $folder))
      (alias export $clock "now" (func $now))
      (alias export $random "get-random-u64" (func $chance))
      (core func $arguments (canon lower (func $arguments) (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
      (core func $folder (canon lower (func $folder) (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
      (core func $now (canon lower (func $now)))
      (core func $chance (canon lower (func $chance)))
      (core module $main
        (import "wasi" "memory" (memory 1))
        (import "wasi" "arguments" (func $arguments (param i32)))
        (import "wasi" "folder" (func $folder (param i32)))
        (import "wasi" "now" (func $now (result i64)))
        (import "wasi" "chance" (func $chance (result i64)))
        (func $start
          (call $arguments (i32.const 0))
          (if (i32.load (i32.const 4)) (then unreachable))
          (call $folder (i32.const 16))
          (if (i32.load (i32.const 16)) (then unreachable))
          (if (i64.ne (call $now) (call $now)) (then (drop (call $now))))
          (if (i64.eq (call $chance) (call $chance)) (then unreachable)))
        (start $start))
      (core instance (instantiate $main (with "wasi" (instance
        (export "memory" (memory $m "memory"))
        (export "arguments" (func $arguments))
        (export "folder" (func $folder))
        (export "now" (func $now))
        (export "chance" (func $chance)))))))"#;
    let fault = start_component(component, false).await;
    assert_eq!(code(&fault), "it started", "{fault:?}");
}

/// T16: requests of WASI's own kind, loans that no host knows: refused before anything is compiled for long.
#[tokio::test]
async fn t16_what_no_host_lends_is_refused_by_name() {
    let sandbox = Sandbox::open(SandboxSettings::default()).unwrap();
    for import in ["wasi:http/outgoing-handler@0.2.0", "wasi:cli/environment@0.3.0", "weir:plugin/log@0.2.0", "evil"] {
        let component = wat::parse_str(format!(r#"(component (import "{import}" (instance)))"#)).unwrap();
        let refusal = sandbox.compile(component.into()).await.err().unwrap().to_string();
        assert!(refusal.contains(&format!("imports `{import}`; this host lends")), "{refusal}");
    }
}

/// T45: whatever bits a NaN had, what comes out is the one canonical NaN.
#[tokio::test]
async fn t45_nans_are_canonical() {
    let module = "(func $start (local f64)
        (local.set 0 (f64.reinterpret_i64 (i64.const 0x7ff0dead0000beef)))
        (if (i64.ne (i64.const 0x7ff8000000000000)
                (i64.and (i64.const 0x7fffffffffffffff) (i64.reinterpret_f64 (f64.add (local.get 0) (f64.const 1)))))
            (then unreachable)))
      (start $start)";
    let fault = start(module, false).await;
    assert_eq!(code(&fault), "it started", "{fault:?}");
}

/// T11: what would keep the compiler busy for minutes is seen by its size.
#[test]
fn t11_too_much_to_compile_is_refused() {
    let component = |module: String| wat::parse_str(format!("(component (core module {module}))")).unwrap();
    let locals = component(format!("(func (local {}))", "i64 ".repeat(30_000)));
    let body = component(format!("(func {})", "(drop (i32.const 1))".repeat(400_000)));
    let functions = component("(func)".repeat(200_001));
    for (bytes, word) in [(locals, "locals"), (body, "bytes in one function"), (functions, "functions")] {
        let refusal = inspect::bounded(&bytes).unwrap_err().to_string();
        assert!(refusal.contains(word), "{refusal}");
    }
    let nested = "(component ".repeat(20) + &")".repeat(20);
    assert!(inspect::bounded(&wat::parse_str(nested).unwrap()).is_err());
}

/// Engines with other settings do not run each other's compiled code.
#[tokio::test]
async fn the_compatibility_hash_tells_engines_apart() {
    let hash =
        |small| Sandbox::open(SandboxSettings { small, ..SandboxSettings::default() }).unwrap().compatibility_hash();
    assert_eq!(hash(false), hash(false));
    assert_ne!(hash(false), hash(true));
}
