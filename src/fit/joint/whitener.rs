//! What residuals are divided by so that their noise is 1 and has nothing in common.

use super::cells::Cell;
use super::local::Local;
use super::noise::{Noise, covariance};
use crate::numeric::blocked;
use nalgebra::{DMatrix, DVector};
use std::ops::Range;

/// The ranges of cells of one run each; cells of a run stand together.
pub(super) fn blocks(cells: &[Cell]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        match blocks.last_mut() {
            Some(block) if cells[block.start].run == cell.run => block.end = at + 1,
            _ => blocks.push(at..at + 1),
        }
    }
    blocks
}

/// What residuals and derivatives are divided by: lower Cholesky factors of the blocks of their
/// covariance.
pub(super) struct Whitener(Vec<(Range<usize>, DMatrix<f64>)>);

impl Whitener {
    /// Of cells whose models of one language come first; what the law misses joins all others.
    pub(super) fn new(cells: &[Cell], noise: &Noise, local: Option<&Local>) -> Option<Self> {
        let mut blocks = blocks(cells);
        if local.is_some() {
            let first = cells.iter().position(Cell::is_pooled).unwrap_or(cells.len());
            blocks.retain(|block| block.start < first);
            blocks.push(first..cells.len());
        }
        let factor = |block: Range<usize>| {
            Some((block.clone(), blocked::cholesky(covariance(&cells[block], noise, local))?))
        };
        blocks
            .into_iter()
            .filter(|block| !block.is_empty())
            .map(factor)
            .collect::<Option<Vec<_>>>()
            .map(Whitener)
    }

    /// The rows of a matrix divided by the factors.
    pub(super) fn apply(&self, rows: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        let mut out = rows.clone();
        for (block, factor) in &self.0 {
            let part = rows.rows(block.start, block.len()).into_owned();
            let solved = blocked::solve_lower(factor, &part)?;
            out.rows_mut(block.start, block.len()).copy_from(&solved);
        }
        Some(out)
    }

    /// A column divided by the factors.
    pub(super) fn apply_to_column(&self, column: &DVector<f64>) -> Option<DVector<f64>> {
        let found = self.apply(&DMatrix::from_column_slice(column.len(), 1, column.as_slice()))?;
        Some(found.column(0).into_owned())
    }

    /// A column divided by the factors from the left, transposed.
    pub(super) fn apply_transposed(&self, column: &DVector<f64>) -> Option<DVector<f64>> {
        let mut out = column.clone();
        for (block, factor) in &self.0 {
            let solved =
                factor.tr_solve_lower_triangular(&column.rows(block.start, block.len()))?;
            out.rows_mut(block.start, block.len()).copy_from(&solved);
        }
        Some(out)
    }

    pub(super) fn ln_determinant(&self) -> f64 {
        self.0.iter().map(|(_, factor)| factor.diagonal().iter().map(|d| d.ln()).sum::<f64>()).sum()
    }
}
