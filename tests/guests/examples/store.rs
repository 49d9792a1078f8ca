//! A storage.
use weir_guests::Store;

weir_plugin::plugin!(Store: storage);
