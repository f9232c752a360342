//! A frozen linear map with low-rank updates as one op on plain slices, so that nothing but its
//! output and the narrow products are kept.

use super::kernels::{self, Real};
use super::ops::{Kept, entries, tensor, with_entries};
use super::product::{self, Sizes, matmul, view};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::current_num_threads;

/// Where the update of one module goes, and what of its input is dropped.
#[derive(Debug, Clone)]
pub(super) struct Update {
    /// First row of the module in the frozen matrix.
    pub first_row: usize,
    /// Its rows.
    pub rows: usize,
    /// Entries of the input (n, k) that are kept; all where absent.
    pub kept: Option<Vec<bool>>,
}

/// `x (n, k) w (m, k)^T`, and at the rows of each update `scaling dropout(x) a_i^T b_i^T` added. As
/// an op on `x`, the `a_i` one below the other (updates rank, k) and the `b_i` (rows of all
/// updates, rank).
pub(super) struct Adapted<T> {
    w: Tensor,
    updates: Vec<Update>,
    scaling: f64,
    raise: f64,
    low: Kept<T>,
}

impl<T: Real> Adapted<T> {
    /// The map beside the frozen `w`; entries that dropout keeps are multiplied by `raise`.
    pub(super) fn new(w: &Tensor, updates: Vec<Update>, scaling: f64, raise: f64) -> Self {
        Adapted { w: w.clone(), updates, scaling, raise, low: Kept::empty() }
    }

    fn sizes(&self, n: usize) -> Result<Sizes> {
        let (m, k) = self.w.dims2()?;
        if n == 0 {
            bail!("adapted projection of no tokens, expected at least one");
        }
        Ok(Sizes { n, m, k, threads: current_num_threads() })
    }

    /// The updates with their first rows in `b`.
    fn updates(&self) -> impl Iterator<Item = (usize, &Update, usize)> {
        let first_rows = self
            .updates
            .iter()
            .scan(0, |row, update| Some(std::mem::replace(row, *row + update.rows)));
        self.updates
            .iter()
            .enumerate()
            .zip(first_rows)
            .map(|((at, update), first)| (at, update, first))
    }

    /// Sets what is dropped to 0 and raises the rest.
    fn drop(&self, update: &Update, x: &mut [T]) {
        if let Some(kept) = &update.kept {
            let raise = T::from_f64(self.raise);
            x.iter_mut()
                .zip(kept)
                .for_each(|(x, &kept)| *x = if kept { *x * raise } else { T::zero() });
        }
    }

    fn forward(&self, x: &[T], w: &[T], a: &[T], b: &[T], sizes: Sizes) -> (Vec<T>, Vec<T>) {
        let Sizes { n, m, k, .. } = sizes;
        let (all, rank) = (a.len() / k, a.len() / k / self.updates.len());
        let mut y = vec![T::zero(); n * m]; // (n, m)
        product::linear(x, w, &mut y, sizes, false);
        let mut low = vec![T::zero(); n * all]; // (n, updates rank)
        for (at, update, row) in self.updates() {
            let (low, a) = (&mut low[at * rank..], &a[at * rank * k..]);
            let mut dropped = Vec::new();
            let x = if update.kept.is_some() {
                dropped.extend_from_slice(x); // (n, k)
                self.drop(update, &mut dropped);
                &dropped
            } else {
                x
            };
            matmul(low, all, view(x, k), view(a, k).t(), (n, rank, k), 1.0, false, 1);
            matmul(
                &mut y[update.first_row..],
                m,
                view(low, all),
                view(&b[row * rank..], rank).t(),
                (n, update.rows, rank),
                self.scaling,
                true,
                1,
            );
        }
        (y, low)
    }

    /// Gradients in x, a and b.
    fn backward(&self, x: &[T], w: &[T], a: &[T], b: &[T], dy: &[T], sizes: Sizes) -> [Vec<T>; 3] {
        let Sizes { n, m, k, .. } = sizes;
        let (all, rank) = (a.len() / k, a.len() / k / self.updates.len());
        let low = self.low.take(); // (n, updates rank)
        let (mut dx, mut da, mut db) =
            (vec![T::zero(); n * k], vec![T::zero(); a.len()], vec![T::zero(); b.len()]);
        product::linear_dx(dy, w, &mut dx, sizes);
        let mut dlow = vec![T::zero(); n * rank]; // (n, rank)
        for (at, update, row) in self.updates() {
            let dy = view(&dy[update.first_row..], m); // (n, rows)
            let (low, a, b) = (&low[at * rank..], &a[at * rank * k..], &b[row * rank..]);
            matmul(
                &mut dlow,
                rank,
                dy,
                view(b, rank),
                (n, rank, update.rows),
                self.scaling,
                false,
                1,
            );
            matmul(
                &mut db[row * rank..],
                rank,
                dy.t(),
                view(low, all),
                (update.rows, rank, n),
                self.scaling,
                false,
                1,
            );
            let da = &mut da[at * rank * k..]; // (rank, k)
            if update.kept.is_none() {
                matmul(da, k, view(&dlow, rank).t(), view(x, k), (rank, k, n), 1.0, false, 1);
                matmul(&mut dx, k, view(&dlow, rank), view(a, k), (n, k, rank), 1.0, true, 1);
                continue;
            }
            let mut dropped = x.to_vec(); // (n, k)
            self.drop(update, &mut dropped);
            matmul(da, k, view(&dlow, rank).t(), view(&dropped, k), (rank, k, n), 1.0, false, 1);
            matmul(&mut dropped, k, view(&dlow, rank), view(a, k), (n, k, rank), 1.0, false, 1);
            self.drop(update, &mut dropped);
            kernels::add_to(&mut dx, &dropped);
        }
        [dx, da, db]
    }
}

impl<T: Real> CustomOp3 for Adapted<T> {
    fn name(&self) -> &'static str {
        "adapted-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(lx.shape().dims2()?.0)?;
        let (x, a, b) = (entries::<T>(x, lx)?, entries::<T>(a, la)?, entries::<T>(b, lb)?);
        let (y, low) = with_entries::<T, _>(&self.w, |w| self.forward(x, w, a, b, sizes))?;
        self.low.put(low);
        Ok((T::to_cpu_storage_owned(y), (sizes.n, sizes.m).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (sizes, dy) = (self.sizes(x.dim(0)?)?, dy.contiguous()?);
        let [dx, da, db] = with_entries::<T, _>(&dy, |dy| {
            with_entries::<T, _>(x, |x| {
                with_entries::<T, _>(&self.w, |w| {
                    with_entries::<T, _>(a, |a| {
                        with_entries::<T, _>(b, |b| self.backward(x, w, a, b, dy, sizes))
                    })
                })
            })
        })?????;
        Ok((
            Some(tensor(dx, x.shape())?),
            Some(tensor(da, a.shape())?),
            Some(tensor(db, b.shape())?),
        ))
    }
}
