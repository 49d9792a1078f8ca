//! Updates of sort orders.

use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::json::Text;
use crate::catalog::metadata::Entry;
use crate::catalog::sort::{SortOrder, UNSORTED_ID};
use crate::error::Error;

impl Draft<'_> {
    pub fn add_sort_order(&mut self, order: &SortOrder, text: &Text) -> Result<(), Error> {
        if let Some(same) = self.same_order(order) {
            self.last_added_order = Some(same);
            return Ok(());
        }
        let schema = self.schema_to_bind()?;
        order.check_compatibility(&schema.index()?)?;
        let id = self.next_order_id(order)?;
        let text = if order.order_id == id { text.clone() } else { text.with_member("order-id", &Text::of(&id)?)? };
        let header = SortOrder { order_id: id, fields: order.fields.clone() };
        Arc::make_mut(&mut self.state.sort_orders).push(Entry { header, text });
        self.last_added_order = Some(id);
        self.changed = true;
        Ok(())
    }

    pub fn set_default_sort_order(&mut self, order_id: i32) -> Result<(), Error> {
        let order_id = match (order_id, self.last_added_order) {
            (-1, Some(last)) => last,
            (-1, None) => {
                return Err(Error::bad_request("Cannot set last added sort order: no sort order has been added"));
            }
            (id, _) => id,
        };
        if self.state.default_sort_order_id == order_id {
            return Ok(());
        }
        if self.state.sort_order(order_id).is_none() {
            return Err(Error::BadRequest(format!("Cannot set default sort order to unknown order: {order_id}")));
        }
        self.state.default_sort_order_id = order_id;
        self.changed = true;
        Ok(())
    }

    fn same_order(&self, order: &SortOrder) -> Option<i32> {
        self.state
            .sort_orders
            .iter()
            .find(|entry| entry.header.fields == order.fields)
            .map(|entry| entry.header.order_id)
    }

    /// 0 is for unsorted; otherwise one more than the highest. What a new table's client sent is honoured.
    fn next_order_id(&self, order: &SortOrder) -> Result<i32, Error> {
        if order.is_unsorted() {
            return Ok(UNSORTED_ID);
        }
        if self.base.is_none() && order.order_id > UNSORTED_ID && self.state.sort_order(order.order_id).is_none() {
            return Ok(order.order_id);
        }
        let highest = self.state.sort_orders.iter().map(|entry| entry.header.order_id).max().unwrap_or(UNSORTED_ID);
        highest
            .max(UNSORTED_ID)
            .checked_add(1)
            .ok_or_else(|| Error::bad_request("Cannot add sort order: order ids are used up"))
    }
}
