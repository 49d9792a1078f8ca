//! How clients get at the files of tables in a bucket: keys, signatures, or nothing.

mod canary;
mod lake;
mod machine;
mod own_session;
mod remembered;
mod signing;
mod validation;
mod vending;
