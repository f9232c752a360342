//! Draws of the laws and of transfer as a problem takes them from fits.

use super::super::{Coupling, Drawn};
use crate::fit::{Fit, FitFile};
use crate::solver::Kernel;

/// Draws of the laws and of the effective data of repeats, one `Vec` per draw, in the order of the
/// fits.
pub(super) fn draws(file: &FitFile) -> Vec<Vec<Drawn>> {
    let r_star = |fit: &Fit, draw: usize| {
        fit.repetition.as_ref().and_then(|repetition| repetition.draws.get(draw).copied())
    };
    let one = |draw: usize| {
        file.fits
            .iter()
            .map(|fit| Drawn { law: fit.draws[draw], r_star: r_star(fit, draw) })
            .collect()
    };
    taken(file).into_iter().map(one).collect()
}

/// Draws that the allocator can take: those that it cannot are few, and as unlikely in one language
/// as in another.
fn taken(file: &FitFile) -> Vec<usize> {
    let count = file.fits.iter().map(|fit| fit.draws.len()).min().unwrap_or(0);
    (0..count)
        .filter(|&draw| file.fits.iter().all(|fit| Kernel::of(&fit.draws[draw]).is_some()))
        .collect()
}

/// Transfer as fitted; absent where no mixtures were trained.
pub fn coupling(file: &FitFile) -> Option<Coupling> {
    let transfer = file.transfer.as_ref()?;
    let place = |lang: &String| file.fits.iter().position(|fit| fit.curve == *lang);
    let tau =
        transfer.tau.iter().map(|row| Some((place(&row.to)?, place(&row.from)?, row.tau.value)));
    let draws =
        taken(file).into_iter().filter_map(|draw| transfer.draws.get(draw).cloned()).collect();
    Some(Coupling {
        tau: tau.collect::<Option<_>>()?,
        trusted_from: transfer.trusted_from.clone(),
        draws,
    })
}
