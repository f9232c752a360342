//! Groups, costs, other objectives, targets and the front, against brute force and against what
//! defines them.

use super::{bounded, law, pairs, some_law, term};
use crate::allocate::*;
use crate::law::{Average, Form};
use proptest::prelude::*;

/// Problems of two or three languages with costs and a group, and whether pairs or cost is what is
/// spent.
fn coupled() -> impl Strategy<Value = Option<Problem>> {
    let one = (some_law(false), 0.2..3.0f64, 0.5..3.0f64, 6..14u64);
    let group = (0..3usize, 0..3u8, 0.1..0.9f64, any::<bool>());
    (prop::collection::vec(one, 2..=3), group, 6..14u64, any::<bool>()).prop_map(
        |(parts, (member, rule, share, first), budget, of_cost)| {
            let terms: Vec<Term> = (parts.into_iter().enumerate())
                .map(|(i, (law, weight, cost, upper))| Term {
                    weight,
                    cost,
                    upper: Some(upper),
                    ..Term::new(format!("l{i}"), law)
                })
                .collect();
            let rule = [Rule::AtLeast, Rule::AtMost, Rule::Exactly][usize::from(rule)];
            let member = member % terms.len();
            let members = if first && member > 0 { vec![0, member] } else { vec![member] };
            // a share of a cost is met exactly by no whole pairs
            let amount = if rule == Rule::Exactly {
                Amount::Pairs((share * 6.0) as u64)
            } else {
                Amount::Share(share)
            };
            let budget = if of_cost { Budget::Cost(budget as f64) } else { Budget::Pairs(budget) };
            Problem::new(terms, budget)
                .ok()?
                .with_groups(vec![Group { name: "g".to_owned(), members, rule, amount }])
                .ok()
        },
    )
}

/// Whether pairs meet bounds, budget and groups.
fn meets(problem: &Problem, pairs: &[u64]) -> bool {
    let spent: f64 =
        problem.terms().iter().zip(pairs).map(|(term, &x)| problem.cost(term) * x as f64).sum();
    let group = |group: &Group| {
        let sum = |coefficient: &dyn Fn(&Term) -> f64| {
            group
                .members
                .iter()
                .map(|&j| coefficient(&problem.terms()[j]) * pairs[j] as f64)
                .sum::<f64>()
        };
        let (found, asked) = match group.amount {
            Amount::Pairs(pairs) => (sum(&|_| 1.0), pairs as f64),
            Amount::Cost(cost) => (sum(&|term| problem.cost(term)), cost),
            Amount::Share(share) => {
                (sum(&|term| problem.cost(term)), share * problem.budget().amount())
            }
        };
        match group.rule {
            Rule::AtLeast => found >= asked - 1e-9,
            Rule::AtMost => found <= asked + 1e-9,
            Rule::Exactly => (found - asked).abs() < 1e-9,
        }
    };
    let bounds = problem
        .terms()
        .iter()
        .zip(pairs)
        .all(|(term, &x)| term.lower <= x && term.upper.is_none_or(|upper| x <= upper));
    bounds
        && spent <= problem.budget().amount() * (1.0 + 1e-12)
        && problem.groups().iter().all(group)
}

/// The least value of a function over all whole allocations that meet a problem.
fn brute_force(problem: &Problem, value: &dyn Fn(&[u64]) -> f64, so_far: &mut Vec<u64>) -> f64 {
    let Some(term) = problem.terms().get(so_far.len()) else {
        return if meets(problem, so_far) { value(so_far) } else { f64::INFINITY };
    };
    let mut best = f64::INFINITY;
    for x in term.lower..=term.upper.unwrap_or(14) {
        so_far.push(x);
        best = best.min(brute_force(problem, value, so_far));
        so_far.pop();
    }
    best
}

fn worst(problem: &Problem, pairs: &[u64]) -> f64 {
    problem
        .terms()
        .iter()
        .zip(pairs)
        .map(|(term, &x)| term.weight * term.loss(x as f64))
        .fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn groups_and_costs_are_met_at_the_least_loss(problem in coupled()) {
        let Some(problem) = problem else { return Ok(()) };
        let best = brute_force(&problem, &|pairs| problem.weighted_loss(pairs), &mut Vec::new());
        let allocation = problem.solve().unwrap();
        if best.is_finite() {
            prop_assert!(
                meets(&problem, &pairs(&allocation)),
                "{:?} of {problem:?}",
                pairs(&allocation)
            );
            prop_assert!(
                (allocation.objective - best).abs() <= 1e-9 * best,
                "{} is not {best}: \
            {problem:?}",
                allocation.objective
            );
            prop_assert!(allocation.lower_bound <= best * (1.0 + 1e-12));
        } else {
            prop_assert!(false, "{:?} of {problem:?}, which nothing meets", pairs(&allocation));
        }
    }

    #[test]
    fn the_worst_loss_is_least_and_the_front_goes_down(problem in coupled()) {
        let Some(problem) = problem else { return Ok(()) };
        let best = brute_force(&problem, &|pairs| worst(&problem, pairs), &mut Vec::new());
        if best.is_finite() {
            let problem = problem.with_objective(Objective::Worst).unwrap();
            let allocation = problem.solve().unwrap();
            prop_assert!(meets(&problem, &pairs(&allocation)));
            prop_assert!(
                (allocation.objective - best).abs() <= 1e-9 * best,
                "{} is not {best}: \
            {problem:?}",
                allocation.objective
            );
            prop_assert!(allocation.lower_bound <= best * (1.0 + 1e-12));
            let front = pareto_front(&problem, 5).unwrap();
            prop_assert!(
                (front.iter().map(|point| point.worst_loss_nats).fold(f64::INFINITY, f64::min)
                    - best)
                    .abs()
                    <= 1e-9 * best
            );
            // the problem's own pairs are few, so the front has steps, but goes one way
            for pair in front.windows(2) {
                prop_assert!(
                    pair[1].mean_loss_nats <= pair[0].mean_loss_nats * (1.0 + 1e-12),
                    "{front:?}"
                );
            }
        }
    }

    #[test]
    fn a_least_budget_reaches_its_target_and_one_pair_less_does_not(
        problem in super::problem(false, 5, 2_000),
        part in 0.1..0.9f64,
    ) {
        let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
        let mean =
            |problem: &Problem| problem.weighted_loss(&pairs(&problem.solve().unwrap())) / weights;
        let terms: Vec<Term> = problem
            .terms()
            .iter()
            .map(|term| Term { lower: 0, upper: Some(term.upper.unwrap_or(3_000)), ..term.clone() })
            .collect();
        let full = Problem::new(terms.clone(), Budget::ample(&terms, false)).unwrap();
        let target = mean(&full) * (1.0 + part);
        let least = least_budget(&full, &[], &Target::Mean(target)).unwrap();
        prop_assert!(mean(&least) <= target);
        let Budget::Pairs(spent) = least.budget() else { panic!("{:?}", least.budget()) };
        if let Some(less) = spent.checked_sub(1).and_then(|less| full.with_budget(less).ok()) {
            prop_assert!(mean(&less) > target, "{} pairs do as well as {spent}", spent - 1);
        }
        let failed =
            least_budget(&full, &[], &Target::Mean(mean(&full) * (1.0 - 1e-9))).unwrap_err();
        prop_assert!(failed.to_string().starts_with("no amount of data brings the mean loss to"));
    }
}

#[test]
fn an_average_of_forms_is_allocated_by_its_mean_marginal_gain() {
    let power = |scale| law(Form::Power, &[scale, 0.5]);
    let mixed = Average::new([(0.5, power(1.0)), (0.5, power(15.0))]).unwrap();
    // half of 1 and half of 15 make a power law of scale 8
    let terms = vec![Term::new("mixed", mixed), term("plain", power(1.0))];
    assert_eq!(pairs(&Problem::new(terms, 5_000_u64).unwrap().solve().unwrap()), [4000, 1000]);
    // one law of an average may start concave, and pairs cost what they cost
    let bent = Average::new([
        (0.6, law(Form::Rectified, &[1.0, 4e6, 2.0, 1e6])),
        (0.4, law(Form::PowerFloor, &[1.0, 9.0, 0.3])),
    ])
    .unwrap();
    let terms =
        vec![Term::new("bent", bent), term("b", law(Form::Offset, &[1.0, 20.0, 0.4, 10.0]))];
    let problem = Problem::new(terms, 2_000_u64).unwrap();
    let allocation = problem.solve().unwrap();
    let best =
        (1..2_000).map(|x| problem.weighted_loss(&[x, 2_000 - x])).fold(f64::INFINITY, f64::min);
    assert!(
        (allocation.objective - best).abs() <= 1e-12 * best && allocation.lower_bound <= best,
        "{} {best}",
        allocation.objective
    );
    assert!(allocation.gap < 1e-6, "{}", allocation.gap);
}

#[test]
fn losses_named_are_reached_with_the_fewest_pairs() {
    let half = |scale: f64| law(Form::PowerFloor, &[1.0, scale, 0.5]);
    let terms = vec![
        bounded("a", half(10.0), 0, 100_000),
        bounded("b", half(20.0), 0, 100_000),
        bounded("c", half(1.0), 7, 100),
    ];
    let full = Problem::new(terms.clone(), Budget::ample(&terms, false)).unwrap();
    // 1 + 10 X^-1/2 = 1.1 at 10,000 pairs, and 1 + 20 X^-1/2 = 1.2 at as many
    let least = least_budget(&full, &[], &Target::Losses(vec![(0, 1.1), (1, 1.2)])).unwrap();
    assert_eq!(least.budget(), Budget::Pairs(20_007));
    assert_eq!(pairs(&least.solve().unwrap()), [10_000, 10_000, 7]);
    let text = least_budget(&full, &[], &Target::Losses(vec![(2, 1.0)])).unwrap_err().to_string();
    assert_eq!(text, "at most 100 pairs do not bring `c` to 1 nats: its loss is 1.1 there");
    // a group that wants half of whatever is spent makes it dearer
    let group = Group {
        name: "g".to_owned(),
        members: vec![2],
        rule: Rule::AtMost,
        amount: Amount::Share(0.0003),
    };
    let grouped = least_budget(&full, &[group], &Target::Losses(vec![(0, 1.1), (1, 1.2)])).unwrap();
    assert!(
        matches!(grouped.budget(), Budget::Pairs(budget) if budget > 23_000),
        "{}",
        grouped.budget()
    );
}

#[test]
fn nobody_is_worse_off_than_agreed() {
    let terms =
        vec![term("a", law(Form::Power, &[1.0, 0.5])), term("b", law(Form::Power, &[8.0, 0.5]))];
    let problem = Problem::new(terms, 5_000_u64).unwrap();
    let uniform = Policy::Uniform.allocate(&problem).unwrap();
    let held = no_worse_than(&problem, &uniform, 0.1).unwrap();
    let given = pairs(&held.solve().unwrap());
    // 1.1 of X^-1/2 is X / 1.21
    assert_eq!(given, [2_067, 2_933]);
    assert_eq!(
        pairs(&no_worse_than(&problem, &uniform, 0.0).unwrap().solve().unwrap()),
        [2_500, 2_500]
    );
    assert_eq!(pairs(&problem.solve().unwrap()), [1_000, 4_000]);
}

#[test]
fn a_budget_of_cost_is_spent_to_the_cheapest_pair() {
    let terms: Vec<Term> = [(0.5, "a"), (2.0, "b"), (0.02, "c")]
        .map(|(cost, lang)| Term { cost, ..term(lang, law(Form::Offset, &[1.0, 30.0, 0.4, 10.0])) })
        .to_vec();
    let problem = Problem::new(terms, Budget::Cost(500.0)).unwrap();
    for policy in [Policy::Parallot, Policy::Uniform] {
        let given = policy.allocate(&problem).unwrap();
        let spent: f64 =
            problem.terms().iter().zip(&given).map(|(term, &x)| term.cost * x as f64).sum();
        assert!((500.0 - 0.02..=500.0 + 1e-9).contains(&spent), "{policy}: {spent}");
    }
    let allocation = problem.solve().unwrap();
    let gains: Vec<f64> = allocation
        .languages
        .iter()
        .zip(problem.terms())
        .map(|(got, term)| got.marginal_gain_per_1k / term.cost)
        .collect();
    gains.iter().for_each(|gain| {
        approx::assert_relative_eq!(*gain, 1000.0 * allocation.shadow_price, max_relative = 0.02)
    });
}

#[test]
fn policies_are_read_as_they_are_written() {
    for policy in [
        Policy::Uniform,
        Policy::Proportional,
        Policy::Temperature(3.3),
        Policy::UniMax(4.0),
        Policy::Current,
    ] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    for text in ["", "parallot", "temperature-", "temperature-0", "unimax--1", "temperature-nan"] {
        assert!(text.parse::<Policy>().is_err(), "{text}");
    }
    let mixed = Term { current: Some(4), ..term("a", law(Form::Power, &[1.0, 0.5])) };
    let problem = Problem::new(
        vec![mixed.clone(), Term { lang: "b".to_owned(), current: Some(6), ..mixed }],
        10_u64,
    )
    .unwrap();
    assert_eq!(Policy::Current.allocate(&problem).unwrap(), [4, 6]);
}

/// A group that takes the whole budget leaves the others nothing, however steep their laws are
/// there.
#[test]
fn a_group_may_take_all_there_is() {
    let terms = vec![
        term("a", law(Form::PowerFloor, &[0.0, 0.5, 0.51])),
        term("steep", law(Form::Rectified, &[0.0, 0.5, 0.1, 0.1])),
        term("b", law(Form::PowerFloor, &[0.0, 0.5, 0.1])),
    ];
    let group = Group {
        name: "g".to_owned(),
        members: vec![0, 2],
        rule: Rule::AtLeast,
        amount: Amount::Share(1.0),
    };
    let problem = Problem::new(terms, 6_u64).unwrap().with_groups(vec![group]).unwrap();
    let allocation = problem.solve().unwrap();
    assert_eq!(pairs(&allocation), [4, 0, 2]);
    assert!(
        allocation.gap < 1e-9
            && problem.weighted_loss(&[4, 0, 2]) < problem.weighted_loss(&[3, 0, 3])
    );
}
