//! What must be true of the model before anybody's right depends on it.

use weir_plugin::Fault;

use crate::questions::{Ask, Who};
use crate::server::{Server, Target};
use crate::tuples::Tuple;

/// Asks about somebody whose rights are known because they travel with the questions: a reader of one namespace reads a
/// table in it, does not write it, and has no part in another.
pub fn run(server: &Server, target: &Target) -> Result<(), Fault> {
    let subject = "user:weir-self-test".to_string();
    let above =
        |namespace: &str| ["server:weir", "project:self-test", "warehouse:self-test", namespace].map(String::from);
    let reads = Tuple::new(&subject, "select", "namespace:self-test");
    let who = Who { subject, known: vec![vec![reads]] };
    let ask =
        |relation, namespace| Ask { relation, object: "table:self-test".to_string(), above: above(namespace).to_vec() };
    let asks = [
        ask("can_select", "namespace:self-test"),
        ask("can_modify", "namespace:self-test"),
        ask("can_see", "namespace:elsewhere"),
    ];
    match server.check_at(target, "MINIMIZE_LATENCY", &who, &asks)?.as_slice() {
        [true, false, false] => Ok(()),
        said => {
            Err(Fault::internal("openfga_self_test", format!("the model answers {said:?}, not [true, false, false]")))
        }
    }
}
