//! Newton's equations of the interior point: the normal matrix, bordered by a few further variables
//! and by the linear rows.
//!
//! ```text
//! | H   C   A' | | dx |   | r |
//! | C'  D   0  | | de | = | s |        F = slack / multiplier of inequalities, 0 of equations
//! | A   0  -F  | | dl |   | t |
//! ```

use super::normal::Factor;
use faer::linalg::solvers::PartialPivLu;
use faer::prelude::Solve;
use faer::{Mat, MatRef};

/// The factored equations.
pub(crate) struct System {
    factor: Factor,
    /// `[C A']`, and `H^-1` of it.
    border: Mat<f64>,
    solved: Mat<f64>,
    corner: Option<PartialPivLu<f64>>,
}

impl System {
    /// Factors the border; `corner` is `[D 0; 0 -F]`.
    pub(crate) fn new(factor: Factor, border: Mat<f64>, mut corner: Mat<f64>) -> Self {
        let mut solved = border.clone();
        factor.solve(solved.as_mut());
        corner -= border.transpose() * &solved;
        let corner = (corner.nrows() > 0).then(|| PartialPivLu::new(corner.as_ref()));
        System { factor, border, solved, corner }
    }

    /// Solves for a right side of `x` and one of the border.
    pub(crate) fn solve(&self, x: &mut Mat<f64>, border: &mut Mat<f64>) {
        self.factor.solve(x.as_mut());
        let Some(corner) = &self.corner else { return };
        let held: MatRef<'_, f64> = x.as_ref();
        *border -= self.border.transpose() * held;
        corner.solve_in_place(border.as_mut());
        *x -= &self.solved * &*border;
    }
}
