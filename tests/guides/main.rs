//! The examples, guides included, as their readers would follow them.

mod clients;
mod settings;
mod steps;
