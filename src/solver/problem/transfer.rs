//! Transfer between languages, by rows of a sparse matrix `I + tau`.
//!
//! ```text
//! y_i = d_i + sum_j tau_ij d_j     counted in worth,   tau >= 0
//! y_i = d_i + sum_j tau_ij x_j     counted in pairs,   tau of either sign
//! ```
//!
//! Counted in worth, what of the data of j is repeated is worth as much less to i; counted in
//! pairs, what j takes from i, or brings, goes by the pairs read. Both are concave in the amounts.

/// What the pairs of another language count as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counted {
    /// Their worth under repetition.
    #[default]
    Effective,
    /// Themselves.
    Pairs,
}

/// `I + tau`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transfer {
    /// Where each row starts in `entries`; one more than there are rows.
    starts: Vec<usize>,
    /// Column and coefficient, the diagonal among them, columns rising.
    entries: Vec<(usize, f64)>,
    pub(crate) counted: Counted,
}

impl Transfer {
    /// From triples `(i, j, tau)` of `n` languages, `i` not `j` where pairs count; triples of one
    /// place add up.
    pub(crate) fn new(n: usize, triples: &[(usize, usize, f64)], counted: Counted) -> Self {
        let mut all: Vec<(usize, usize, f64)> =
            (0..n).map(|i| (i, i, 1.0)).chain(triples.iter().copied()).collect();
        all.sort_by_key(|&(i, j, _)| (i, j));
        all.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            kept.2 += if same { next.2 } else { 0.0 };
            same
        });
        let starts = (0..=n).map(|i| all.partition_point(|entry| entry.0 < i)).collect();
        Transfer { starts, entries: all.into_iter().map(|(_, j, tau)| (j, tau)).collect(), counted }
    }

    /// The entries of one row.
    pub(crate) fn row(&self, i: usize) -> &[(usize, f64)] {
        &self.entries[self.starts[i]..self.starts[i + 1]]
    }

    /// Data of amounts `x` that are worth `d`.
    pub(crate) fn data(&self, d: &[f64], x: &[f64]) -> Vec<f64> {
        let others = if self.counted == Counted::Effective { d } else { x };
        let data = |i: usize| {
            let sum: f64 = self.row(i).iter().map(|&(j, tau)| tau * others[j]).sum();
            // a row counts its own amount once
            if self.counted == Counted::Effective { sum } else { sum + (d[i] - x[i]) }
        };
        (0..d.len()).map(data).collect()
    }

    /// `dy_i/dx_j` of an entry, where the effective data of `x_j` have this slope.
    pub(crate) fn derivative(&self, i: usize, (j, tau): (usize, f64), slope: f64) -> f64 {
        if i == j || self.counted == Counted::Effective { tau * slope } else { tau }
    }

    /// `J v`, `J = dy/dx` where the effective data of the amounts have these slopes.
    pub(crate) fn forward(&self, slopes: &[f64], v: &[f64]) -> Vec<f64> {
        let own: Vec<f64> = slopes.iter().zip(v).map(|(slope, v)| slope * v).collect();
        self.data(&own, v)
    }

    /// `J' g`; a row whose `g` is 0 has no part, whatever it meets.
    pub(crate) fn backward(&self, slopes: &[f64], g: &[f64]) -> Vec<f64> {
        let mut product = self.transposed_times(g);
        match self.counted {
            Counted::Effective => product
                .iter_mut()
                .zip(slopes)
                .filter(|(g, _)| **g != 0.0)
                .for_each(|(g, slope)| *g *= slope),
            // of its own amount alone a language has the worth
            Counted::Pairs => (0..g.len())
                .filter(|&i| g[i] != 0.0 && slopes[i] != 1.0)
                .for_each(|i| product[i] += (slopes[i] - 1.0) * g[i]),
        }
        product
    }

    /// `(I + tau)' g`.
    fn transposed_times(&self, g: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; g.len()];
        for (i, &g) in g.iter().enumerate().filter(|(_, g)| **g != 0.0) {
            self.row(i).iter().for_each(|&(j, tau)| product[j] += tau * g);
        }
        product
    }

    /// Gradient in the effective data of the amounts of a function of the data whose gradient is
    /// `g`.
    pub(crate) fn by_effective(&self, g: &[f64]) -> Vec<f64> {
        match self.counted {
            Counted::Effective => self.transposed_times(g),
            Counted::Pairs => g.to_vec(),
        }
    }
}
