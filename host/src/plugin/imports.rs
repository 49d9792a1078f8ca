//! What the host lends to guests.
pub struct SecretHandle;
pub struct MetadataView;
pub struct ProposalView;
