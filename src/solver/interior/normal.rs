//! The normal matrix of a coupled program and its Cholesky factor: diagonal, dense or sparse, as
//! the transfer is.
//!
//! ```text
//! H = J' diag(w) J + G' diag(c) G + diag(z),     J = dy/dx,   rows of G: gradients of draws
//! ```

use crate::solver::problem::{Counted, Program, Transfer};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::solvers::Llt;
use faer::prelude::Solve;
use faer::sparse::linalg::SupernodalThreshold;
use faer::sparse::linalg::cholesky::{
    CholeskySymbolicParams, LltRef, SymbolicCholesky, factorize_symbolic_cholesky,
};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMat};
use faer::{Accum, Conj, Mat, MatMut, Par, Side};
use std::sync::Arc;

/// How the matrix is stored.
pub(crate) enum Normal {
    /// No transfer and no gradients of draws.
    Diagonal,
    /// `I + tau` and what pairs count as, absent where there is no transfer.
    Dense(Option<(Mat<f64>, Counted)>),
    Sparse(Box<Pattern>),
}

/// The lower triangle of `T' T` by columns, and where each product of two entries of a row of `T`
/// goes.
pub(crate) struct Pattern {
    transfer: Transfer,
    symbolic: SymbolicSparseColMat<usize>,
    analysed: Arc<SymbolicCholesky<usize>>,
    /// For each row of `T`, pair by pair of its entries.
    targets: Vec<u32>,
    /// Where each diagonal entry is.
    diagonal: Vec<usize>,
}

/// A factor of the matrix.
pub(crate) enum Factor {
    Diagonal(Vec<f64>),
    Dense(Llt<f64>),
    Sparse(Arc<SymbolicCholesky<usize>>, Vec<f64>),
}

/// What makes up the matrix at one point.
pub(crate) struct Parts<'a> {
    pub weights: &'a [f64],
    pub slopes: &'a [f64],
    pub diagonal: &'a [f64],
    /// Languages that move; the others have no part but their diagonal.
    pub free: &'a [bool],
    /// `c` and the rows of `G`.
    pub draws: Option<(&'a [f64], &'a Mat<f64>)>,
}

impl Normal {
    /// The storage for a program; gradients of draws make it dense.
    pub(crate) fn new(program: &Program, has_draws: bool) -> Self {
        let n = program.len();
        match &program.transfer {
            None if !has_draws => Normal::Diagonal,
            None => Normal::Dense(None),
            Some(transfer) => {
                let products: usize = (0..n).map(|i| transfer.row(i).len().pow(2)).sum();
                let few = !has_draws && n > 64 && products < n * n / 2;
                if let Some(pattern) = few.then(|| Pattern::new(n, transfer)).flatten() {
                    return Normal::Sparse(Box::new(pattern));
                }
                let mut dense = Mat::zeros(n, n);
                (0..n)
                    .for_each(|i| transfer.row(i).iter().for_each(|&(j, tau)| dense[(i, j)] = tau));
                Normal::Dense(Some((dense, transfer.counted)))
            }
        }
    }

    /// Factors the matrix; absent where it is not positive definite in doubles.
    pub(crate) fn factor(&self, parts: &Parts) -> Option<Factor> {
        match self {
            Normal::Diagonal => {
                let own = parts.weights.iter().zip(parts.slopes).zip(parts.diagonal);
                Some(Factor::Diagonal(own.map(|((w, s), z)| w * s * s + z).collect()))
            }
            Normal::Dense(transfer) => {
                Llt::new(dense(transfer.as_ref(), parts).as_ref(), Side::Lower)
                    .ok()
                    .map(Factor::Dense)
            }
            Normal::Sparse(pattern) => pattern.factor(parts),
        }
    }
}

fn dense(transfer: Option<&(Mat<f64>, Counted)>, parts: &Parts) -> Mat<f64> {
    let n = parts.diagonal.len();
    let mut matrix = Mat::<f64>::zeros(n, n);
    match transfer {
        None => (0..n)
            .for_each(|j| matrix[(j, j)] = parts.weights[j] * parts.slopes[j] * parts.slopes[j]),
        Some((transfer, counted)) => {
            let roots: Vec<f64> = parts.weights.iter().map(|w| w.max(0.0).sqrt()).collect();
            let by_effective = *counted == Counted::Effective;
            let slope = |i: usize, j: usize| match parts.free[j] {
                true if by_effective || i == j => parts.slopes[j],
                free => f64::from(u8::from(free)),
            };
            let scaled = Mat::from_fn(n, n, |i, j| roots[i] * transfer[(i, j)] * slope(i, j));
            add_square(matrix.as_mut(), &scaled);
        }
    }
    if let Some((weights, gradients)) = parts.draws {
        let scaled = Mat::from_fn(gradients.nrows(), n, |k, j| {
            weights[k].max(0.0).sqrt() * gradients[(k, j)]
        });
        add_square(matrix.as_mut(), &scaled);
    }
    (0..n).for_each(|j| matrix[(j, j)] += parts.diagonal[j]);
    matrix
}

/// Adds `B' B` to the lower triangle.
fn add_square(matrix: MatMut<'_, f64>, b: &Mat<f64>) {
    let whole = BlockStructure::Rectangular;
    matmul(
        matrix,
        BlockStructure::TriangularLower,
        Accum::Add,
        b.transpose(),
        whole,
        b,
        whole,
        1.0,
        Par::Seq,
    );
}

impl Pattern {
    fn new(n: usize, transfer: &Transfer) -> Option<Self> {
        let pairs = |i: usize| {
            let row = transfer.row(i);
            row.iter()
                .enumerate()
                .flat_map(move |(at, &(j, _))| row[at..].iter().map(move |&(k, _)| (j, k)))
        };
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); n];
        (0..n).flat_map(pairs).for_each(|(j, k)| rows[j].push(k));
        rows.iter_mut().for_each(|rows| {
            rows.sort_unstable();
            rows.dedup();
        });
        let mut starts = vec![0];
        rows.iter().for_each(|rows| starts.push(starts[starts.len() - 1] + rows.len()));
        let target = |(j, k): (usize, usize)| {
            rows[j].binary_search(&k).ok().map(|at| (starts[j] + at) as u32)
        };
        let targets = (0..n).flat_map(pairs).map(target).collect::<Option<_>>()?;
        let diagonal = starts[..n].to_vec();
        let symbolic = SymbolicSparseColMat::new_checked(n, n, starts, None, rows.concat());
        // blocks of columns: twice as fast here as the column by column that the default takes for
        // so few products
        let blocks = CholeskySymbolicParams {
            supernodal_flop_ratio_threshold: SupernodalThreshold::FORCE_SUPERNODAL,
            ..Default::default()
        };
        let analysed = Arc::new(
            factorize_symbolic_cholesky(symbolic.as_ref(), Side::Lower, Default::default(), blocks)
                .ok()?,
        );
        Some(Pattern { transfer: transfer.clone(), symbolic, analysed, targets, diagonal })
    }

    fn factor(&self, parts: &Parts) -> Option<Factor> {
        let mut values = vec![0.0; self.symbolic.row_idx().len()];
        let mut targets = self.targets.iter();
        for (i, &weight) in parts.weights.iter().enumerate() {
            let row = self.transfer.row(i);
            for (at, &(j, tau)) in row.iter().enumerate() {
                let derivative = |j: usize, tau: f64| {
                    if parts.free[j] {
                        self.transfer.derivative(i, (j, tau), parts.slopes[j])
                    } else {
                        0.0
                    }
                };
                let left = weight * derivative(j, tau);
                for (&(k, other), &target) in row[at..].iter().zip(targets.by_ref()) {
                    values[target as usize] += left * derivative(k, other);
                }
            }
        }
        self.diagonal.iter().zip(parts.diagonal).for_each(|(&at, z)| values[at] += z);
        let matrix = SparseColMatRef::new(self.symbolic.as_ref(), &values);
        let mut factor = vec![0.0; self.analysed.len_val()];
        let scratch =
            self.analysed.factorize_numeric_llt_scratch::<f64>(Par::Seq, Default::default());
        let (stack, sequential) = (&mut MemBuffer::new(scratch), Par::Seq);
        let (regular, plain) = (Default::default(), Default::default());
        let factored = self.analysed.factorize_numeric_llt(
            &mut factor,
            matrix,
            Side::Lower,
            regular,
            sequential,
            MemStack::new(stack),
            plain,
        );
        factored.is_ok().then(|| Factor::Sparse(Arc::clone(&self.analysed), factor))
    }
}

impl Factor {
    /// Solves for every column in place.
    pub(crate) fn solve(&self, mut columns: MatMut<'_, f64>) {
        match self {
            Factor::Diagonal(diagonal) => {
                for j in 0..columns.ncols() {
                    (0..diagonal.len()).for_each(|i| columns[(i, j)] /= diagonal[i]);
                }
            }
            Factor::Dense(factor) => factor.solve_in_place(columns),
            Factor::Sparse(analysed, factor) => {
                let scratch = analysed.solve_in_place_scratch::<f64>(columns.ncols(), Par::Seq);
                let factor = LltRef::new(analysed, factor);
                factor.solve_in_place_with_conj(
                    Conj::No,
                    columns,
                    Par::Seq,
                    MemStack::new(&mut MemBuffer::new(scratch)),
                );
            }
        }
    }
}
