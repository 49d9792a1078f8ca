//! Containers: what compose makes of its files, what Docker makes of the Dockerfile.

mod compose;
mod image;
mod together;
