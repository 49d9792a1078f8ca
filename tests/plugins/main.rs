//! The sandbox against real guests, simple, broken, hostile.

mod answers;
mod artefacts;
mod ask;
mod azure;
mod bake;
mod bundled;
mod corpus;
mod deputy;
mod egress;
mod guide;
mod instances;
mod lifecycle;
mod loading;
mod loans;
mod memory;
mod mounts;
mod openfga;
mod openfga_house;
mod stand_in;
mod storage;
mod swaps;
mod time;
mod tools;
