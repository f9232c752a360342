//! The joint law of one language in a model of `T` pairs, as a falling function of its own `X`.
//!
//! ```text
//! L(X; T) = L(X, T - X)                                       up to X_tail
//! L(X; T) = L_tail - s tau (1 - e^(-(X - X_tail) / tau))      beyond
//!
//! s the steepness at X_tail,  tau = min(T, L_tail / 2s)
//! ```
//!
//! Where a language takes nearly all of a model, the last pairs of the others count without measure
//! (`R^a` with a < 1), and where they help, losing them costs more than own pairs bring: there the
//! law is no guide, and no falling convex function either. `X_tail` is where that starts: where the
//! law stops to be convex or to fall, at most 0.9 T. Below an inflection the law is concave: with
//! too little data of its own a language is not learnt.

use super::{Interference, Joint, PARAMETERS, References, Setting};
use crate::numeric::dual::{Jet, Real};

/// Share of the total up to which the law holds at most.
const MOST: f64 = 0.9;
/// Amounts looked at for changes of curvature.
const GRID: usize = 96;
/// Least amount that the law is read at, pairs.
const LEAST: f64 = 1e-3;
/// Halvings of a bracket.
const HALVINGS: usize = 60;

/// The joint law of a language in models of one total.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtTotal {
    law: Joint,
    setting: Setting,
    total: f64,
    /// Where the law turns convex, pairs; 0 where it is convex from the start.
    convex_from: f64,
    tail: Tail,
}

/// How the law goes on beyond `X_tail`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tail {
    from: f64,
    loss: f64,
    steepness: f64,
    reach: f64,
}

impl AtTotal {
    /// The law of a language in models of `total` pairs, above 0.
    pub fn new(law: Joint, setting: Setting, total: f64) -> Self {
        let most = MOST * total;
        let curvature = |pairs: f64| loss_at(&law, &setting, total, pairs).second;
        let bends = |pairs: f64| {
            let jet = loss_at(&law, &setting, total, pairs);
            jet.second < 0.0 || jet.first >= 0.0
        };
        let ratio = (most / LEAST).powf(1.0 / (GRID - 1) as f64);
        let grid: Vec<f64> = (0..GRID).map(|at| LEAST * ratio.powi(at as i32)).collect();
        // where others' pairs are worth more to a language than its own, its first own pairs raise
        // the loss: none of them counts
        let is_led = loss_at(&law, &setting, total, LEAST).first > 0.0;
        // curvature that underflows to 0 is that of a law that has not begun to fall
        let turn = grid.iter().position(|&pairs| curvature(pairs) > 0.0).unwrap_or(GRID - 1);
        let convex_from = if turn == 0 || is_led {
            0.0
        } else {
            bisect(grid[turn - 1], grid[turn], |pairs| curvature(pairs) > 0.0)
        };
        let end = (turn + 1..GRID).find(|&at| bends(grid[at]));
        let holds_to =
            end.map_or(most, |at| bisect(grid[at - 1], grid[at], bends)).max(convex_from);
        let from = if is_led { LEAST } else { holds_to };
        let Jet { value: loss, first, .. } = loss_at(&law, &setting, total, from);
        let steepness = (-first).max(f64::MIN_POSITIVE);
        AtTotal {
            law,
            setting,
            total,
            convex_from,
            tail: Tail { from, loss, steepness, reach: total.min(0.5 * loss / steepness) },
        }
    }

    /// Names of its numbers. `acts_on_data` is 1 where the others' data act on effective data, 0
    /// where on the loss; `unique` is 0 where all pairs are new.
    pub const NAMES: [&str; 14] = [
        "level",
        "ln_exponent",
        "ln_irreducible",
        "ln_transition",
        "ln_passes",
        "effect",
        "ln_by_rest",
        "ln_by_own",
        "acts_on_data",
        "own_reference",
        "rest_reference",
        "low",
        "unique",
        "total",
    ];

    /// Its numbers, in the order of their names.
    pub fn numbers(&self) -> Vec<f64> {
        let References { own, rest, low } = self.setting.references;
        let acts_on_data = f64::from(u8::from(self.setting.interference != Interference::Loss));
        let rest_of_them =
            [acts_on_data, own, rest, low, self.setting.unique.unwrap_or(0.0), self.total];
        // a language by itself is one on whose data nothing acts
        let alone = Joint { effect: 0.0, ..self.law };
        let law = if self.setting.interference == Interference::None { alone } else { self.law };
        law.to_array().into_iter().chain(rest_of_them).collect()
    }

    /// The law of its numbers; nothing where their count or range is wrong.
    pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let numbers: [f64; Self::NAMES.len()] = numbers.try_into().ok()?;
        let (law, rest) = numbers.split_first_chunk::<PARAMETERS>()?;
        let &[acts_on_data, own, rest, low, unique, total] = rest else { return None };
        let is_law = numbers.iter().all(|number| number.is_finite())
            && [own, rest, low, total].iter().all(|&amount| amount > 0.0);
        let interference = if acts_on_data > 0.5 { Interference::Data } else { Interference::Loss };
        let setting = Setting {
            interference,
            references: References { own, rest, low },
            unique: (unique > 0.0).then_some(unique),
        };
        is_law.then(|| AtTotal::new(Joint::from_array(*law), setting, total))
    }

    /// The same language in models of another total.
    pub fn of_total(&self, total: f64) -> Self {
        AtTotal::new(self.law, self.setting, total)
    }

    /// Pairs of the model.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The joint law.
    pub fn law(&self) -> &Joint {
        &self.law
    }

    /// The loss that no amount of data removes, nats per target token.
    pub fn irreducible(&self) -> f64 {
        self.law.ln_irreducible.exp()
    }

    /// From where on the law is convex, pairs.
    pub fn convex_from(&self) -> f64 {
        self.convex_from
    }

    /// Up to where the law holds as fitted, pairs.
    pub fn holds_to(&self) -> f64 {
        self.tail.from
    }

    /// Loss with its derivatives in pairs, nats per target token.
    pub fn jet(&self, pairs: f64) -> Jet {
        let Tail { from, loss, steepness, reach } = self.tail;
        if pairs <= from {
            return loss_at(&self.law, &self.setting, self.total, pairs);
        }
        let left = (-(pairs - from) / reach).exp();
        Jet {
            value: loss - steepness * reach * (1.0 - left),
            first: -steepness * left,
            second: steepness * left / reach,
        }
    }
}

/// `L(X, T - X)` with its derivatives in `X`.
fn loss_at(law: &Joint, setting: &Setting, total: f64, pairs: f64) -> Jet {
    let pairs = pairs.max(LEAST);
    law.constant()
        .ln_loss(setting, Jet::variable(pairs, 1.0), Jet::variable(total - pairs, -1.0))
        .exp()
}

/// The end of a bracket at which `holds`, halved to its last digits; it does not hold at `without`
/// and holds at `with`.
fn bisect(mut without: f64, mut with: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (without * with).sqrt();
        if holds(middle) {
            with = middle;
        } else {
            without = middle;
        }
    }
    with
}

#[cfg(test)]
mod tests {
    use super::super::tests::any_law;
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_falls_and_is_convex_beyond_its_inflection(
            (setting, law) in any_law(),
            ln_total in 6.0..12.0f64,
        ) {
            let at = AtTotal::new(law, setting, ln_total.exp());
            let amounts: Vec<f64> = (0..200)
                .map(|k| at.total() * (-12.0 + 12.5 * f64::from(k) / 199.0).exp())
                .collect();
            let jets: Vec<Jet> = amounts.iter().map(|&pairs| at.jet(pairs)).collect();
            prop_assert!(jets.windows(2).all(|pair| pair[1].value <= pair[0].value + 1e-12));
            for (jet, &pairs) in jets.iter().zip(&amounts) {
                prop_assert!(jet.value > 0.0 && jet.first <= 0.0);
                if pairs > at.convex_from() * 1.001 {
                    prop_assert!(
                        jet.second >= -1e-9 * jet.first.abs() / pairs,
                        "{pairs}: {jet:?} \
                    {at:?}"
                    );
                }
            }
        }

        #[test]
        fn derivatives_agree_with_differences((setting, law) in any_law(), share in 0.01..1.5f64) {
            let at = AtTotal::new(law, setting, 12_000.0);
            let pairs = share * at.total();
            let away = |edge: f64| (pairs / edge).ln().abs() > 0.02;
            prop_assume!(away(at.holds_to()) && setting.unique.is_none_or(away));
            let jet = at.jet(pairs);
            let step = 1e-3 * pairs;
            let slope = derivative(|x| at.jet(x).value, pairs, step);
            prop_assert!((jet.first - slope).abs() <= 1e-6 * slope.abs() + 1e-13);
            let curvature = derivative(|x| at.jet(x).first, pairs, step);
            prop_assert!(
                (jet.second - curvature).abs() <= 1e-5 * (curvature.abs() + slope.abs() / pairs)
            );
        }
    }

    #[test]
    fn its_numbers_give_the_same_law() {
        let law = Joint::from_array([1.0, -1.0, -0.3, 5.0, 1.5, 0.2, -0.2, 0.1]);
        for interference in [Interference::Data, Interference::Loss] {
            let at = AtTotal::new(law, super::super::tests::setting(interference), 9000.0);
            assert_eq!(AtTotal::from_numbers(&at.numbers()), Some(at));
        }
        let alone = AtTotal::new(law, super::super::tests::setting(Interference::None), 9000.0);
        assert_eq!(AtTotal::from_numbers(&alone.numbers()).unwrap().jet(300.0), alone.jet(300.0));
        assert!(
            AtTotal::from_numbers(&[1.0; 13]).is_none()
                && AtTotal::from_numbers(&[-1.0; 14]).is_none()
        );
    }
}
