//! The memory of all guests together, kept below one bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::{ResourceLimiter, Result};

use super::limits::Limits;

/// Core instances, tables, memories of one component instance: toolchains make a handful of each.
pub(super) const CORE_INSTANCES_MAX: u32 = 64;
pub(super) const TABLES_MAX: u32 = 16;
pub(super) const MEMORIES_MAX: u32 = 8;

/// What all guests may have together.
pub(super) struct MemoryBudget {
    bytes_max: u64,
    bytes_used: AtomicU64,
}

impl MemoryBudget {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes_used: AtomicU64::new(0) }
    }

    pub(super) fn bytes_used(&self) -> u64 {
        self.bytes_used.load(Ordering::Relaxed)
    }

    fn reserve(&self, bytes: u64) -> bool {
        let add = |used: u64| used.checked_add(bytes).filter(|total| *total <= self.bytes_max);
        self.bytes_used.try_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn release(&self, bytes: u64) {
        self.bytes_used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A guest wanted more than it may have; the text says of what.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OverLimit(String);

/// All guests together have no more; the text says how much was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BudgetSpent(String);

/// The bookkeeping of one instance. What is refused is a trap: a guest that gets -1 mostly aborts with less telling words.
pub(super) struct Limiter {
    budget: Arc<MemoryBudget>,
    memory_bytes_max: u64,
    table_elements_max: u64,
    memory_bytes: u64,
    table_elements: u64,
    /// The last growth, in case it does not come about.
    growing_bytes: u64,
}

impl Limiter {
    pub(super) fn new(budget: Arc<MemoryBudget>, limits: &Limits) -> Self {
        Self {
            budget,
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max.into(),
            memory_bytes: 0,
            table_elements: 0,
            growing_bytes: 0,
        }
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.budget.release(self.memory_bytes);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.memory_bytes.saturating_add(more) > self.memory_bytes_max {
            let text = format!(
                "{} bytes on top of {} are over `limits.memory_bytes_max = {}`",
                more, self.memory_bytes, self.memory_bytes_max
            );
            return Err(OverLimit(text).into());
        }
        if !self.budget.reserve(more) {
            let text = format!("{more} bytes more do not fit in `plugins.memory_bytes_max`, which all plugins share");
            return Err(BudgetSpent(text).into());
        }
        self.memory_bytes += more;
        self.growing_bytes = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        self.memory_bytes -= self.growing_bytes;
        self.budget.release(self.growing_bytes);
        self.growing_bytes = 0;
        Err(OverLimit(format!("the memory cannot grow: {error}")).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.table_elements.saturating_add(more) > self.table_elements_max {
            let text = format!(
                "{more} table elements on top of {} are over `limits.table_elements_max = {}`",
                self.table_elements, self.table_elements_max
            );
            return Err(OverLimit(text).into());
        }
        self.table_elements += more;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(OverLimit(format!("a table cannot grow: {error}")).into())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn limiter(budget: &Arc<MemoryBudget>) -> Limiter {
        Limiter::new(budget.clone(), &Limits { memory_bytes_max: 3 * MIB as u64, ..Limits::default() })
    }

    #[test]
    fn t9_all_instances_share_one_budget_and_give_it_back() {
        let budget = Arc::new(MemoryBudget::new(4 * MIB as u64));
        let mut first = limiter(&budget);
        let mut second = limiter(&budget);
        first.memory_growing(0, 2 * MIB, None).unwrap();
        second.memory_growing(0, 2 * MIB, None).unwrap();
        let refusal = second.memory_growing(2 * MIB, 3 * MIB, None).unwrap_err();
        assert!(refusal.downcast_ref::<BudgetSpent>().is_some(), "{refusal}");
        drop(first);
        second.memory_growing(2 * MIB, 3 * MIB, None).unwrap();
        drop(second);
        assert_eq!(budget.bytes_used(), 0);
    }

    #[test]
    fn t6_all_memories_of_an_instance_count_together() {
        let budget = Arc::new(MemoryBudget::new(64 * MIB as u64));
        let mut limiter = limiter(&budget);
        limiter.memory_growing(0, 2 * MIB, None).unwrap();
        limiter.memory_growing(0, 2 * MIB, None).unwrap_err();
        assert_eq!(budget.bytes_used(), 2 * MIB as u64);
    }

    #[test]
    fn a_growth_that_did_not_come_about_is_given_back() {
        let budget = Arc::new(MemoryBudget::new(64 * MIB as u64));
        let mut limiter = limiter(&budget);
        limiter.memory_growing(0, MIB, None).unwrap();
        limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap_err();
        assert_eq!(budget.bytes_used(), 0);
    }
}
