//! What /proc says: who used the processors, and whether the machine is quiet enough to measure on.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Linux shows processor time to programs in hundredths of a second, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);
const KERNEL_THREADS: u32 = 2;

/// Processor time used so far; the difference of two says what happened between them.
#[derive(Clone, Copy)]
pub struct Usage {
    pub server: Duration,
    pub postgres: Duration,
    pub generator: Duration,
    /// By processes that are neither the server, PostgreSQL, the benchmark nor the kernel's own, and by other guests.
    foreign: Duration,
    whole: Duration,
}

impl Usage {
    pub fn now(postmaster: u32, server: Option<u32>) -> Result<Self> {
        let processes = processes();
        let postgres = family(&processes, &[postmaster]);
        let ours = family(&processes, &[postmaster, std::process::id()]);
        let own = |pid: u32| processes.get(&pid).map_or(0, |process| process.own);
        let foreign = processes
            .iter()
            .filter(|(pid, process)| !ours.contains(pid) && process.parent != KERNEL_THREADS);
        let machine = machine_ticks()?;
        Ok(Self {
            server: time(server.map_or(0, own)),
            generator: time(own(std::process::id())),
            postgres: time(spent(&processes, &postgres)),
            foreign: time(
                foreign
                    .map(|(_, process)| process.own + process.reaped)
                    .sum::<u64>()
                    + machine.stolen,
            ),
            whole: time(machine.whole),
        })
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            generator: self.generator.saturating_sub(before.generator),
            postgres: self.postgres.saturating_sub(before.postgres),
            foreign: self.foreign.saturating_sub(before.foreign),
            whole: self.whole.saturating_sub(before.whole),
        }
    }

    /// The share of all processors that went to others.
    pub fn noise(self) -> f64 {
        self.foreign.div_duration_f64(self.whole.max(TICK))
    }
}

/// How much of the coming second all processors together had nothing to do: 0 to 1.
pub async fn idle_second() -> Result<f64> {
    let before = machine_ticks()?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = machine_ticks()?;
    let whole = time(after.whole.saturating_sub(before.whole)).max(TICK);
    Ok(time(after.idle.saturating_sub(before.idle)).div_duration_f64(whole))
}

/// A field of /proc/PID/status that is given in kB, such as `VmRSS` or `VmHWM`, as MiB.
pub fn memory_mib(pid: u32, field: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib: u32 = line
        .and_then(|value| value.split_whitespace().next())
        .context("no such field")?
        .parse()?;
    Ok(f64::from(kib) / 1024.0)
}

pub fn parent(pid: u32) -> Result<u32> {
    let process = process(pid).with_context(|| format!("process {pid} is not to be seen in /proc"))?;
    Ok(process.parent)
}

struct Process {
    parent: u32,
    own: u64,
    /// What its ended and awaited children had used: keeps sums right when a connection or a compiler ends in between.
    reaped: u64,
}

fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, process(pid)?))).collect()
}

/// None for one that has just ended.
fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces; what follows it starts with the state, field 3 of proc(5).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(14)? + ticks(15)?,
        reaped: ticks(16)? + ticks(17)?,
    })
}

fn family(processes: &HashMap<u32, Process>, roots: &[u32]) -> HashSet<u32> {
    let mut members: HashSet<u32> = roots.iter().copied().collect();
    loop {
        let children = processes
            .iter()
            .filter(|(_, process)| members.contains(&process.parent));
        let children: Vec<u32> = children
            .map(|(pid, _)| *pid)
            .filter(|pid| !members.contains(pid))
            .collect();
        if children.is_empty() {
            return members;
        }
        members.extend(children);
    }
}

fn spent(processes: &HashMap<u32, Process>, members: &HashSet<u32>) -> u64 {
    members
        .iter()
        .filter_map(|pid| processes.get(pid))
        .map(|process| process.own + process.reaped)
        .sum()
}

/// Of all processors together.
struct Ticks {
    /// Waiting for the disk included.
    idle: u64,
    /// Taken by the hypervisor for other guests.
    stolen: u64,
    whole: u64,
}

fn machine_ticks() -> Result<Ticks> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("cpu "))
        .context("/proc/stat has no cpu line")?;
    // The first eight; guest time, which follows them, is already in user time.
    let ticks = line
        .split_whitespace()
        .take(8)
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()?;
    let [_, _, _, idle, waiting, _, _, stolen] = ticks.as_slice() else {
        bail!("/proc/stat has too few columns")
    };
    Ok(Ticks {
        idle: idle + waiting,
        stolen: *stolen,
        whole: ticks.iter().sum(),
    })
}

fn time(ticks: u64) -> Duration {
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}
