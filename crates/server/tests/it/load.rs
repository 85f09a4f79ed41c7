//! What the server costs: run by hand, in an optimised build.
//!
//! `cargo test --profile quick -p diario-server --test it load -- --ignored --nocapture --test-threads 1`

use std::time::{Duration, Instant};

use diario_protocol::device_list::DeviceRole;
use diario_protocol::*;
use diario_server::{Server, Settings};
use openmls::prelude::MlsGroup;
use tokio::runtime::{Builder, Runtime};

use crate::device::{Connection, Device, Plan, fresh_id, group_id};

const SERVER_THREADS: &str = "diario-";

/// Processor seconds of all threads of the server so far.
fn server_cpu() -> f64 {
    let mut ticks = 0u64;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.starts_with(SERVER_THREADS) {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            let after = stat.rsplit(')').next().unwrap_or_default();
            let fields: Vec<&str> = after.split_whitespace().collect();
            ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    f64::from(u32::try_from(ticks).unwrap()) / 100.0
}

fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn runtime(name: &str) -> Runtime {
    Builder::new_multi_thread().worker_threads(2).thread_name(name).enable_all().build().unwrap()
}

fn start(runtime: &Runtime, dir: &std::path::Path) -> std::net::SocketAddr {
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: dir.into(),
        attempts_per_minute: 0,
        entries_per_second: 0,
        requests_per_second: 0,
        ..Settings::default()
    };
    let server = runtime.block_on(Server::bind(settings)).unwrap();
    let address = server.local_addr();
    runtime.spawn(server.serve(std::future::pending()));
    address
}

/// An account with connected devices.
async fn account(server: std::net::SocketAddr, name: &str, devices: usize) -> Vec<(Device, Connection)> {
    let (mut account, first) = Device::first();
    let mut connection = Connection::open(server).await;
    let (_, register) = first.register(&account, name, &connection.hello);
    connection.ask(Request::Register(Box::new(register))).await.unwrap();
    let others: Vec<Device> = (1..devices).map(|_| Device::new(account.id())).collect();
    let list = account.sign(|list| list.extend(others.iter().map(|d| d.listed(DeviceRole::Linked, None))));
    connection.ask(Request::PutDeviceList(list)).await.unwrap();
    let mut all = vec![(first, connection)];
    for device in others {
        let (connection, _) = Connection::login(server, &device).await;
        all.push((device, connection));
    }
    for (_, connection) in &mut all {
        connection.catch_up(Position(0)).await;
    }
    all
}

async fn conversation(from: &mut [(Device, Connection)], to: &[(Device, Connection)]) -> MlsGroup {
    let accounts = [from[0].0.me.account, to[0].0.me.account];
    let id = group_id(accounts[0]);
    let (group, create) = from[0].0.create(id, ConversationKind::Group, &accounts[..1]);
    let mut group = group;
    from[0].1.ask(Request::Create(Box::new(create))).await.unwrap();
    let add = from[1..].iter().chain(to).map(|(device, _)| device.key_package()).collect();
    let plan = Plan { add, participants: Some((ConversationKind::Group, &accounts)), ..Plan::default() };
    let commit = from[0].0.commit(&mut group, plan);
    from[0].1.ask(Request::Commit(Box::new(commit))).await.unwrap();
    group.merge_pending_commit(&from[0].0.mls).unwrap();
    group
}

/// Sends `count` entries with 16 in flight.
async fn send(mut connection: Connection, conversation: ConversationId, count: usize) -> Connection {
    let (mut sent, mut acked) = (0, 0);
    while acked < count {
        while sent < count && sent - acked < 16 {
            let body = vec![7; 300].into();
            let id = EntryId::new(fresh_id());
            let append = Append { conversation, id, epoch: Epoch(1), annotates: None, body };
            connection.send(Request::Append(append)).await;
            sent += 1;
        }
        connection.flush().await;
        match connection.frame().await.unwrap() {
            ServerFrame::Reply(_, Reply::Appended(_)) => acked += 1,
            ServerFrame::Changes(_) => {}
            other => panic!("{other:?}"),
        }
    }
    connection
}

async fn receive(mut connection: Connection, count: usize) -> Connection {
    let mut got = 0;
    while got < count {
        if let ServerFrame::Changes(changes) = connection.frame().await.unwrap() {
            let entry = |c: &&Change| matches!(&c.what, What::Entry(e) if e.kind == EntryKind::Application);
            got += changes.items.iter().filter(entry).count();
        }
    }
    connection
}

#[test]
#[ignore = "a measurement"]
fn load_throughput() {
    const PAIRS: usize = 16;
    let count: usize = std::env::var("COUNT").ok().and_then(|c| c.parse().ok()).unwrap_or(5_000);
    let dir = tempfile::tempdir_in(".").unwrap();
    let (server, clients) = (runtime("diario-serve"), runtime("clients"));
    let address = start(&server, dir.path());
    clients.block_on(async {
        let mut senders = Vec::new();
        let mut receivers = Vec::new();
        for n in 0..PAIRS {
            let mut from = account(address, &format!("from{n}"), 2).await;
            let to = account(address, &format!("to{n}"), 3).await;
            let group = conversation(&mut from, &to).await;
            let id = crate::support::conversation(&group);
            let mut from = from.into_iter().map(|(_, connection)| connection);
            senders.push((from.next().unwrap(), id));
            receivers.extend(from.chain(to.into_iter().map(|(_, connection)| connection)));
        }
        let (cpu, begin) = (server_cpu(), Instant::now());
        let receiving: Vec<_> = receivers.into_iter().map(|c| tokio::spawn(receive(c, count))).collect();
        let sending: Vec<_> = senders.into_iter().map(|(c, id)| tokio::spawn(send(c, id, count))).collect();
        let mut open = Vec::new();
        for task in sending.into_iter().chain(receiving) {
            open.push(task.await.unwrap());
        }
        let (took, cpu) = (begin.elapsed().as_secs_f64(), server_cpu() - cpu);
        let total = f64::from(u32::try_from(PAIRS * count).unwrap());
        println!(
            "S1: {:.0} messages/s, {:.4} server CPU-s per 1,000 messages of 4 deliveries",
            total / took,
            cpu / total * 1000.0
        );
        // S2: one at a time.
        drop(open);
        let mut times = Vec::new();
        let mut from = account(address, "s2from", 2).await;
        let to = account(address, "s2to", 3).await;
        let group = conversation(&mut from, &to).await;
        let id = crate::support::conversation(&group);
        let (_, mut last) = to.into_iter().next_back().unwrap();
        let mut sender = from.into_iter().next().unwrap().1;
        for _ in 0..1000 {
            let begin = Instant::now();
            let append = Append {
                conversation: id,
                id: EntryId::new(fresh_id()),
                epoch: Epoch(1),
                annotates: None,
                body: vec![1; 300].into(),
            };
            sender.send(Request::Append(append)).await;
            sender.flush().await;
            last = receive(last, 1).await;
            times.push(begin.elapsed());
            while !matches!(sender.frame().await.unwrap(), ServerFrame::Reply(..)) {}
        }
        times.sort();
        println!("S2: p50 {:?}, p99 {:?}", times[500], times[990]);
    });
    server.shutdown_timeout(Duration::from_secs(1));
}

#[test]
#[ignore = "a measurement"]
fn load_idle() {
    let count: usize = std::env::var("COUNT").ok().and_then(|c| c.parse().ok()).unwrap_or(4_000);
    let dir = tempfile::tempdir_in(".").unwrap();
    let (server, clients) = (runtime("diario-serve"), runtime("clients"));
    let address = start(&server, dir.path());
    clients.block_on(async {
        let accounts = 50;
        let mut devices = Vec::new();
        for n in 0..accounts {
            let (account, first) = Device::first();
            let mut connection = Connection::open(address).await;
            let (_, register) = first.register(&account, &format!("idle{n}"), &connection.hello);
            connection.ask(Request::Register(Box::new(register))).await.unwrap();
            drop(connection);
            devices.push((account, first));
        }
        // Many devices of few accounts: the lists are as long as a server takes, and the rest connect again.
        let mut logins = Vec::new();
        for (account, first) in &mut devices {
            let others: Vec<Device> = (1..32).map(|_| Device::new(account.id())).collect();
            let list = account.sign(|l| l.extend(others.iter().map(|d| d.listed(DeviceRole::Linked, None))));
            let (mut connection, _) = Connection::login(address, first).await;
            connection.ask(Request::PutDeviceList(list)).await.unwrap();
            logins.extend(others);
        }
        let count = count.min(logins.len());
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (cpu, rss) = (server_cpu(), resident_kib());
        let mut open = Vec::with_capacity(count);
        for device in logins.iter().take(count) {
            // Plain sockets, so that the client's part of the memory is small and known.
            open.push(crate::raw::login(address, device).await);
        }
        let cpu = server_cpu() - cpu;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let each = (resident_kib() - rss) * 1024 / i64::try_from(count).unwrap();
        let per = cpu / f64::from(u32::try_from(count).unwrap());
        println!(
            "S3: {each} bytes resident for an idle device (both ends), login {:.3} ms CPU",
            per * 1000.0
        );
    });
    server.shutdown_timeout(Duration::from_secs(1));
}
