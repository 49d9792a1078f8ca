//! The chart as Helm renders it: what is valid, what is refused, what reaches the program.

mod documents;
mod objects;
mod plugins;
mod refusals;
mod render;
mod switches;
