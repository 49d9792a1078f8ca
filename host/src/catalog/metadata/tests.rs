//! Tests of metadata documents.
