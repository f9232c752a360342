//! Kernels on plain slices: forward and backward of every fused op but attention, generic over f32
//! and f64.
//!
//! Matrices are row-major. Sums run in one fixed order whatever the number of threads, so that
//! equal input gives equal bytes.

use candle_core::WithDType;
use rayon::prelude::*;
use std::ops::Neg;

/// A float that the kernels run on.
pub trait Real: WithDType + Neg<Output = Self> {
    /// `e^self`; the f32 version is written so that it vectorises.
    fn exp(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
}

impl Real for f32 {
    /// Cephes' `expf`: split off a power of two, then a polynomial of degree 6; relative error
    /// below 2e-7.
    #[inline(always)]
    fn exp(self) -> f32 {
        let x = self.clamp(-87.0, 88.0);
        // adding and subtracting 1.5 x 2^23 rounds to the nearest whole number without a call
        let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
        let k = shifted - 12_582_912.0;
        let r = (x - k * 0.693_359_4) + k * 2.121_944_4e-4;
        let p = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2)
            * r
            + 0.166_666_65)
            * r
            + 0.5;
        // the low bits of the shifted number are k itself: 2^k without a conversion
        (p * r * r + r + 1.0) * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
    }

    #[inline(always)]
    fn sqrt(self) -> f32 {
        self.sqrt()
    }

    #[inline(always)]
    fn ln(self) -> f32 {
        self.ln()
    }
}

impl Real for f64 {
    #[inline(always)]
    fn exp(self) -> f64 {
        self.exp()
    }

    #[inline(always)]
    fn sqrt(self) -> f64 {
        self.sqrt()
    }

    #[inline(always)]
    fn ln(self) -> f64 {
        self.ln()
    }
}

/// Defines functions that run with the widest vectors of the processor, found at run time. A
/// closure in their place would be compiled for the narrowest wherever the compiler does not inline
/// it, and that at a sixth of the speed.
macro_rules! vectorised {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident$(<$real:ident>)?($($arg:ident: $type:ty),* $(,)?) $(-> $output:ty)? $body:block)*) => {$(
        $(#[$meta])*
        $vis fn $name$(<$real: $crate::model::Real>)?($($arg: $type),*) $(-> $output)? {
            struct Call<A>(A);
            impl$(<$real: $crate::model::Real>)? pulp::NullaryFnOnce for Call<($($type,)*)> {
                type Output = vectorised!(@output $($output)?);
                #[inline(always)]
                fn call(self) -> Self::Output {
                    #[inline(always)]
                    fn inner$(<$real: $crate::model::Real>)?($($arg: $type),*) $(-> $output)? $body
                    let Call(($($arg,)*)) = self;
                    inner($($arg),*)
                }
            }
            pulp::Arch::new().dispatch(Call(($($arg,)*)))
        }
    )*};
    (@output) => { () };
    (@output $output:ty) => { $output };
}
pub(crate) use vectorised;

/// Rows a task: fixed, so that partial sums do not depend on the number of threads.
const ROWS: usize = 128;

/// `y = x / sqrt(mean(x^2) + eps) * w` for each row of width `w.len()`.
pub(super) fn rms_norm<T: Real>(x: &[T], w: &[T], eps: f64, y: &mut [T]) {
    let rows = w.len() * ROWS;
    y.par_chunks_mut(rows).zip(x.par_chunks(rows)).for_each(|(y, x)| rms_norm_rows(x, w, eps, y));
}

/// Gradients of [`rms_norm`] in `x` (added to `dx`) and `w` (returned).
pub(super) fn rms_norm_backward<T: Real>(
    x: &[T],
    w: &[T],
    eps: f64,
    dy: &[T],
    dx: &mut [T],
) -> Vec<T> {
    let rows = w.len() * ROWS;
    let parts = dx.par_chunks_mut(rows).zip(x.par_chunks(rows)).zip(dy.par_chunks(rows));
    let partial: Vec<Vec<T>> =
        parts.map(|((dx, x), dy)| rms_norm_backward_rows(x, w, eps, dy, dx)).collect();
    let mut dw = vec![T::zero(); w.len()];
    for part in partial {
        add_to(&mut dw, &part);
    }
    dw
}

vectorised! {
    fn rms_norm_rows<T>(x: &[T], w: &[T], eps: f64, y: &mut [T]) {
        for (y, x) in y.chunks_exact_mut(w.len()).zip(x.chunks_exact(w.len())) {
            let scale = inverse_rms(x, eps);
            for ((y, &x), &w) in y.iter_mut().zip(x).zip(w) {
                *y = x * scale * w;
            }
        }
    }

    fn rms_norm_backward_rows<T>(x: &[T], w: &[T], eps: f64, dy: &[T], dx: &mut [T]) -> Vec<T> {
        let d = w.len();
        let mut dw = vec![T::zero(); d];
        for ((x, dy), dx) in x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dx.chunks_exact_mut(d)) {
            let scale = inverse_rms(x, eps);
            // with r the inverse rms: dx = r (w dy - x r^2 mean(x w dy)), dw = sum of r x dy
            let mean = dot3(x, dy, w) * T::from_f64(1.0 / d as f64) * scale * scale;
            for ((((dx, &x), &dy), &w), dw) in dx.iter_mut().zip(x).zip(dy).zip(w).zip(&mut dw) {
                *dx += scale * (w * dy - x * mean);
                *dw += scale * x * dy;
            }
        }
        dw
    }
}

/// Independent partial sums of a reduction: as many as the widest vectors hold, so that it
/// vectorises in a fixed order.
const LANES: usize = 16;

#[inline(always)]
fn inverse_rms<T: Real>(x: &[T], eps: f64) -> T {
    T::one() / (dot(x, x) * T::from_f64(1.0 / x.len() as f64) + T::from_f64(eps)).sqrt()
}

#[inline(always)]
pub(super) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .fold(T::zero(), |sum, (&a, &b)| sum + a * b);
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().fold(rest, |sum, &lane| sum + lane)
}

#[inline(always)]
fn dot3<T: Real>(a: &[T], b: &[T], c: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    for ((a, b), c) in a.chunks(LANES).zip(b.chunks(LANES)).zip(c.chunks(LANES)) {
        for (((lane, &a), &b), &c) in lanes.iter_mut().zip(a).zip(b).zip(c) {
            *lane += a * b * c;
        }
    }
    lanes.iter().fold(T::zero(), |sum, &lane| sum + lane)
}

/// Entries a task of work that is the same for each: fixed, and large enough to be worth a task.
pub(super) const ENTRIES: usize = 1 << 16;

/// Adds `part` to `sum`.
pub(super) fn sum_in_parallel<T: Real>(sum: &mut [T], part: &[T]) {
    sum.par_chunks_mut(ENTRIES)
        .zip(part.par_chunks(ENTRIES))
        .for_each(|(sum, part)| add_to(sum, part));
}

/// `y = silu(gate) * up`, rows of `x` being gate and up side by side, each of width `d_ff`.
pub(super) fn swiglu<T: Real>(x: &[T], d_ff: usize, y: &mut [T]) {
    y.par_chunks_mut(d_ff * ROWS)
        .zip(x.par_chunks(2 * d_ff * ROWS))
        .for_each(|(y, x)| swiglu_rows(x, d_ff, y));
}

/// Turns the input `x` of [`swiglu`] into the gradient in it.
pub(super) fn swiglu_backward<T: Real>(x: &mut [T], d_ff: usize, dy: &[T]) {
    x.par_chunks_mut(2 * d_ff * ROWS)
        .zip(dy.par_chunks(d_ff * ROWS))
        .for_each(|(x, dy)| swiglu_backward_rows(x, d_ff, dy));
}

vectorised! {
    fn swiglu_rows<T>(x: &[T], d_ff: usize, y: &mut [T]) {
        for (y, x) in y.chunks_exact_mut(d_ff).zip(x.chunks_exact(2 * d_ff)) {
            let (gate, up) = x.split_at(d_ff);
            for ((y, &gate), &up) in y.iter_mut().zip(gate).zip(up) {
                *y = gate * sigmoid(gate) * up;
            }
        }
    }

    fn swiglu_backward_rows<T>(x: &mut [T], d_ff: usize, dy: &[T]) {
        for (x, dy) in x.chunks_exact_mut(2 * d_ff).zip(dy.chunks_exact(d_ff)) {
            let (gate, up) = x.split_at_mut(d_ff);
            swiglu_backward_row(gate, up, dy);
        }
    }
}

/// Over copies of a few entries: nothing overlaps there, so that it vectorises.
#[inline(always)]
fn swiglu_backward_row<T: Real>(gate: &mut [T], up: &mut [T], dy: &[T]) {
    let backward = |gate: &mut T, up: &mut T, dy: T| {
        let s = sigmoid(*gate);
        (*gate, *up) = (dy * *up * s * (T::one() + *gate * (T::one() - s)), dy * *gate * s);
    };
    let (gates, gate_rest) = gate.as_chunks_mut::<LANES>();
    let (ups, up_rest) = up.as_chunks_mut::<LANES>();
    let (dys, dy_rest) = dy.as_chunks::<LANES>();
    for ((gate, up), dy) in gates.iter_mut().zip(ups).zip(dys) {
        let (mut g, mut u) = (*gate, *up);
        for ((g, u), &dy) in g.iter_mut().zip(&mut u).zip(dy) {
            backward(g, u, dy);
        }
        (*gate, *up) = (g, u);
    }
    for ((gate, up), &dy) in gate_rest.iter_mut().zip(up_rest).zip(dy_rest) {
        backward(gate, up, dy);
    }
}

#[inline(always)]
fn sigmoid<T: Real>(x: T) -> T {
    T::one() / (T::one() + (-x).exp())
}

/// Turns each row of `logits` (m, V) into the gradient of its cross-entropy, softmax minus one-hot,
/// and returns the cross-entropy of each row in nats.
pub(super) fn cross_entropy<T: Real>(logits: &mut [T], vocab: usize, targets: &[u32]) -> Vec<T> {
    logits
        .par_chunks_mut(vocab)
        .zip(targets.par_iter())
        .map(|(row, &target)| cross_entropy_row(row, target as usize))
        .collect()
}

vectorised! {
    fn cross_entropy_row<T>(row: &mut [T], target: usize) -> T {
        let picked = row[target];
        let (max, sum) = softmax(row);
        row[target] -= T::one();
        max + sum.ln() - picked
    }

    /// Adds `part` to `sum`.
    pub(super) fn add_to<T>(sum: &mut [T], part: &[T]) {
        for (sum, &part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
    }
}

/// Softmax of a row in place; returns its maximum and the sum of `e^(x - max)`.
#[inline(always)]
pub(super) fn softmax<T: Real>(row: &mut [T]) -> (T, T) {
    let max = maximum(row);
    let mut lanes = [T::zero(); LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = (*x - max).exp();
            *lane += *x;
        }
    }
    let mut sum = T::zero();
    for x in chunks.into_remainder() {
        *x = (*x - max).exp();
        sum += *x;
    }
    let sum = lanes.iter().fold(sum, |sum, &lane| sum + lane);
    let scale = T::one() / sum;
    for x in row.iter_mut() {
        *x *= scale;
    }
    (max, sum)
}

#[inline(always)]
fn maximum<T: Real>(row: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let mut lanes = [T::from_f64(f64::NEG_INFINITY); LANES];
    let chunks = row.chunks_exact(LANES);
    let rest =
        chunks.remainder().iter().fold(T::from_f64(f64::NEG_INFINITY), |max, &x| larger(max, x));
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    lanes.iter().fold(rest, |max, &lane| larger(max, lane))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_exponential_is_right_to_two_ulp() {
        let worst = (-8600..8700)
            .map(|at| at as f32 * 0.01)
            .map(|x| (Real::exp(x) as f64 / (x as f64).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 2.5e-7, "{worst}");
        assert_eq!(Real::exp(0.0f32), 1.0);
    }

    #[test]
    fn softmax_survives_large_logits() {
        let mut row = vec![1e4f32, 1e4 - 1.0, -1e4];
        let (max, _) = softmax(&mut row);
        assert_eq!(max, 1e4);
        approx::assert_abs_diff_eq!(row[0], 0.731_058_6, epsilon = 1e-6);
        approx::assert_abs_diff_eq!(row.iter().sum::<f32>(), 1.0, epsilon = 1e-6);
    }
}
