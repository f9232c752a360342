//! Quantities over the layers of a network, a line per language, and sentences on a plane.

use super::axis::{Axis, Unit};
use super::panel::{Grid, Mark, Panel, legend};
use super::{Anchor, FAINT, Ink, PALETTE, Picture, TEXT, WIDTH, fitted};

/// A quantity of one language and one model over the layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The language.
    pub name: String,
    /// Whether it is of the model that is compared with.
    pub is_other: bool,
    /// A value per layer, from the embedding on.
    pub values: Vec<f64>,
}

/// One panel a quantity, its title first; languages keep their colours, lines of the model that is
/// compared with are dashed.
pub fn layers(title: &str, panels: &[(String, Vec<Line>)]) -> Picture {
    let grid = Grid::new(panels.len(), 210.0, 64.0);
    let mut picture = Picture::new(grid.width, grid.height);
    let title = fitted(&picture, 14.0, title, grid.width - 20.0);
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let names =
        names(panels.iter().flat_map(|(_, lines)| lines.iter().map(|line| line.name.as_str())));
    let mut entries: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (Mark::Line(ink(at)), (*name).to_owned()))
        .collect();
    if panels.iter().flat_map(|(_, lines)| lines).any(|line| line.is_other) {
        entries.push((Mark::Dashes(TEXT), "before".to_owned()));
    }
    legend(&mut picture, (10.0, 38.0), &entries);
    for (at, (name, lines)) in panels.iter().enumerate() {
        let panel = grid.panel(at);
        let name = fitted(&picture, 13.0, name, panel.right - panel.left);
        picture.text((panel.left, panel.top - 12.0), 13.0, Anchor::Start, TEXT, name);
        let last =
            lines.iter().map(|line| line.values.len()).max().unwrap_or(0).saturating_sub(1).max(1);
        let x = Axis::linear((0.0, last as f64), panel.across(), Unit::Pairs);
        let y = Axis::linear(
            ends(lines.iter().flat_map(|line| line.values.iter().copied())),
            panel.up(),
            Unit::Nats,
        );
        panel.draw_y(&mut picture, &y, 5);
        panel.draw_x(&mut picture, &x, last.min(6));
        for line in lines {
            let ink = ink(names.iter().position(|name| *name == line.name).unwrap_or(0));
            let points = line.values.iter().enumerate().filter(|(_, value)| value.is_finite());
            let points: Vec<_> =
                points.map(|(layer, &value)| (x.at(layer as f64), y.at(value))).collect();
            if line.is_other {
                picture.dashed(points, 3.5, 1.6, ink)
            } else {
                picture.line(points, 2.0, ink)
            }
        }
    }
    picture
}

/// Points on a plane, a group a colour.
pub fn plane(title: &str, groups: &[(String, Vec<[f64; 2]>)]) -> Picture {
    let mut picture = Picture::new(0.7 * WIDTH, 480.0);
    let title = fitted(&picture, 14.0, title, picture.width - 20.0);
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let entries: Vec<_> = groups
        .iter()
        .enumerate()
        .map(|(at, (name, _))| (Mark::Dot(ink(at)), name.clone()))
        .collect();
    legend(&mut picture, (10.0, 38.0), &entries);
    let panel = Panel { left: 52.0, top: 74.0, right: picture.width - 14.0, bottom: 436.0 };
    let all = |side: usize| {
        groups.iter().flat_map(move |(_, points)| points.iter().map(move |point| point[side]))
    };
    let x = Axis::linear(ends(all(0)), panel.across(), Unit::Nats);
    let y = Axis::linear(ends(all(1)), panel.up(), Unit::Nats);
    panel.draw_y(&mut picture, &y, 5);
    panel.draw_x(&mut picture, &x, 6);
    let middle = (panel.left + panel.right) / 2.0;
    picture.text(
        (middle, panel.bottom + 32.0),
        12.0,
        Anchor::Middle,
        FAINT,
        "first principal component; the second runs up",
    );
    for (at, (_, points)) in groups.iter().enumerate() {
        for point in points.iter().filter(|point| point.iter().all(|value| value.is_finite())) {
            picture.dot((x.at(point[0]), y.at(point[1])), 2.4, ink(at).alpha(0.6));
        }
    }
    picture
}

fn ink(at: usize) -> Ink {
    PALETTE[at % PALETTE.len()]
}

/// Different names in the order of their first places.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    all.for_each(|name| {
        if !names.contains(&name) {
            names.push(name)
        }
    });
    names
}

/// The range of the finite values with a margin.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (lo, hi) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), value| (lo.min(value), hi.max(value)));
    if lo > hi {
        return (0.0, 1.0);
    }
    let margin = 0.05 * (hi - lo).max(1e-3 * hi.abs()).max(1e-9);
    (lo - margin, hi + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_points_that_are_no_numbers_are_left_out() {
        let line = |is_other, values: &[f64]| Line {
            name: "Greek".to_owned(),
            is_other,
            values: values.to_vec(),
        };
        let panels = [
            ("CKA".to_owned(), vec![line(false, &[0.1, 0.5, f64::NAN]), line(true, &[0.2])]),
            ("none".to_owned(), vec![]),
        ];
        let svg = layers("Layers", &panels).svg().unwrap();
        assert!(svg.contains("before") && !svg.contains("NaN"));
        let svg = plane(
            "Plane",
            &[
                ("Greek".to_owned(), vec![[1.0, 2.0], [f64::NAN, 0.0]]),
                ("Hindi".to_owned(), vec![]),
            ],
        )
        .svg()
        .unwrap();
        assert!(svg.contains("Hindi") && !svg.contains("NaN"));
    }
}
