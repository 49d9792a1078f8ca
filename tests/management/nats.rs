//! Events in a stream of a real NATS server: kept, in order, none lost.

use async_nats::jetstream::{self, stream::Stream};
use serde_json::{Value, json};
use weir::tasks::relay;
use weir_tests::{Engine, Nats, bodies, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_stream_keeps_changes_in_order_as_cloud_events,
    t41_a_stream_that_was_away_gets_everything_in_order_when_it_is_back,
    what_is_told_again_the_stream_keeps_once,
    a_stream_is_told_the_kinds_that_it_asked_for,
    what_no_server_takes_is_among_the_dead_letters
);

/// One message of the stream.
struct Kept {
    subject: String,
    id: String,
    position: i64,
    event: Value,
}

async fn house(engine: Engine, nats: &Nats, more: &[(&str, &str)]) -> House {
    let url = nats.url();
    let mut settings = vec![("WEIR__EVENTS__NATS__URL", url.as_str())];
    settings.extend_from_slice(more);
    let house = House::open_with(engine, &settings).await;
    // A sink hears what happens from its first day on.
    pass_on(&house).await;
    house
}

async fn pass_on(house: &House) -> usize {
    relay::relay_due_now(&house.app).await.expect("the relay runs")
}

async fn stream(nats: &Nats) -> Stream {
    let login = async_nats::ConnectOptions::with_user_and_password(nats.user().to_owned(), nats.password().to_owned());
    let client = login.connect(nats.address()).await.expect("the server answers");
    jetstream::new(client).get_stream("weir").await.expect("the stream is there")
}

async fn kept(nats: &Nats) -> Vec<Kept> {
    let stream = stream(nats).await;
    let mut kept = Vec::new();
    for number in 1..=stream.cached_info().state.messages {
        let message = stream.get_raw_message(number).await.expect("a message");
        let header = |name: &str| message.headers.get(name).expect("a header").as_str().to_owned();
        kept.push(Kept {
            id: header("Nats-Msg-Id"),
            position: header("X-Weir-Position").parse().expect("a number"),
            event: serde_json::from_slice(&message.payload).expect("JSON"),
            subject: message.subject.to_string(),
        });
    }
    kept
}

async fn names(nats: &Nats) -> Vec<String> {
    let kept = kept(nats).await;
    kept.iter().map(|one| one.event["data"]["namespace"][0].as_str().expect("a name").to_owned()).collect()
}

async fn a_stream_keeps_changes_in_order_as_cloud_events(engine: Engine) {
    let Some(nats) = Nats::start().await else { return };
    let house = house(engine, &nats, &[]).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    let commit = bodies::commit(json!([]), bodies::set_property("owner", "a"));
    house.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200);
    house.drop_table("ns", "t", "").send().await.expect(204);

    assert_eq!(pass_on(&house).await, 4);

    let kept = kept(&nats).await;
    let subjects: Vec<&str> = kept.iter().map(|one| one.subject.as_str()).collect();
    let kinds = ["namespace.created", "table.created", "table.committed", "table.dropped"];
    assert_eq!(subjects, kinds.map(|kind| format!("weir.events.{kind}")));
    for one in &kept {
        assert_eq!(one.event["specversion"], "1.0");
        assert_eq!(one.event["id"], one.id);
        assert_eq!(one.subject, format!("weir.events.{}", &one.event["type"].as_str().expect("a type")[5..]));
    }
    assert!(kept.is_sorted_by_key(|one| one.position));
    assert_eq!(pass_on(&house).await, 0, "what was taken is not told again");
}

async fn t41_a_stream_that_was_away_gets_everything_in_order_when_it_is_back(engine: Engine) {
    let Some(mut nats) = Nats::start().await else { return };
    let house = house(engine, &nats, &[("WEIR__EVENTS__NATS__TIMEOUT_MS", "2000")]).await;
    house.create_namespace("a").await;
    pass_on(&house).await;
    nats.stop();
    for name in ["b", "c", "d"] {
        house.create_namespace(name).await;
    }

    assert_eq!(pass_on(&house).await, 0);
    let told = house.management.get("/relays").send().await.expect(200).json();
    assert_eq!((told["relays"][0]["name"].as_str(), told["relays"][0]["lag"].as_i64()), (Some("nats"), Some(3)));
    assert_eq!(told["relays"][0]["failures"], 1);
    assert!(!told.to_string().contains(nats.password()), "{told}");
    nats.resume().await;
    // The client comes back by itself, after a pause of its own.
    for _ in 0..20 {
        house.pass_seconds(600);
        pass_on(&house).await;
    }

    // What the server took without a chance to say so comes twice at most; nothing is lost, nothing overtakes.
    let mut names = names(&nats).await;
    names.dedup();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let letters = house.management.get("/dead-letters").send().await.expect(200).json();
    assert_eq!(letters["dead-letters"], json!([]));
}

async fn what_is_told_again_the_stream_keeps_once(engine: Engine) {
    let Some(nats) = Nats::start().await else { return };
    let house = house(engine, &nats, &[]).await;
    for name in ["a", "b", "c"] {
        house.create_namespace(name).await;
    }
    pass_on(&house).await;
    let second = kept(&nats).await[1].position;

    house.management.post("/relays/nats/position", json!({"position": second - 1})).send().await.expect(204);
    assert_eq!(pass_on(&house).await, 2, "they are told again");

    assert_eq!(names(&nats).await, ["a", "b", "c"]);
}

async fn a_stream_is_told_the_kinds_that_it_asked_for(engine: Engine) {
    let Some(nats) = Nats::start().await else { return };
    let more = [("WEIR__EVENTS__NATS__KINDS", "weir.table."), ("WEIR__EVENTS__NATS__SUBJECT", "lake.changes")];
    let house = house(engine, &nats, &more).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;

    pass_on(&house).await;

    let subjects: Vec<String> = kept(&nats).await.into_iter().map(|one| one.subject).collect();
    assert_eq!(subjects, ["lake.changes.table.created"]);
}

/// An event that is larger than the server's largest message blocks nobody.
async fn what_no_server_takes_is_among_the_dead_letters(engine: Engine) {
    let Some(nats) = Nats::start().await else { return };
    let house = house(engine, &nats, &[]).await;
    let mut namespaces = Vec::new();
    for name in ["a", "b"] {
        house.create_namespace(name).await;
        namespaces.push(house.namespace_id(name).await);
    }
    pass_on(&house).await;
    let before = kept(&nats).await.len();
    let permit = weir::permit::Permit::operator("test");
    let mut writer = house.app.store.begin(&permit).await.expect("a writer");
    let body = json!({"specversion": "1.0", "data": "x".repeat(1_100_000)}).to_string();
    let event = weir::store::rows::Event {
        id: uuid::Uuid::now_v7(),
        kind: "weir.namespace.updated".to_owned(),
        warehouse_id: None,
        subject: format!("namespace/{}", namespaces[0]),
        body,
        at_ms: house.app.clock.now_ms(),
    };
    writer.append_event(&event).await.expect("it is stored");
    writer.commit().await.expect("it is stored");
    house.create_namespace("c").await;

    pass_on(&house).await;

    assert_eq!(kept(&nats).await.len(), before + 1, "what comes after is told");
    let letters = house.management.get("/dead-letters").send().await.expect(200).json();
    assert_eq!(letters["dead-letters"][0]["relay"], "nats");
}
