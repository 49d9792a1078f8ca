//! Power losses under the embedded ledger (R6): every acknowledged change survives each of them.

use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use weir_tests::disk::{Call, Disk, Doom, EIO, Rule};
use weir_tests::tools::is_full_lane;
use weir_tests::{Engine, Installation, TestServer, run_on};

use crate::aftermath::{look_inside, serve_again};
use crate::deeds::Deeds;
use crate::journal::{self, Entry};
use crate::wreck::{Luck, Wreck};

/// Chances of what was not flushed: nothing of it is there, all of it is, some is.
const KEPT: [f64; 6] = [0.0, 1.0, 0.5, 0.1, 0.9, 0.99];
/// A sector, a page of SQLite.
const UNITS_BYTES: [u64; 2] = [512, 4_096];
/// What is acknowledged at least until the next kill or fault: where nothing is, nothing can be lost.
const DONE_MIN: usize = 12;

async fn with_disk(settings: &[(&str, &str)]) -> (TestServer, Disk) {
    let mut installation = Installation::create(Engine::Sqlite, settings).await;
    let disk = Disk::under(&mut installation);
    let server = TestServer::over(installation).await;
    server.create_namespace("ns").await;
    (server, disk)
}

/// Some clients at work, until the process is killed under them; several times, over one disk.
async fn live_through_kills(server: &mut TestServer, disk: &Disk, deeds: &Deeds<'_>, kills: u64, chance: &mut StdRng) {
    for life in 0..kills {
        let enough = deeds.counts().0 + DONE_MIN;
        let clients = (0..4).map(|client| {
            let (catalog, name) = (server.catalog.clone(), format!("l{life}c{client}"));
            async move { deeds.work(&catalog, &name, usize::MAX).await }
        });
        let patience = Duration::from_millis(chance.random_range(100..300));
        let death = async {
            tokio::time::sleep(patience).await;
            until_done(deeds, enough).await;
            disk.kill(&mut server.weir).await;
        };
        tokio::join!(join_all(clients), death);
        if life + 1 < kills {
            server.restart().await;
        }
    }
}

/// A slow machine has the time that it takes.
async fn until_done(deeds: &Deeds<'_>, enough: usize) {
    for _ in 0..6_000 {
        if deeds.counts().0 >= enough {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The disk after one power loss; the seed decides when, and what is left.
fn lose_power(disk: &Disk, entries: &[Entry], earliest: u64, seed: u64) -> u64 {
    let mut chance = StdRng::seed_from_u64(seed);
    let luck = Luck {
        kept: KEPT[chance.random_range(0..KEPT.len())],
        unit_bytes: UNITS_BYTES[chance.random_range(0..UNITS_BYTES.len())],
    };
    let possible = entries.partition_point(|entry| entry.end < earliest);
    let cut = entries[chance.random_range(possible..entries.len())].end;
    Wreck::at(cut, entries).build(disk.folder(), luck, &mut chance);
    cut
}

#[test]
fn r6_every_acknowledged_change_survives_a_power_loss() {
    if !Disk::is_available() {
        return;
    }
    let (kills, looks, starts) = if is_full_lane() { (12, 1_000, 30) } else { (3, 40, 3) };
    run_on(Engine::Sqlite, |_| async move {
        let (mut server, disk) = with_disk(&[]).await;
        let (earliest, mut chance) = (disk.now(), StdRng::seed_from_u64(6));
        let deeds = Deeds::on(&disk);
        live_through_kills(&mut server, &disk, &deeds, kills, &mut chance).await;
        let (done, refused, _) = deeds.counts();
        assert!(done > 30 && refused == 0, "the clients got {done} successes, {refused} refusals");
        let entries = journal::read(&disk.journal());

        for seed in 0..looks {
            let cut = lose_power(&disk, &entries, earliest, seed);
            let found = look_inside(&server, &disk, &deeds.states_at(cut)).await;
            found.unwrap_or_else(|loss| panic!("power lost at {cut}, seed {seed}: {loss}"));
        }
        for seed in looks..looks + starts {
            let cut = lose_power(&disk, &entries, earliest, seed);
            server.restart().await;
            serve_again(&server, &deeds.states_at(cut)).await;
            server.weir.kill();
        }
    });
}

/// The tester's own test: the journal misses nothing, so that a rebuilt disk is the one that was there.
#[test]
fn r6_a_disk_that_lost_nothing_is_rebuilt_as_it_was() {
    if !Disk::is_available() {
        return;
    }
    run_on(Engine::Sqlite, |_| async {
        let (mut server, disk) = with_disk(&[]).await;
        let deeds = Deeds::on(&disk);
        live_through_kills(&mut server, &disk, &deeds, 2, &mut StdRng::seed_from_u64(1)).await;
        let before = crate::aftermath::files(disk.folder());

        let luck = Luck { kept: 1.0, unit_bytes: 512 };
        let entries = journal::read(&disk.journal());
        Wreck::at(u64::MAX, &entries).build(disk.folder(), luck, &mut StdRng::seed_from_u64(1));

        let after = crate::aftermath::files(disk.folder());
        assert!(before.len() > 10 && before.keys().eq(after.keys()), "{:?}\n{:?}", before.keys(), after.keys());
        for (path, bytes) in before {
            assert!(after[&path] == bytes, "{} is another file", path.display());
        }
    });
}

/// The tester's own test: a server whose flushes do nothing is found out.
#[test]
fn r6_flushes_that_do_nothing_are_noticed() {
    if !Disk::is_available() {
        return;
    }
    run_on(Engine::Sqlite, |_| async {
        let (mut server, disk) = with_disk(&[]).await;
        disk.obey(&[Rule::new(Call::Sync, "", Doom::Lie)]);
        let earliest = disk.now();
        let deeds = Deeds::on(&disk);
        live_through_kills(&mut server, &disk, &deeds, 1, &mut StdRng::seed_from_u64(2)).await;
        let entries = journal::read(&disk.journal());

        let mut losses = 0;
        for seed in 0..12 {
            let cut = lose_power(&disk, &entries, earliest, seed);
            losses += usize::from(look_inside(&server, &disk, &deeds.states_at(cut)).await.is_err());
        }

        assert!(losses > 3, "of 12 power losses {losses} were noticed");
    });
}

/// R7 meets R6: where some flushes fail, what is acknowledged between them survives all the same.
#[test]
fn r6_what_is_acknowledged_between_failed_flushes_survives() {
    if !Disk::is_available() {
        return;
    }
    let (failures, looks) = if is_full_lane() { (40, 200) } else { (3, 20) };
    run_on(Engine::Sqlite, |_| async move {
        let (mut server, disk) = with_disk(&[]).await;
        let (earliest, mut chance) = (disk.now(), StdRng::seed_from_u64(7));
        let deeds = Deeds::on(&disk);
        let failing = async {
            for _ in 0..failures {
                let enough = deeds.counts().0 + DONE_MIN;
                tokio::time::sleep(Duration::from_millis(chance.random_range(20..150))).await;
                disk.obey(&[Rule::new(Call::Sync, "", Doom::Fail(EIO))]);
                tokio::time::sleep(Duration::from_millis(chance.random_range(1..60))).await;
                disk.obey(&[]);
                tokio::time::sleep(Duration::from_millis(600)).await;
                until_done(&deeds, enough).await;
            }
            server.weir.kill();
        };
        let clients = (0..4).map(|client| {
            let (catalog, deeds, name) = (server.catalog.clone(), &deeds, format!("c{client}"));
            async move { deeds.work(&catalog, &name, usize::MAX).await }
        });
        tokio::join!(join_all(clients), failing);
        let (done, refused, unknown) = deeds.counts();
        assert!(done > 20 && refused + unknown > 0, "{done} successes, {refused} refusals, {unknown} unknown");

        let entries = journal::read(&disk.journal());
        for seed in 0..looks {
            let cut = lose_power(&disk, &entries, earliest, seed);
            let found = look_inside(&server, &disk, &deeds.states_at(cut)).await;
            found.unwrap_or_else(|loss| panic!("power lost at {cut}, seed {seed}: {loss}"));
        }
    });
}
