//! The geometry of two clouds of points whose rows correspond: cosines, retrieval, linear CKA,
//! principal components.
//!
//! With `X` (n, p) and `Y` (n, q), and `Xc`, `Yc` the same with the mean of each column taken away:
//!
//! ```text
//! C_ij = x_i . y_j / (|x_i| |y_j|)
//! CKA  = |Yc^T Xc|_F^2 / (|Xc^T Xc|_F |Yc^T Yc|_F)          (Kornblith et al. 2019)
//! ```

use nalgebra::{DMatrix, DVector, RowDVector};

/// How two clouds lie to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// Mean cosine of rows that correspond.
    pub cosine_parallel: f64,
    /// Mean cosine of all that do not.
    pub cosine_random: f64,
    /// Share of the rows of the first whose nearest row of the second, by cosine, corresponds.
    pub retrieval_forward: f64,
    /// The same from the second to the first.
    pub retrieval_backward: f64,
    /// Linear centred kernel alignment.
    pub cka: f64,
}

/// How `x` (n, p) and `y` (n, p) lie to each other, n at least 2.
pub fn alignment(x: &DMatrix<f64>, y: &DMatrix<f64>) -> Alignment {
    let n = x.nrows();
    let cosines = cosines(x, y); // (n, n)
    let parallel = cosines.trace();
    let hits = |nearest: &dyn Fn(usize) -> usize| {
        (0..n).filter(|&at| nearest(at) == at).count() as f64 / n as f64
    };
    Alignment {
        cosine_parallel: parallel / n as f64,
        cosine_random: (cosines.sum() - parallel) / (n * (n - 1)) as f64,
        retrieval_forward: hits(&|row| cosines.row(row).transpose().argmax().0),
        retrieval_backward: hits(&|column| cosines.column(column).argmax().0),
        cka: cka(x, y),
    }
}

/// Cosines (n, m) of each row of `x` (n, p) with each of `y` (m, p).
pub fn cosines(x: &DMatrix<f64>, y: &DMatrix<f64>) -> DMatrix<f64> {
    unit_rows(x) * unit_rows(y).transpose()
}

/// Linear CKA by the Gram matrices (n, n) of the rows: `|Yc^T Xc|_F^2 = sum (Xc Xc^T) o (Yc Yc^T)`.
fn cka(x: &DMatrix<f64>, y: &DMatrix<f64>) -> f64 {
    let gram = |x: &DMatrix<f64>| {
        let centred = centred(x); // (n, p)
        &centred * centred.transpose() // (n, n)
    };
    let (x, y) = (gram(x), gram(y));
    x.dot(&y) / (x.norm() * y.norm())
}

/// Coordinates (n, 2) of the rows of `x` (n, p) on the two directions of largest variance; the
/// largest entry of a direction is positive.
pub fn principal_plane(x: &DMatrix<f64>) -> DMatrix<f64> {
    let centred = centred(x); // (n, p)
    let eigen = (centred.transpose() * &centred).symmetric_eigen(); // (p, p)
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let directions: Vec<DVector<f64>> = order
        .iter()
        .take(2)
        .map(|&at| turned(eigen.eigenvectors.column(at).into_owned()))
        .collect();
    centred * DMatrix::from_columns(&directions) // (n, 2)
}

fn turned(direction: DVector<f64>) -> DVector<f64> {
    if direction[direction.icamax()] < 0.0 { -direction } else { direction }
}

fn centred(x: &DMatrix<f64>) -> DMatrix<f64> {
    let mean: RowDVector<f64> = x.row_mean();
    let mut centred = x.clone();
    centred.row_iter_mut().for_each(|mut row| row -= &mean);
    centred
}

fn unit_rows(x: &DMatrix<f64>) -> DMatrix<f64> {
    let mut unit = x.clone();
    for mut row in unit.row_iter_mut() {
        let norm = row.norm();
        if norm > 0.0 {
            row /= norm;
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Item, Purpose, generator};
    use rand::RngExt;

    fn cloud(n: usize, p: usize, stream: u64) -> DMatrix<f64> {
        let mut rng = generator(1, Purpose::Planted, Item::Nth(stream));
        DMatrix::from_fn(n, p, |_, _| rng.random_range(-1.0..1.0))
    }

    #[test]
    fn a_turned_and_scaled_cloud_is_the_same_to_cka_and_not_to_cosines() {
        let (x, turn) = (cloud(60, 5, 0), cloud(5, 5, 1).qr().q());
        let y = 3.0 * &x * turn;
        let own = alignment(&x, &(2.0 * &x));
        approx::assert_relative_eq!(own.cosine_parallel, 1.0, epsilon = 1e-12);
        assert_eq!((own.retrieval_forward, own.retrieval_backward), (1.0, 1.0));
        assert!(own.cosine_random.abs() < 0.1);
        let turned = alignment(&x, &y);
        approx::assert_relative_eq!(turned.cka, 1.0, epsilon = 1e-12);
        assert!(turned.retrieval_forward < 0.5 && turned.cosine_parallel < 0.9);
    }

    #[test]
    fn cka_is_that_of_its_definition_and_small_for_strangers() {
        let (x, y) = (cloud(400, 4, 2), cloud(400, 4, 3));
        let (xc, yc) = (centred(&x), centred(&y));
        let norm = |m: DMatrix<f64>| m.norm();
        let expected = norm(yc.transpose() * &xc).powi(2)
            / (norm(xc.transpose() * &xc) * norm(yc.transpose() * &yc));
        approx::assert_relative_eq!(cka(&x, &y), expected, max_relative = 1e-10);
        assert!(expected < 0.05);
        let strangers = alignment(&x, &y);
        assert!(strangers.retrieval_forward < 0.03 && strangers.retrieval_backward < 0.03);
    }

    #[test]
    fn the_plane_keeps_the_two_largest_variances() {
        let x = DMatrix::from_fn(50, 3, |row, column| {
            [3.0, 0.1, 1.0][column] * ((row * (7 + 4 * column)) as f64).sin()
        });
        let plane = principal_plane(&x);
        let variances: Vec<f64> = (0..2).map(|column| plane.column(column).variance()).collect();
        assert!(
            (variances[0] - 4.5).abs() < 0.5 && (variances[1] - 0.5).abs() < 0.1,
            "{variances:?}"
        );
    }
}
