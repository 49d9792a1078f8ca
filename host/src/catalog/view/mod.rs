//! The law of views: versions of a query with their schemas.
//!
//! Rules and wordings follow the Java library and <https://iceberg.apache.org/view-spec/>.

mod commit;
mod create;
mod draft;
mod file;
mod metadata;
mod requests;
mod version;

#[cfg(test)]
mod tests;

pub use commit::{ViewChange, ViewOutcome, commit_view};
pub use create::create_view;
pub use file::metadata_file;
pub use metadata::ViewMetadata;
pub use requests::{CommitView, CreateView, RegisterView, ViewRequirement, ViewUpdate};
