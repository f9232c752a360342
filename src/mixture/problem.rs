//! A mixture to be chosen: bounds, frozen blocks, a mix to stay near, and what is minimised.

use super::Run;
use super::fits::MixtureLaws;
use crate::units::Short;

/// Why shares cannot be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ShareError {
    /// A name of no domain or target.
    #[error("`{name}` is no {kind} of the fits, expected one of `{}`", known.join("`, `"))]
    Unknown { kind: &'static str, name: String, known: Vec<String> },
    /// Weights that leave nothing to lower.
    #[error(
        "weights of the targets sum to {}, expected numbers not below 0 with a sum above 0",
        Short(*found)
    )]
    Weights { found: f64 },
    /// Bounds of one domain that cross.
    #[error(
        "`{domain}` is held to at least {} and at most {} of the budget, expected a range",
        Short(*least),
        Short(*most)
    )]
    Crossed { domain: String, least: f64, most: f64 },
    /// Bounds that leave no room.
    #[error(
        "the {side} bounds of all domains add up to {} of the budget, expected {expected} 1",
        Short(*found)
    )]
    Room { side: &'static str, found: f64, expected: &'static str },
    /// A block without proportions.
    #[error("the block `{block}` has nothing in the mix in use, expected amounts of its domains")]
    Empty { block: String },
    /// A domain of two blocks.
    #[error("`{domain}` stands in two frozen blocks, expected one")]
    Twice { domain: String },
    /// A size of the model where the runs do not say theirs.
    #[error("the size of a model is asked for, expected `n_params` of the runs in the table")]
    NoParams,
    /// Another size than the only one that the runs have.
    #[error(
        "a model of {} parameters is asked for, expected {}, the size of all runs",
        Short(*found),
        Short(*size)
    )]
    OneSize { found: f64, size: f64 },
    /// Passes that are no number of passes, or that nothing can be held by.
    #[error("passes over unique amounts are {}, expected a finite number above 0", Short(*found))]
    Epochs { found: f64 },
    /// A bound by passes where no unique amount is known.
    #[error("passes over unique amounts are held, expected a column `unique_DOMAIN` in the table")]
    NoUnique,
    /// A size that is none.
    #[error("{} parameters, expected a finite number above 0", Short(*found))]
    Params { found: f64 },
}

/// Least and most share of each domain.
pub(super) type Bounds = Vec<(f64, f64)>;
/// Least shares and most shares of the blocks.
pub(super) type BlockBounds = (Vec<f64>, Vec<f64>);
/// Halvings of the way from what was tried to what was asked for.
const HALVINGS: usize = 30;

/// What is to be chosen: shares of the domains of some fits.
#[derive(Debug, Clone)]
pub struct ShareProblem<'a> {
    pub(super) laws: &'a MixtureLaws<'a>,
    pub(super) total: f64,
    pub(super) n_params: Option<f64>,
    /// Weights of the targets; their sum is 1.
    pub(super) weights: Vec<f64>,
    /// Bounds that were asked for, or follow from unique amounts.
    pub(super) asked: Vec<(f64, f64)>,
    /// Those and what the runs tried.
    pub(super) bounds: Vec<(f64, f64)>,
    pub(super) current: Option<Vec<f64>>,
    /// Blocks of domains with proportions in them; most are of one domain.
    pub(super) blocks: Vec<Vec<(usize, f64)>>,
    /// A mix to stay near, and how strongly, in nats.
    near: Option<(Vec<f64>, f64)>,
}

impl<'a> ShareProblem<'a> {
    /// All domains free within what was tried, all targets of one weight, a model as large as the
    /// largest run.
    pub fn new(laws: &'a MixtureLaws<'a>, budget: u64) -> Self {
        let (domains, targets) = (laws.fits.domains.len(), laws.fits.targets.len());
        ShareProblem {
            laws,
            total: budget as f64,
            n_params: laws.range(|run| run.n_params).map(|(_, most)| most),
            weights: vec![1.0 / targets as f64; targets],
            asked: vec![(0.0, 1.0); domains],
            bounds: (0..domains).map(|domain| laws.tried(domain)).collect(),
            current: None,
            blocks: (0..domains).map(|domain| vec![(domain, 1.0)]).collect(),
            near: None,
        }
    }

    /// A model of so many parameters.
    pub fn n_params(mut self, n_params: f64) -> Result<Self, ShareError> {
        if !(n_params.is_finite() && n_params > 0.0) {
            return Err(ShareError::Params { found: n_params });
        }
        let (least, most) = self.laws.range(|run| run.n_params).ok_or(ShareError::NoParams)?;
        if least == most && n_params != most {
            return Err(ShareError::OneSize { found: n_params, size: most });
        }
        self.n_params = Some(n_params);
        Ok(self)
    }

    fn domain(&self, name: &str) -> Result<usize, ShareError> {
        let known = &self.laws.fits.domains;
        let place = known.iter().position(|domain| domain == name);
        place.ok_or_else(|| ShareError::Unknown {
            kind: "domain",
            name: name.to_owned(),
            known: known.clone(),
        })
    }

    /// At least so much of a domain, also where that is more or less than was tried.
    pub fn min(mut self, domain: &str, amount: u64) -> Result<Self, ShareError> {
        let (at, share) = (self.domain(domain)?, amount as f64 / self.total);
        self.asked[at].0 = share;
        self.bounds[at] = (share, self.bounds[at].1.max(share));
        Ok(self)
    }

    /// At most so much of a domain.
    pub fn max(mut self, domain: &str, amount: u64) -> Result<Self, ShareError> {
        let (at, share) = (self.domain(domain)?, (amount as f64 / self.total).min(1.0));
        self.asked[at].1 = share;
        self.bounds[at] = (self.bounds[at].0.min(share), share);
        Ok(self)
    }

    /// At most so many passes over the unique amount of each domain where it is known; of one at
    /// least where they are asked for.
    pub fn epochs(mut self, epochs: f64, are_asked: bool) -> Result<Self, ShareError> {
        if !(epochs.is_finite() && epochs > 0.0) {
            return Err(ShareError::Epochs { found: epochs });
        }
        if are_asked && self.laws.fits.unique.iter().all(Option::is_none) {
            return Err(ShareError::NoUnique);
        }
        for (at, unique) in self.laws.fits.unique.iter().enumerate() {
            let Some(most) = unique.map(|unique| unique * epochs / self.total) else { continue };
            self.asked[at].1 = self.asked[at].1.min(most);
            self.bounds[at] = (self.bounds[at].0.min(most), self.bounds[at].1.min(most));
        }
        Ok(self)
    }

    /// Weights of targets by name; 1 where it names none.
    pub fn weights(mut self, weights: &[(String, f64)]) -> Result<Self, ShareError> {
        let targets = &self.laws.fits.targets;
        let mut all = vec![1.0; targets.len()];
        for (name, weight) in weights {
            let known = || targets.iter().map(|target| target.target.clone()).collect();
            let place = targets.iter().position(|target| target.target == *name);
            all[place.ok_or_else(|| ShareError::Unknown {
                kind: "target",
                name: name.clone(),
                known: known(),
            })?] = *weight;
        }
        let sum: f64 = all.iter().sum();
        if !(sum.is_finite() && sum > 0.0 && all.iter().all(|weight| *weight >= 0.0)) {
            return Err(ShareError::Weights { found: sum });
        }
        self.weights = all.iter().map(|weight| weight / sum).collect();
        Ok(self)
    }

    /// Shares of a mix by name; a domain that it does not name has none.
    fn mix(&self, mix: &[(String, f64)]) -> Result<Vec<f64>, ShareError> {
        let mut shares = vec![0.0; self.asked.len()];
        for (name, amount) in mix {
            shares[self.domain(name)?] += amount;
        }
        let sum: f64 = shares.iter().sum();
        Ok(shares.iter().map(|share| share / sum).collect())
    }

    /// The mix in use.
    pub fn current(mut self, mix: &[(String, f64)]) -> Result<Self, ShareError> {
        self.current = Some(self.mix(mix)?);
        Ok(self)
    }

    /// Stays near a mix: `pull`, in units of the losses, times the Kullback-Leibler divergence from
    /// it counts as loss.
    pub fn near(mut self, mix: &[(String, f64)], pull: f64) -> Result<Self, ShareError> {
        let mix = self.mix(mix)?;
        // what the mix has nothing of would be infinitely far from it
        for (at, _) in mix.iter().enumerate().filter(|(_, share)| **share == 0.0) {
            if self.asked[at].0 > 0.0 {
                return Err(ShareError::Crossed {
                    domain: self.laws.fits.domains[at].clone(),
                    least: self.asked[at].0,
                    most: 0.0,
                });
            }
            (self.asked[at], self.bounds[at]) = ((0.0, 0.0), (0.0, 0.0));
        }
        self.near = Some((mix, pull));
        Ok(self)
    }

    /// Domains that keep their proportions in the mix in use: one block, which grows and shrinks as
    /// one.
    pub fn freeze(mut self, block: &str, domains: &[String]) -> Result<Self, ShareError> {
        let places: Vec<usize> =
            domains.iter().map(|domain| self.domain(domain)).collect::<Result<_, _>>()?;
        let parts = |current: &Vec<f64>| places.iter().map(|&at| current[at]).collect::<Vec<f64>>();
        let parts =
            self.current.as_ref().map(parts).filter(|parts| parts.iter().sum::<f64>() > 0.0);
        let parts = parts.ok_or_else(|| ShareError::Empty { block: block.to_owned() })?;
        for &at in &places {
            let own = self.blocks.iter().position(|block| block.len() == 1 && block[0].0 == at);
            let own = own
                .ok_or_else(|| ShareError::Twice { domain: self.laws.fits.domains[at].clone() })?;
            self.blocks.remove(own);
        }
        let sum: f64 = parts.iter().sum();
        self.blocks.push(places.iter().zip(parts).map(|(&at, part)| (at, part / sum)).collect());
        Ok(self)
    }

    /// Shares as a model of the budget.
    pub(super) fn run(&self, shares: &[f64]) -> Run {
        let total = self.laws.range(|run| run.total).map(|_| self.total);
        Run {
            name: String::new(),
            shares: shares.to_vec(),
            total,
            n_params: self.n_params,
            losses: vec![],
            is_asked: true,
        }
    }

    /// What is minimised, and its gradient in the shares.
    pub(super) fn objective(&self, shares: &[f64]) -> (f64, Vec<f64>) {
        let run = self.run(shares);
        let (mut value, mut gradient) = (0.0, vec![0.0; shares.len()]);
        for (law, weight) in
            self.laws.laws.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0)
        {
            let (ln_loss, slopes) = law.slope(&run);
            let loss = ln_loss.exp();
            value += weight * loss;
            gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += weight * loss * slope);
        }
        if let Some((near, pull)) = &self.near {
            for ((share, near), sum) in
                shares.iter().zip(near).zip(&mut gradient).filter(|((_, near), _)| **near > 0.0)
            {
                // the slope is that of a share which is there
                let ratio = (share.max(1e-9) / near).ln();
                value += pull * share * ratio;
                *sum += pull * (ratio + 1.0);
            }
        }
        (value, gradient)
    }

    /// Bounds of the domains and of the blocks. What was tried gives way no further than the bounds
    /// that were asked for need room: all by the least common part of the way to them.
    pub(super) fn block_bounds(&self) -> Result<(Bounds, BlockBounds), ShareError> {
        self.bounds_within(&self.asked)?;
        let between = |part: f64| -> Bounds {
            let ends = self.bounds.iter().zip(&self.asked);
            ends.map(|(tried, asked)| {
                (tried.0 + part * (asked.0 - tried.0), tried.1 + part * (asked.1 - tried.1))
            })
            .collect()
        };
        if let Ok(blocks) = self.bounds_within(&self.bounds) {
            return Ok((self.bounds.clone(), blocks));
        }
        let (mut tight, mut wide) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (tight + wide);
            if self.bounds_within(&between(middle)).is_ok() {
                wide = middle
            } else {
                tight = middle
            }
        }
        let bounds = between(wide);
        let blocks = self.bounds_within(&bounds)?;
        Ok((bounds, blocks))
    }

    /// What all domains of each block have room for.
    fn bounds_within(&self, bounds: &[(f64, f64)]) -> Result<BlockBounds, ShareError> {
        let mut ends = (Vec::new(), Vec::new());
        for block in &self.blocks {
            let inner = || block.iter().filter(|(_, part)| *part > 0.0);
            let lower = inner().map(|&(at, part)| bounds[at].0 / part).fold(0.0, f64::max);
            let upper = inner().map(|&(at, part)| bounds[at].1 / part).fold(1.0, f64::min);
            // a domain without a part in its block has nothing
            let left_out = block.iter().find(|&&(at, part)| part == 0.0 && self.asked[at].0 > 0.0);
            if let Some(&(at, _)) = left_out {
                return Err(ShareError::Crossed {
                    domain: self.laws.fits.domains[at].clone(),
                    least: self.asked[at].0,
                    most: 0.0,
                });
            }
            if lower > upper * (1.0 + 1e-9) {
                let domain = block
                    .iter()
                    .map(|&(at, _)| self.laws.fits.domains[at].as_str())
                    .collect::<Vec<_>>()
                    .join("+");
                return Err(ShareError::Crossed { domain, least: lower, most: upper });
            }
            ends.0.push(lower.min(upper));
            ends.1.push(upper);
        }
        room("lower", ends.0.iter().sum())?;
        room("upper", ends.1.iter().sum())?;
        Ok(ends)
    }

    /// Whether shares keep the bounds that were asked for and the proportions of the frozen blocks.
    pub(super) fn allows(&self, shares: &[f64]) -> bool {
        let of_blocks: Vec<f64> =
            self.blocks.iter().map(|block| block.iter().map(|&(at, _)| shares[at]).sum()).collect();
        let within = shares
            .iter()
            .zip(&self.asked)
            .all(|(share, (least, most))| (least - 1e-9..=most + 1e-9).contains(share));
        within
            && self
                .spread(&of_blocks)
                .iter()
                .zip(shares)
                .all(|(kept, share)| (kept - share).abs() < 1e-6)
    }

    /// The shares of the blocks' domains.
    pub(super) fn spread(&self, of_blocks: &[f64]) -> Vec<f64> {
        let mut shares = vec![0.0; self.asked.len()];
        for (block, share) in self.blocks.iter().zip(of_blocks) {
            block.iter().for_each(|&(at, part)| shares[at] += part * share);
        }
        shares
    }
}

/// Refuses bounds that leave no room, up to rounding.
fn room(side: &'static str, found: f64) -> Result<(), ShareError> {
    let (holds, expected) = if side == "lower" {
        (found <= 1.0 + 1e-9, "at most")
    } else {
        (found >= 1.0 - 1e-9, "at least")
    };
    if holds { Ok(()) } else { Err(ShareError::Room { side, found, expected }) }
}
