//! Transfer between languages: `y_i = d_i + sum_j tau_ij d_j`, the sparse matrix `I + tau` by rows.

/// `I + tau`, entries not negative.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transfer {
    /// Where each row starts in `entries`; one more than there are rows.
    starts: Vec<usize>,
    /// Column and coefficient, the diagonal among them, columns rising.
    entries: Vec<(usize, f64)>,
}

impl Transfer {
    /// From triples `(i, j, tau)` of `n` languages; triples of one place add up.
    pub(super) fn new(n: usize, triples: &[(usize, usize, f64)]) -> Self {
        let mut all: Vec<(usize, usize, f64)> = (0..n).map(|i| (i, i, 1.0)).chain(triples.iter().copied()).collect();
        all.sort_by_key(|&(i, j, _)| (i, j));
        all.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            kept.2 += if same { next.2 } else { 0.0 };
            same
        });
        let starts = (0..=n).map(|i| all.partition_point(|entry| entry.0 < i)).collect();
        Transfer { starts, entries: all.into_iter().map(|(_, j, tau)| (j, tau)).collect() }
    }

    /// The entries of one row.
    pub(super) fn row(&self, i: usize) -> &[(usize, f64)] {
        &self.entries[self.starts[i]..self.starts[i + 1]]
    }

    /// `(I + tau) d`.
    pub(super) fn times(&self, d: &[f64]) -> Vec<f64> {
        (0..d.len()).map(|i| self.row(i).iter().map(|&(j, tau)| tau * d[j]).sum()).collect()
    }

    /// `(I + tau)' g`; a row whose `g` is 0 has no part, whatever it meets.
    pub(super) fn transposed_times(&self, g: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; g.len()];
        for (i, &g) in g.iter().enumerate().filter(|(_, g)| **g != 0.0) {
            self.row(i).iter().for_each(|&(j, tau)| product[j] += tau * g);
        }
        product
    }
}
