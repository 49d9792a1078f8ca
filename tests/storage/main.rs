//! How clients get at the files of tables in a bucket: keys, signatures, or nothing.

mod lake;
mod signing;
mod vending;
