//! Keeps the rest of the machine out of the figures, as far as it can, and says where it could not.

use anyhow::Result;

use crate::database::Cluster;
use crate::machine::{Usage, idle_second};

const IDLE: f64 = 0.90;
/// A step during which others used more of the machine than this is measured again.
pub const NOISE: f64 = 0.06;

/// At most this often for one step, so that a busy minute does not use up all repeats.
const AGAIN: u32 = 2;

pub struct Calm {
    postmaster: u32,
    /// Seconds still to be spent on waiting for an idle one.
    waits: u32,
    /// Disturbed steps still to be measured again.
    repeats: u32,
    /// What others used during each step, as a share of the machine.
    pub noise: Vec<f64>,
}

impl Calm {
    /// The patience is for the whole run: on a machine that is never still the run must end all the same.
    pub const fn new(postmaster: u32, waits: u32, repeats: u32) -> Self {
        Self {
            postmaster,
            waits,
            repeats,
            noise: Vec::new(),
        }
    }

    /// Measures on a fresh database, after an idle second; again if others disturbed it, and then takes the calmer one.
    pub async fn measure<T>(
        &mut self,
        cluster: &Cluster,
        mut step: impl AsyncFnMut(&str) -> Result<T>,
    ) -> Result<T> {
        let (mut noise, mut measured) = self.once(cluster, &mut step).await?;
        for _ in 0..AGAIN.min(self.repeats) {
            if noise <= NOISE {
                break;
            }
            eprintln!("  others used {:.0} % of the machine: once more", noise * 100.0);
            self.repeats -= 1;
            let again = self.once(cluster, &mut step).await?;
            if again.0 < noise {
                (noise, measured) = again;
            }
        }
        self.noise.push(noise);
        Ok(measured)
    }

    async fn once<T>(
        &mut self,
        cluster: &Cluster,
        step: &mut impl AsyncFnMut(&str) -> Result<T>,
    ) -> Result<(f64, T)> {
        let database = cluster.fresh().await?;
        while idle_second().await? < IDLE && self.waits > 0 {
            self.waits -= 1;
        }
        let before = Usage::now(self.postmaster, None)?;
        let measured = step(&database).await?;
        Ok((Usage::now(self.postmaster, None)?.since(before).noise(), measured))
    }
}
