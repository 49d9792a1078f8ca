//! How clients get at the files of tables in a bucket: keys, signatures, or nothing.

mod lake;
mod remembered;
mod signing;
mod validation;
mod vending;
