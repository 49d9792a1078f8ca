//! The examples, guides included, as their readers would follow them.

mod clients;
mod contract;
mod secrets;
mod settings;
mod steps;
