//! The load generator: a hand-written keep-alive HTTP/1.1 client on one thread, closed and open loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use crate::events::{Request, splitmix64};

/// Enough to keep 1,000/s going through a stall of 60 ms; what waits longer is still timed from its intended sending.
const OPEN_CONNECTIONS: usize = 64;

/// What one run saw: how long it took and each answer's latency in microseconds, sorted.
pub struct Run {
    pub began: Instant,
    pub took: Duration,
    pub latencies: Vec<u32>,
}

impl Run {
    pub fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }
}

/// Nearest rank; 0 when there is nothing to rank.
pub fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

/// When the open loop sends: evenly, or at random as `pgbench --rate` does.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Arrivals {
    /// Evenly spaced
    Constant,
    /// At random, as pgbench's
    Poisson,
}

/// An open loop: `rate` a second for `seconds`, after `warm_up` seconds of the same that are not recorded.
#[derive(Clone, Copy)]
pub struct Pace {
    pub rate: u32,
    pub seconds: u32,
    pub warm_up: u32,
    pub arrivals: Arrivals,
}

impl Pace {
    pub fn events(self) -> u64 {
        u64::from(self.rate) * u64::from(self.seconds + self.warm_up)
    }
}

/// Numbers events through the whole process, so that no two steps send the same id.
static SALT: AtomicU64 = AtomicU64::new(0);

fn new_request() -> Result<Request> {
    if SALT.load(Ordering::Relaxed) == 0 {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
        SALT.store(splitmix64(u64::from(nanos)), Ordering::Relaxed);
    }
    Request::new(SALT.load(Ordering::Relaxed))
}

/// `connections` clients, each sending its next event when the last one was answered, until `events` are through.
pub async fn closed(address: SocketAddr, connections: usize, events: std::ops::Range<u64>) -> Result<Run> {
    let request = new_request()?;
    let next = Arc::new(AtomicU64::new(events.start));
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(address, request.clone()).await?);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(send_until(client, Arc::clone(&next), events.end));
    }
    collect(began, tasks).await
}

async fn send_until(mut client: Client, next: Arc<AtomicU64>, end: u64) -> Result<Vec<u32>> {
    let mut latencies = Vec::new();
    loop {
        let event = next.fetch_add(1, Ordering::Relaxed);
        if event >= end {
            return Ok(latencies);
        }
        let sent = Instant::now();
        client.send(event).await?;
        latencies.push(micros(sent.elapsed()));
    }
}

/// Sends at a pace whatever the answers do. A latency counts from the intended moment, so a stall costs each event it delayed.
pub async fn open(address: SocketAddr, pace: Pace, first: u64) -> Result<Run> {
    let request = new_request()?;
    let (due, arrivals) = mpsc::unbounded_channel();
    let arrivals = Arc::new(Mutex::new(arrivals));
    let mut tasks = JoinSet::new();
    for _ in 0..OPEN_CONNECTIONS {
        let client = Client::connect(address, request.clone()).await?;
        tasks.spawn(send_due(client, Arc::clone(&arrivals)));
    }
    let began = Instant::now();
    thread::spawn(move || announce(pace, first, began, &due));
    collect(began, tasks).await
}

struct Arrival {
    event: u64,
    intended: Instant,
    recorded: bool,
}

/// Runs on a thread of its own because tokio's timer knows whole milliseconds only, which is what we want to measure.
fn announce(pace: Pace, first: u64, began: Instant, due: &UnboundedSender<Arrival>) {
    let mean = Duration::from_secs(1) / pace.rate;
    let unrecorded = u64::from(pace.rate) * u64::from(pace.warm_up);
    let mut intended = began;
    for number in 0..pace.events() {
        intended += match pace.arrivals {
            Arrivals::Constant => mean,
            Arrivals::Poisson => mean.mul_f64(exponential(number)),
        };
        thread::sleep(intended.saturating_duration_since(Instant::now()));
        let arrival = Arrival {
            event: first + number,
            intended,
            recorded: number >= unrecorded,
        };
        if due.send(arrival).is_err() {
            return;
        }
    }
}

/// The same exponential gaps (mean 1) in each run.
fn exponential(number: u64) -> f64 {
    let uniform =
        (f64::from(u32::try_from(splitmix64(number) >> 32).unwrap_or_default()) + 1.0) / 4_294_967_296.0;
    -uniform.ln()
}

async fn send_due(mut client: Client, arrivals: Arc<Mutex<UnboundedReceiver<Arrival>>>) -> Result<Vec<u32>> {
    let mut latencies = Vec::new();
    loop {
        let next = arrivals.lock().await.recv().await;
        let Some(arrival) = next else {
            return Ok(latencies);
        };
        client.send(arrival.event).await?;
        if arrival.recorded {
            latencies.push(micros(arrival.intended.elapsed()));
        }
    }
}

async fn collect(began: Instant, mut tasks: JoinSet<Result<Vec<u32>>>) -> Result<Run> {
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    let took = began.elapsed();
    latencies.sort_unstable();
    Ok(Run {
        began,
        took,
        latencies,
    })
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// One connection. It reads exactly the answer the contract promises for a new event and takes anything else as an error.
struct Client {
    stream: TcpStream,
    request: Request,
    answer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr, request: Request) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("connecting to the server")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request,
            answer: Vec::with_capacity(1024),
        })
    }

    async fn send(&mut self, event: u64) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        self.stream.write_all(self.request.sign(event, now)?).await?;
        self.answer.clear();
        while !is_whole(&self.answer)? {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(
                read > 0,
                "the server closed the connection before it answered event {event}"
            );
        }
        if self.answer.starts_with(b"HTTP/1.1 200 ")
            && self.answer.trim_ascii_end().ends_with(br#"{"received":true}"#)
        {
            return Ok(());
        }
        bail!(
            "event {event} was answered with:\n{}",
            String::from_utf8_lossy(&self.answer)
        )
    }
}

/// Whether head and body have arrived (by `Content-Length`: a short fixed answer is never chunked).
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = answer.get(..end).unwrap_or_default();
    let length = head.split(|byte| *byte == b'\n').find_map(content_length);
    let length = length.context("an answer without a Content-Length")?;
    Ok(answer.len() >= end + 4 + length)
}

fn content_length(line: &[u8]) -> Option<usize> {
    let (name, value) = line.split_at_checked(15)?;
    let named = name.eq_ignore_ascii_case(b"content-length:");
    named
        .then(|| std::str::from_utf8(value).ok()?.trim().parse().ok())
        .flatten()
}
