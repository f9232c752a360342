//! Panels: the rectangles of a picture with their frames, ticks and legends.

use super::axis::Axis;
use super::{Anchor, FAINT, GRID, Ink, Picture, TEXT, WIDTH};

/// A rectangle of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Panel {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Panel {
    /// Pixels of an axis that runs to the right.
    pub(super) fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// Pixels of an axis that runs up.
    pub(super) fn up(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    /// Horizontal grid lines with their labels at the left.
    pub(super) fn draw_y(&self, picture: &mut Picture, axis: &Axis, most: usize) {
        for (value, label) in axis.ticks(most) {
            let y = axis.at(value);
            picture.line([(self.left, y), (self.right, y)], 1.0, GRID);
            picture.text((self.left - 6.0, y), 11.0, Anchor::End, FAINT, label);
        }
    }

    /// A base line with ticks and labels under it.
    pub(super) fn draw_x(&self, picture: &mut Picture, axis: &Axis, most: usize) {
        picture.line([(self.left, self.bottom), (self.right, self.bottom)], 1.0, FAINT);
        for (value, label) in axis.ticks(most) {
            let x = axis.at(value);
            picture.line([(x, self.bottom), (x, self.bottom + 4.0)], 1.0, FAINT);
            picture.text((x, self.bottom + 13.0), 11.0, Anchor::Middle, FAINT, label);
        }
    }
}

/// Rectangles of equal size in rows, margins for ticks and titles left free, below a head for the
/// legend.
pub(super) struct Grid {
    columns: usize,
    cell: (f64, f64),
    head: f64,
    /// Width of the picture.
    pub width: f64,
    /// Height of the picture.
    pub height: f64,
}

impl Grid {
    /// A grid for so many panels.
    pub(super) fn new(count: usize, row_height: f64, head: f64) -> Self {
        let columns = match count {
            0 | 1 => 1,
            2 | 4 => 2,
            3 | 5..=9 => 3,
            _ => 4,
        };
        let width = if count <= 1 { 0.7 * WIDTH } else { WIDTH };
        let height = head + row_height * count.div_ceil(columns) as f64;
        Grid { columns, cell: (width / columns as f64, row_height), head, width, height }
    }

    /// The panel at this place, counted row by row.
    pub(super) fn panel(&self, index: usize) -> Panel {
        let left = (index % self.columns) as f64 * self.cell.0;
        let top = self.head + (index / self.columns) as f64 * self.cell.1;
        Panel {
            left: left + 46.0,
            top: top + 28.0,
            right: left + self.cell.0 - 12.0,
            bottom: top + self.cell.1 - 34.0,
        }
    }
}

/// What stands before a word of a legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mark {
    /// A point.
    Dot(Ink),
    /// An open point.
    Ring(Ink),
    /// A line.
    Line(Ink),
    /// A dashed line.
    Dashes(Ink),
    /// A patch of one colour.
    Patch(Ink),
    /// A patch in a wider, fainter one.
    Bands(Ink),
}

/// Writes a legend from the left, wrapped at the picture's right edge; returns the height below its
/// last line.
pub(super) fn legend(
    picture: &mut Picture,
    (left, top): (f64, f64),
    entries: &[(Mark, String)],
) -> f64 {
    let (mut x, mut y) = (left, top);
    for (mark, word) in entries {
        let width = 24.0 + picture.text_width(12.0, word);
        if x > left && x + width > picture.width {
            (x, y) = (left, y + 18.0);
        }
        draw_mark(picture, *mark, x, y);
        picture.text((x + 22.0, y), 12.0, Anchor::Start, TEXT, word);
        x += width + 16.0;
    }
    y + 14.0
}

fn draw_mark(picture: &mut Picture, mark: Mark, x: f64, y: f64) {
    let ends = [(x, y), (x + 16.0, y)];
    match mark {
        Mark::Dot(ink) => picture.dot((x + 8.0, y), 3.5, ink),
        Mark::Ring(ink) => picture.ring((x + 8.0, y), 3.5, ink),
        Mark::Line(ink) => picture.line(ends, 2.0, ink),
        Mark::Dashes(ink) => picture.dashed(ends, 3.5, 2.0, ink),
        Mark::Patch(ink) => picture.rect((x + 2.0, y - 6.0), (x + 14.0, y + 6.0), ink),
        Mark::Bands(ink) => {
            picture.rect((x, y - 7.0), (x + 16.0, y + 7.0), ink.alpha(0.16));
            picture.rect((x, y - 3.5), (x + 16.0, y + 3.5), ink.alpha(0.3));
        }
    }
}

/// Moves labels apart to at least `gap` between neighbours, in the given order, within `lo..hi`
/// where they fit.
pub(super) fn spread(wanted: &[f64], gap: f64, (lo, hi): (f64, f64)) -> Vec<f64> {
    let mut places = wanted.to_vec();
    let mut least = lo;
    for place in &mut places {
        *place = place.max(least);
        least = *place + gap;
    }
    let mut most = hi;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_order_and_distance() {
        let places = spread(&[10.0, 11.0, 12.0, 95.0, 99.0], 10.0, (0.0, 100.0));
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 10.0 - 1e-9), "{places:?}");
        assert!(places.iter().all(|place| (0.0..=100.0).contains(place)), "{places:?}");
    }

    #[test]
    fn a_grid_holds_its_panels() {
        for count in 1..=20 {
            let grid = Grid::new(count, 200.0, 50.0);
            let last = grid.panel(count - 1);
            assert!(last.right < grid.width && last.bottom < grid.height, "{count}");
            assert!(last.left < last.right && last.top < last.bottom, "{count}");
        }
    }
}
