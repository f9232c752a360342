//! A validation: predicted against measured losses, and the gains over uniform.

use super::axis::{Axis, Unit};
use super::bars::{policy_ink, policy_name};
use super::panel::{Mark, Panel, legend};
use super::{Anchor, FAINT, GRID, Picture, TEXT, WIDTH};
use crate::allocate::Policy;
use crate::report::eye;
use crate::units::Estimate;
use crate::validate::{LossRow, PolicyResult, Validation};

/// A policy whose gain is so many times as large as any end of ours is told in words, so that ours
/// can be seen.
const FAR: f64 = 4.0;

/// Left: measured against predicted losses, one dot per policy and language with its predicted
/// interval, and a ring by laws with transfer. Right: the gains over uniform.
pub fn validation(validation: &Validation) -> Picture {
    let baselines =
        validation.policies.iter().filter(|policy| policy.policy != Policy::Uniform).count();
    let mut picture = Picture::new(WIDTH, 430.0_f64.max(160.0 + 46.0 * baselines as f64));
    let title = format!("Predicted and measured, {} pairs", eye::grouped(validation.budget));
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let entries: Vec<_> = validation
        .policies
        .iter()
        .enumerate()
        .map(|(at, policy)| (Mark::Patch(policy_ink(at)), policy_name(policy.policy)))
        .collect();
    let top = legend(&mut picture, (10.0, 38.0), &entries) + 34.0;
    let bottom = picture.height - 44.0;
    losses(&mut picture, validation, &Panel { left: 60.0, top, right: 0.5 * WIDTH - 20.0, bottom });
    gains(
        &mut picture,
        validation,
        &Panel { left: 0.5 * WIDTH + 120.0, top, right: WIDTH - 16.0, bottom },
    );
    picture
}

fn losses(picture: &mut Picture, validation: &Validation, panel: &Panel) {
    let rows = || {
        validation
            .policies
            .iter()
            .enumerate()
            .flat_map(|(at, policy)| policy.losses.iter().map(move |row| (at, row)))
    };
    let of = |(_, row): (usize, &LossRow)| {
        [row.predicted_nats.interval_90.lo, row.predicted_nats.interval_90.hi, row.measured_nats]
    };
    let span = ends(rows().flat_map(of));
    let (x, y) = (
        Axis::linear(span, panel.across(), Unit::Nats),
        Axis::linear(span, panel.up(), Unit::Nats),
    );
    panel.draw_y(picture, &y, 6);
    panel.draw_x(picture, &x, 6);
    picture.text(
        ((panel.left + panel.right) / 2.0, panel.bottom + 32.0),
        12.0,
        Anchor::Middle,
        FAINT,
        if validation.coupled.is_some() {
            "predicted test loss with 90 % interval (ring: with transfer), nats"
        } else {
            "predicted test loss with 90 % interval, nats"
        },
    );
    picture.text((10.0, panel.top - 12.0), 12.0, Anchor::Start, FAINT, "measured test loss, nats");
    picture.dashed([span.0, span.1].map(|end| (x.at(end), y.at(end))), 4.0, 1.2, FAINT);
    for (at, row) in rows().filter(|(_, row)| row.measured_nats.is_finite()) {
        let height = y.at(row.measured_nats);
        let Estimate { value, interval_90 } = row.predicted_nats;
        picture.line(
            [interval_90.lo, interval_90.hi].map(|end| (x.at(end), height)),
            1.6,
            policy_ink(at).alpha(0.6),
        );
        picture.dot((x.at(value), height), 4.0, policy_ink(at));
        // what transfer predicts far outside would press all else together
        if let Some(coupled) =
            row.coupled.as_ref().filter(|coupled| coupled.predicted_nats.value < span.1)
        {
            picture.ring((x.at(coupled.predicted_nats.value), height), 3.5, policy_ink(at));
        }
    }
}

fn gains(picture: &mut Picture, validation: &Validation, panel: &Panel) {
    let shown: Vec<(usize, &PolicyResult)> = validation
        .policies
        .iter()
        .enumerate()
        .filter(|(_, policy)| policy.policy != Policy::Uniform)
        .collect();
    let all = |policy: &PolicyResult| {
        [Some(policy.predicted_gain_nats), policy.coupled_gain_nats, policy.measured_gain_nats]
    };
    let ours = shown
        .iter()
        .filter(|(_, policy)| policy.policy == Policy::Parallot)
        .flat_map(|(_, policy)| all(policy))
        .flatten();
    let reach = FAR
        * ours
            .flat_map(|gain| [gain.interval_90.lo.abs(), gain.interval_90.hi.abs()])
            .filter(|end| end.is_finite())
            .fold(0.0, f64::max);
    let is_far = |policy: &PolicyResult| {
        reach > 0.0 && all(policy).iter().flatten().any(|gain| gain.value.abs() > reach)
    };
    let values = shown
        .iter()
        .filter(|(_, policy)| !is_far(policy))
        .flat_map(|(_, policy)| all(policy))
        .flatten();
    let span = ends(
        values.flat_map(|gain| [gain.value, gain.interval_90.lo, gain.interval_90.hi]).chain([0.0]),
    );
    let x = Axis::linear(span, panel.across(), Unit::Nats);
    panel.draw_x(picture, &x, 5);
    picture.line([(x.at(0.0), panel.top), (x.at(0.0), panel.bottom)], 1.2, GRID);
    picture.text(
        ((panel.left + panel.right) / 2.0, panel.bottom + 32.0),
        12.0,
        Anchor::Middle,
        FAINT,
        "gain over uniform, nats per language",
    );
    let coupled = shown.iter().any(|(_, policy)| policy.coupled_gain_nats.is_some());
    let order = if coupled {
        "grey: predicted, ring: with transfer; colour: measured; 90 %"
    } else {
        "grey: predicted, colour: measured; 90 %"
    };
    picture.text((panel.right, panel.top - 12.0), 12.0, Anchor::End, FAINT, order);
    let height = (panel.bottom - panel.top) / shown.len().max(1) as f64;
    for (place, (at, policy)) in shown.into_iter().enumerate() {
        let middle = panel.top + height * (place as f64 + 0.5);
        picture.text(
            (panel.left - 10.0, middle),
            12.0,
            Anchor::End,
            TEXT,
            policy_name(policy.policy),
        );
        if is_far(policy) {
            let name = |gain: Option<Estimate>| {
                gain.map_or_else(|| "-".to_owned(), |gain| eye::signed(gain.value))
            };
            let [predicted, coupled, measured] = all(policy);
            let with =
                if coupled.is_some() { format!(" or {}", name(coupled)) } else { String::new() };
            let text = format!(
                "far off: predicted {}{with}, measured {}",
                name(predicted),
                name(measured)
            );
            picture.text((panel.left + 6.0, middle), 12.0, Anchor::Start, policy_ink(at), text);
            continue;
        }
        for (row, gain) in all(policy).into_iter().enumerate() {
            let Some(gain) = gain else { continue };
            let (height, ink) =
                (middle + 11.0 * (row as f64 - 1.0), if row == 2 { policy_ink(at) } else { FAINT });
            let ends = [gain.interval_90.lo, gain.interval_90.hi];
            picture.line(ends.map(|end| (x.at(end), height)), 2.0, ink);
            match row {
                1 => picture.ring((x.at(gain.value), height), 4.0, ink),
                _ => picture.dot((x.at(gain.value), height), 4.0, ink),
            }
        }
    }
}

/// The range of the finite of some values with a margin.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (lo, hi) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), value| (lo.min(value), hi.max(value)));
    if lo > hi {
        return (0.0, 1.0);
    }
    let margin = 0.06 * (hi - lo).max(1e-3 * hi.abs());
    (lo - margin, hi + margin)
}
