//! Cholesky factors and triangular solves of large matrices, block by block, so that most of the
//! work is products of matrices, which are ten times faster.

use nalgebra::DMatrix;

/// Rows of a block.
const BLOCK: usize = 128;

/// Lower Cholesky factor; none of a matrix that is not positive.
pub fn cholesky(mut matrix: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let size = matrix.nrows();
    for start in (0..size).step_by(BLOCK) {
        let count = BLOCK.min(size - start);
        let (end, rest) = (start + count, size - start - count);
        let corner = matrix.view((start, start), (count, count)).clone_owned().cholesky()?.l();
        // rows of the factor below the corner, transposed
        let below = matrix.view((end, start), (rest, count)).transpose();
        let below = corner.solve_lower_triangular(&below)?;
        let turned = below.transpose();
        matrix.view_mut((end, end), (rest, rest)).gemm(-1.0, &turned, &below, 1.0);
        matrix.view_mut((start, start), (count, count)).copy_from(&corner);
        matrix.view_mut((end, start), (rest, count)).copy_from(&turned);
        matrix.view_mut((start, end), (count, rest)).fill(0.0);
    }
    Some(matrix)
}

/// `factor^-1 rows`.
pub fn solve_lower(factor: &DMatrix<f64>, rows: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let (size, columns) = rows.shape();
    let mut out = rows.clone();
    for start in (0..size).step_by(BLOCK) {
        let count = BLOCK.min(size - start);
        let (end, rest) = (start + count, size - start - count);
        let corner = factor.view((start, start), (count, count));
        let solved = corner.solve_lower_triangular(&out.rows(start, count))?;
        out.rows_mut(start, count).copy_from(&solved);
        let below = factor.view((end, start), (rest, count));
        out.view_mut((end, 0), (rest, columns)).gemm(-1.0, &below, &solved, 1.0);
    }
    Some(out)
}

/// `matrix' matrix`.
pub fn squared(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    matrix.transpose() * matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A positive matrix that needs several blocks.
    fn positive(size: usize) -> DMatrix<f64> {
        let root = DMatrix::from_fn(size, size, |i, j| ((i * 7 + j * 13) as f64).sin());
        squared(&root) + DMatrix::identity(size, size) * size as f64
    }

    #[test]
    fn blocks_give_what_the_whole_gives() {
        for size in [1, BLOCK, 3 * BLOCK + 5] {
            let matrix = positive(size);
            let factor = cholesky(matrix.clone()).unwrap();
            let whole = matrix.clone().cholesky().unwrap().l();
            approx::assert_relative_eq!(factor, whole, epsilon = 1e-9 * size as f64);
            let rows = DMatrix::from_fn(size, 3, |i, j| (i as f64 * 0.3 + j as f64).cos());
            let solved = solve_lower(&factor, &rows).unwrap();
            approx::assert_relative_eq!(&factor * &solved, rows, epsilon = 1e-9);
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_has_no_factor() {
        let mut matrix = positive(2 * BLOCK);
        matrix[(BLOCK + 3, BLOCK + 3)] = -1.0;
        assert!(cholesky(matrix).is_none());
    }
}
