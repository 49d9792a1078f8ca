//! The sandbox that all guests share: the compiler, the ticker, what they have together.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::error::Context as _;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::imports;
use super::instance::State;
use super::memory::{CORE_INSTANCES_MAX, MEMORIES_MAX, MemoryBudget, TABLES_MAX};
use super::ticker::Ticker;
use super::turn::Processor;
use crate::config;

/// Tables and memories that an instance has on average; the pool holds this many times `instances_max`.
const USUAL_TABLES: u32 = 4;
const USUAL_MEMORIES: u32 = 2;
const USUAL_CORE_INSTANCES: u32 = 8;
/// What a slot of the pool keeps for the next instance instead of giving it back to the system.
const KEPT_BYTES: usize = 64 << 10;
/// Room for values that guests never see; what a component of the largest toolchains needs, doubled.
const INSTANCE_RECORD_BYTES_MAX: usize = 4 << 20;
/// Of an instance in small mode; more is moved as it grows.
const SMALL_RESERVATION_BYTES: u64 = 2 << 20;
const SMALL_GUARD_BYTES: u64 = 64 << 10;

/// What all plugins have together.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Guests that compute at once.
    pub calls_max: u32,
    /// Linear memories of all instances together.
    pub memory_bytes_max: u64,
    /// Instances of all plugins together, those of a retiring generation included.
    pub instances_max: u32,
    /// The most that any plugin's `table_elements_max` can be.
    pub table_elements_max: u32,
    /// Instances are allocated one by one; nothing is reserved ahead.
    pub small: bool,
    /// The processors that code is compiled for; without it, this machine's. Such code is written, never run here.
    pub cpu: Option<String>,
}

/// The processors that releases are compiled for, by the name that the compiler knows them by. The first: every x86 server
/// since 2009.
pub const BASELINE: &str = if cfg!(target_arch = "x86_64") { "x86-64-v2" } else { GENERIC };
/// Every processor of this architecture.
const GENERIC: &str = "generic";

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            calls_max: available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
            memory_bytes_max: 256 << 20,
            instances_max: 128,
            table_elements_max: 20_000,
            small: false,
            cpu: None,
        }
    }
}

/// Where guests are compiled, made, run.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    pub(super) processor: Arc<Processor>,
    pub(super) memory: Arc<MemoryBudget>,
    /// Compiling takes a core and much memory: one at a time.
    pub(super) compiling: Arc<Semaphore>,
    pub(super) settings: SandboxSettings,
}

impl SandboxSettings {
    /// What the configuration says of all plugins together.
    pub fn of(section: &config::Plugins) -> Self {
        let usual = Self::default();
        Self {
            calls_max: if section.calls_max == 0 { usual.calls_max } else { section.calls_max },
            memory_bytes_max: section.memory_bytes_max,
            small: section.small,
            ..usual
        }
    }
}

impl Sandbox {
    pub fn open(settings: SandboxSettings) -> anyhow::Result<Arc<Self>> {
        Self::start(settings).map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    fn start(settings: SandboxSettings) -> wasmtime::Result<Arc<Self>> {
        let engine = Engine::new(&config(&settings)?).context("the engine of the plugins does not start")?;
        let ticker = Ticker::start(engine.weak()).context("the thread that interrupts plugins does not start")?;
        Ok(Arc::new(Self {
            linker: imports::linker(&engine).context("the loans of the host cannot be linked")?,
            processor: Arc::new(Processor::new(settings.calls_max.max(1), ticker)),
            memory: Arc::new(MemoryBudget::new(settings.memory_bytes_max)),
            compiling: Arc::new(Semaphore::new(1)),
            engine,
            settings,
        }))
    }

    pub fn settings(&self) -> &SandboxSettings {
        &self.settings
    }

    /// Bytes of the linear memories of all instances.
    pub fn memory_bytes_used(&self) -> u64 {
        self.memory.bytes_used()
    }

    /// Differs between engines that cannot run each other's compiled code: version, target, settings of the compiler.
    #[cfg(feature = "compiler")]
    pub fn compatibility_hash(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::hash::DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }
}

fn config(settings: &SandboxSettings) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .relaxed_simd_deterministic(true)
        // Threads are not even compiled into the engine.
        .wasm_memory64(false)
        .wasm_multi_memory(false);
    #[cfg(feature = "compiler")]
    config
        .cranelift_nan_canonicalization(true)
        // Compiling stays in its one thread; all cores at once would starve the catalog.
        .parallel_compilation(false);
    if settings.small {
        config
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .memory_reservation(SMALL_RESERVATION_BYTES)
            .memory_reservation_for_growth(SMALL_RESERVATION_BYTES)
            .memory_guard_size(SMALL_GUARD_BYTES);
    } else {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    }
    if let Some(cpu) = &settings.cpu {
        compile_for(cpu, &mut config)?;
    }
    Ok(config)
}

#[cfg(not(feature = "compiler"))]
fn compile_for(_cpu: &str, _config: &mut Config) -> wasmtime::Result<()> {
    wasmtime::bail!("this build of weir has no compiler (feature `compiler`)")
}

/// Named, the target is no longer looked up on this machine, so code uses nothing that other machines may lack.
#[cfg(feature = "compiler")]
#[allow(unsafe_code, reason = "wasmtime cannot check that a flag of the compiler means what its name says")]
fn compile_for(cpu: &str, config: &mut Config) -> wasmtime::Result<()> {
    use std::env::consts::{ARCH, OS};
    config.target(&format!("{ARCH}-unknown-{OS}"))?;
    if cpu != GENERIC {
        // SAFETY: the name of a processor only adds instructions; a host that lacks one refuses the code when it is revived.
        unsafe { config.cranelift_flag_enable(cpu) };
    }
    Ok(())
}

fn pool(settings: &SandboxSettings) -> PoolingAllocationConfig {
    let instances = settings.instances_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(USUAL_CORE_INSTANCES))
        .total_tables(instances.saturating_mul(USUAL_TABLES))
        .total_memories(instances.saturating_mul(USUAL_MEMORIES))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_component_instance_size(INSTANCE_RECORD_BYTES_MAX)
        .max_core_instance_size(INSTANCE_RECORD_BYTES_MAX)
        .max_memory_size(usize::try_from(settings.memory_bytes_max).unwrap_or(usize::MAX).min(4 << 30))
        .table_elements(settings.table_elements_max as usize)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES)
        // It has an open leak. Memory protection keys, which crash where fibers move between threads, are not compiled in.
        .pagemap_scan(Enabled::No);
    pool
}
