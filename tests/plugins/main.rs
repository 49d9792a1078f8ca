//! The sandbox against real guests, simple, broken, hostile.

mod answers;
mod ask;
mod bundled;
mod egress;
mod instances;
mod lifecycle;
mod loading;
mod loans;
mod memory;
mod stand_in;
mod storage;
mod swaps;
mod time;
