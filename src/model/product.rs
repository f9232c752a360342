//! Matrix products on plain slices: a linear map with its gradients, and products of parts of
//! matrices.
//!
//! Matrices are row-major. Sums run in one order whatever the number of threads.

use super::kernels::Real;

/// A matrix seen through strides: entry (i, j) is `data[i * rows + j * cols]`.
#[derive(Clone, Copy)]
pub(super) struct View<'a, T> {
    data: &'a [T],
    row_stride: usize,
    col_stride: usize,
}

/// The `rows` x `cols` matrix in the first rows of a slice whose rows are `stride` apart.
pub(super) fn view<T>(data: &[T], stride: usize) -> View<'_, T> {
    View { data, row_stride: stride, col_stride: 1 }
}

impl<T> View<'_, T> {
    /// The transposed matrix.
    pub(super) fn t(self) -> Self {
        View { data: self.data, row_stride: self.col_stride, col_stride: self.row_stride }
    }
}

/// `out (m, n) = alpha a (m, k) b (k, n) + (accumulate ? out : 0)`, rows of `out` being
/// `out_stride` apart.
#[allow(clippy::too_many_arguments, reason = "a matrix product has three matrices and three sizes")]
pub(super) fn matmul<T: Real>(
    out: &mut [T],
    out_stride: usize,
    a: View<'_, T>,
    b: View<'_, T>,
    (m, n, k): (usize, usize, usize),
    alpha: f64,
    accumulate: bool,
    threads: usize,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let last = |rows: usize, cols: usize, view: View<'_, T>| {
        (rows - 1) * view.row_stride + (cols - 1) * view.col_stride
    };
    assert!(
        (m - 1) * out_stride + n <= out.len()
            && last(m, k, a) < a.data.len()
            && last(k, n, b) < b.data.len(),
        "matmul out of range"
    );
    let parallelism =
        if threads > 1 { gemm::Parallelism::Rayon(threads) } else { gemm::Parallelism::None };
    // SAFETY: the assertion above keeps the last entry of each matrix inside its slice; `out` is
    // borrowed mutably, so no overlap
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::one(),
            T::from_f64(alpha),
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Sizes of a linear map: rows, outputs and inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Rows of `x` and `y`.
    pub n: usize,
    /// Columns of `y`, rows of `w`.
    pub m: usize,
    /// Columns of `x` and `w`.
    pub k: usize,
    /// Threads that a product may use.
    pub threads: usize,
}

impl Sizes {
    /// Below about 2^28 multiply-adds, sharing costs more than it saves (measured).
    fn threads(self) -> usize {
        if self.n * self.m * self.k < 1 << 28 { 1 } else { self.threads }
    }
}

/// `y (n, m) = x (n, k) w (m, k)^T`, added to `y` if it `adds`.
pub(super) fn linear<T: Real>(x: &[T], w: &[T], y: &mut [T], sizes: Sizes, adds: bool) {
    let Sizes { n, m, k, .. } = sizes;
    matmul(y, m, view(x, k), view(w, k).t(), (n, m, k), 1.0, adds, sizes.threads());
}

/// Gradient of [`linear`] in `x (n, k)`.
pub(super) fn linear_dx<T: Real>(dy: &[T], w: &[T], dx: &mut [T], sizes: Sizes) {
    let Sizes { n, m, k, .. } = sizes;
    matmul(dx, k, view(dy, m), view(w, k), (n, k, m), 1.0, false, sizes.threads());
}

/// Gradient of [`linear`] in `w (m, k)`, added to `dw` if it `adds`.
pub(super) fn linear_dw<T: Real>(dy: &[T], x: &[T], dw: &mut [T], sizes: Sizes, adds: bool) {
    let Sizes { n, m, k, .. } = sizes;
    matmul(dw, k, view(dy, m).t(), view(x, k), (m, k, n), 1.0, adds, sizes.threads());
}
