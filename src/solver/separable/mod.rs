//! The optimum where every language stands for itself: one price, at which the demands spend the
//! budget.
//!
//! ```text
//! find lambda with  sum_i cost_i x_i(lambda) = budget,   x_i(lambda) = demand, within the bounds
//! ```
//!
//! What is spent falls with the price. `ln spent - ln budget` is solved for `ln lambda` by Newton's
//! method inside a bracket: close to a straight line for power laws, and finite where `lambda` is
//! not. Where envelopes are flat the demand jumps at a price, and languages are filled one after
//! the other, so that at most one is left between two ends.

mod demand;
pub(crate) mod level;

use crate::solver::certificate::{Duals, PrimalDual};
use crate::solver::problem::{Program, sum};
use demand::{Answer, Demand};

/// What of a budget may be left to rounding, relative to what is above the lower bounds.
const ROUNDING: f64 = 1e-9;
/// Steps of the search for the price.
const STEPS: usize = 200;

/// Solves a feasible, separable, convex program of a sum over languages and a mean over draws.
pub(crate) fn solve(program: &Program) -> PrimalDual {
    let counted: Vec<usize> = (0..program.len()).filter(|&i| program.counts(i)).collect();
    let mut x: Vec<f64> = program.own.iter().map(|own| own.lower).collect();
    let room = program.room();
    let demands: Vec<Demand> = counted.iter().map(|&i| Demand::of(program, i)).collect();
    let width = |&i: &usize| program.own[i].cost * (program.own[i].upper - program.own[i].lower);
    let ln_price = if sum(counted.iter().map(width)) <= room {
        counted.iter().for_each(|&i| x[i] = program.own[i].upper);
        f64::NEG_INFINITY
    } else {
        let mut market = Market::new(demands, room);
        let ln_price = market.clear();
        counted.iter().zip(&market.answers).for_each(|(&i, answer)| x[i] = answer.x);
        spend_rounding(program, room, &counted, &mut x);
        market.price_at_bounds().unwrap_or(ln_price)
    };
    spread_rest(program, room, &mut x);
    PrimalDual {
        x,
        duals: Duals { budget: ln_price.exp(), ..Duals::default() },
        ln_price: Some(ln_price).filter(|ln| ln.is_finite()),
    }
}

/// Gives the language with most room about it what rounding leaves of the budget, or takes it back.
fn spend_rounding(program: &Program, room: f64, counted: &[usize], x: &mut [f64]) {
    let left =
        room - sum(program.own.iter().zip(x.iter()).map(|(own, x)| own.cost * (x - own.lower)));
    let way = |i: usize| {
        program.own[i].cost * (x[i] - program.own[i].lower).min(program.own[i].upper - x[i])
    };
    let Some(&i) = counted.iter().max_by(|&&a, &&b| way(a).total_cmp(&way(b))) else { return };
    if left.abs() < 0.5 * way(i) && left.abs() <= ROUNDING * room {
        x[i] += left / program.own[i].cost;
    }
}

/// Gives languages of weight 0 what an exact budget still asks for.
fn spread_rest(program: &Program, room: f64, x: &mut [f64]) {
    let above = || sum(program.own.iter().zip(x.iter()).map(|(own, x)| own.cost * (x - own.lower)));
    let mut left = if program.exact { room - above() } else { 0.0 };
    for (i, own) in program.own.iter().enumerate().filter(|(i, _)| !program.counts(*i)) {
        if left > 0.0 {
            x[i] = (own.lower + left / own.cost).min(own.upper);
            left -= own.cost * (x[i] - own.lower);
        }
    }
}

/// The languages that count, and what they ask for at the price last tried.
struct Market<'a> {
    demands: Vec<Demand<'a>>,
    answers: Vec<Answer>,
    /// What the lower bounds cost.
    least: f64,
    /// What the budget leaves above the lower bounds; counted apart, for it may be the last digit
    /// of the budget.
    room: f64,
}

impl<'a> Market<'a> {
    fn new(demands: Vec<Demand<'a>>, room: f64) -> Self {
        let least = sum(demands.iter().map(|demand| demand.own.cost * demand.own.lower));
        let mut market = Market { answers: Vec::new(), demands, least, room };
        market.answers = market
            .demands
            .iter()
            .map(|demand| Answer { x: market.even(demand), slope: 0.0 })
            .collect();
        market
    }

    /// Asks everybody at a price: what is spent above the lower bounds, and its derivative.
    fn ask(&mut self, ln_price: f64) -> (f64, f64) {
        let (mut spent, mut slope) = (0.0, 0.0);
        for (demand, answer) in self.demands.iter().zip(&mut self.answers) {
            *answer = demand.at(ln_price, answer.x);
            spent += demand.own.cost * (answer.x - demand.own.lower);
            slope += demand.own.cost * answer.slope;
        }
        (spent, slope)
    }

    /// Finds the price at which the answers spend the budget.
    fn clear(&mut self) -> f64 {
        let mut bracket = (f64::NEG_INFINITY, f64::INFINITY);
        let mut ln_price = self.guess();
        // the last step is a straight line, unless it meets the bend of a demand that starts to
        // repeat
        let near = if self.demands.iter().any(|demand| demand.own.repeat.is_some()) {
            1e-12
        } else {
            1e-8
        };
        for _ in 0..STEPS {
            let (spent, slope) = self.ask(ln_price);
            if spent > self.room {
                bracket.0 = ln_price
            } else {
                bracket.1 = ln_price
            }
            // ln of what is spent over the budget, lower bounds counted
            let excess = ((spent - self.room) / (self.least + self.room)).ln_1p();
            let step = excess * (self.least + spent) / slope;
            if slope < 0.0 && excess.abs() < near && step.abs() < near {
                return self.settle(ln_price);
            }
            let newton = ln_price - step;
            if newton > bracket.0 && newton < bracket.1 {
                ln_price = newton;
                continue;
            }
            if bracket.0.is_infinite() || bracket.1.is_infinite() {
                let ends = self.ends();
                bracket = (bracket.0.max(ends.0), bracket.1.min(ends.1));
            }
            if bracket.1 - bracket.0 <= 4.0 * f64::EPSILON * bracket.0.abs().max(bracket.1.abs()) {
                break;
            }
            ln_price = bracket.0 + 0.5 * (bracket.1 - bracket.0);
        }
        self.fill(bracket);
        bracket.1
    }

    /// Moves price and answers along their slopes until they spend the budget to the last digit.
    fn settle(&mut self, mut ln_price: f64) -> f64 {
        for _ in 0..4 {
            let spent = |(demand, answer): (&Demand, &Answer)| {
                demand.own.cost * (answer.x - demand.own.lower)
            };
            let off = self.room - sum(self.demands.iter().zip(&self.answers).map(spent));
            let slope: f64 = self
                .demands
                .iter()
                .zip(&self.answers)
                .map(|(demand, answer)| demand.own.cost * answer.slope)
                .sum();
            if slope >= 0.0 || off.abs() <= f64::EPSILON * self.room {
                break;
            }
            ln_price += off / slope;
            for (demand, answer) in self.demands.iter().zip(&mut self.answers) {
                answer.x = (answer.x + answer.slope * off / slope)
                    .clamp(demand.own.lower, demand.own.upper);
            }
        }
        ln_price
    }

    /// Between two prices as good as equal: what the dearer leaves goes to those who ask for more
    /// at the cheaper, one after the other.
    fn fill(&mut self, (cheap, dear): (f64, f64)) {
        // at the very price of a flat piece any amount on it is an answer
        let step = 8.0 * f64::EPSILON * cheap.abs().max(1.0);
        self.ask(cheap - step);
        let most: Vec<f64> = self.answers.iter().map(|answer| answer.x).collect();
        let (spent, _) = self.ask(dear + step);
        let mut left = self.room - spent;
        for ((demand, answer), most) in self.demands.iter().zip(&mut self.answers).zip(most) {
            let more = (most - answer.x).min(left / demand.own.cost).max(0.0);
            answer.x += more;
            left -= more * demand.own.cost;
        }
    }

    /// A price to start from: the mean over some languages of what they would pay at an even share.
    fn guess(&self) -> f64 {
        let stride = self.demands.len().div_ceil(64);
        let prices = self
            .demands
            .iter()
            .step_by(stride)
            .map(|demand| demand.ln_marginal(self.even(demand), false).0);
        let (mut sum, mut count) = (0.0, 0.0);
        for ln in prices.filter(|ln| ln.is_finite()) {
            sum += ln;
            count += 1.0;
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }

    /// What a language would get if all got the same on top of their lower bounds.
    fn even(&self, demand: &Demand) -> f64 {
        let share = self.room / (demand.own.cost * self.demands.len() as f64);
        (demand.own.lower + share).min(demand.own.upper)
    }

    /// Prices so low that all ask for more than there is, and so high that nobody asks for more
    /// than an even share.
    fn ends(&self) -> (f64, f64) {
        let all = |demand: &Demand| {
            (demand.own.lower + self.room / demand.own.cost).min(demand.own.upper)
        };
        let price = |demand: &Demand, x: f64| demand.ln_marginal(x, true).0;
        let cheap = self
            .demands
            .iter()
            .map(|demand| price(demand, all(demand)))
            .fold(f64::INFINITY, f64::min);
        let dear = self
            .demands
            .iter()
            .map(|demand| price(demand, self.even(demand)))
            .fold(f64::NEG_INFINITY, f64::max);
        (cheap - 1e-9 * cheap.abs().max(1.0), dear + 1e-9 * dear.abs().max(1.0))
    }

    /// With everybody at a bound many prices will do; this is the least.
    fn price_at_bounds(&self) -> Option<f64> {
        let all = || self.demands.iter().zip(&self.answers);
        if all().any(|(demand, answer)| answer.x > demand.own.lower && answer.x < demand.own.upper)
        {
            return None;
        }
        let wanting = all().filter(|(demand, answer)| answer.x < demand.own.upper);
        let price = wanting
            .map(|(demand, answer)| demand.ln_marginal(answer.x, true).0)
            .fold(f64::NEG_INFINITY, f64::max);
        Some(price).filter(|price| price.is_finite())
    }
}
