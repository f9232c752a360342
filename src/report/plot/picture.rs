//! Pictures: a list of shapes in CSS pixels, painted by plotters as SVG or as PNG from the same
//! list.

use image::ImageEncoder;
use image::codecs::png::{CompressionType, PngEncoder};
use image::imageops::FilterType;
use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};
use std::sync::Once;

/// Why a picture could not be painted.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum PlotError {
    /// The backend failed.
    #[error("cannot draw: {cause}")]
    Draw { cause: String },
    /// The pixels could not be packed.
    #[error("cannot encode a picture as PNG: {0}")]
    Png(#[from] image::ImageError),
}

/// A colour and how much of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink(pub u8, pub u8, pub u8, pub f64);

impl Ink {
    /// The same colour with another opacity.
    pub fn alpha(self, alpha: f64) -> Ink {
        Ink(self.0, self.1, self.2, alpha)
    }

    fn color(self) -> RGBAColor {
        RGBAColor(self.0, self.1, self.2, self.3)
    }
}

/// Which end of a text stands at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Line { points: Vec<(f64, f64)>, width: f64, ink: Ink },
    Area { points: Vec<(f64, f64)>, ink: Ink },
    Dot { at: (f64, f64), radius: f64, ink: Ink },
    Text { at: (f64, f64), size: f64, anchor: Anchor, ink: Ink, text: String },
}

/// Shapes on a white ground, later ones over earlier ones. Lengths are CSS pixels, y runs down.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    shapes: Vec<Shape>,
}

/// Family under which the embedded font is known to plotters, and which browsers map to their own.
const FAMILY: &str = "sans-serif";

/// Backends place shapes on whole units, so many a CSS pixel.
const SVG_UNITS: f64 = 8.0;
const PNG_UNITS: f64 = 4.0;
/// Pixels a CSS pixel of a finished PNG; painting finer and shrinking smooths every edge.
const PNG_PIXELS: f64 = 2.0;
/// By how much of its size the bitmap backend sets a text too high.
const PNG_TEXT_DROP: f64 = 0.17;

impl Picture {
    /// An empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        register_embedded_font();
        Picture { width, height, shapes: Vec::new() }
    }

    /// A polyline.
    pub fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>, width: f64, ink: Ink) {
        let points = points.into_iter().collect();
        self.shapes.push(Shape::Line { points, width, ink });
    }

    /// A polyline of dashes and gaps of the given length.
    pub fn dashed(
        &mut self,
        points: impl IntoIterator<Item = (f64, f64)>,
        dash: f64,
        width: f64,
        ink: Ink,
    ) {
        for points in dashes(points, dash) {
            self.shapes.push(Shape::Line { points, width, ink });
        }
    }

    /// A filled polygon.
    pub fn area(&mut self, points: impl IntoIterator<Item = (f64, f64)>, ink: Ink) {
        let points = points.into_iter().collect();
        self.shapes.push(Shape::Area { points, ink });
    }

    /// A filled rectangle between two corners.
    pub fn rect(&mut self, (left, top): (f64, f64), (right, bottom): (f64, f64), ink: Ink) {
        self.area([(left, top), (right, top), (right, bottom), (left, bottom)], ink);
    }

    /// A filled circle.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, ink: Ink) {
        self.shapes.push(Shape::Dot { at, radius, ink });
    }

    /// An open circle.
    pub fn ring(&mut self, at: (f64, f64), radius: f64, ink: Ink) {
        self.dot(at, radius, ink);
        self.dot(at, radius - 1.4, super::WHITE);
    }

    /// A text, its height centred on the position.
    pub fn text(
        &mut self,
        at: (f64, f64),
        size: f64,
        anchor: Anchor,
        ink: Ink,
        text: impl Into<String>,
    ) {
        self.shapes.push(Shape::Text { at, size, anchor, ink, text: text.into() });
    }

    /// Width of a text in the embedded font, with room for the wider fonts a browser may put in its
    /// place.
    pub fn text_width(&self, size: f64, text: &str) -> f64 {
        let measured = (FAMILY, 10.0 * size * FONT_EM).into_font().box_size(text);
        measured.map_or(0.6 * size * text.chars().count() as f64, |(width, _)| {
            1.06 * f64::from(width) / 10.0
        })
    }

    /// As SVG.
    pub fn svg(&self) -> Result<String, PlotError> {
        let mut svg = String::new();
        let size = self.units(SVG_UNITS);
        paint(self, &SVGBackend::with_string(&mut svg, size).into_drawing_area(), SVG_UNITS, 0.0)?;
        let head = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
        let sized = format!("<svg width=\"{}\" height=\"{}\"", self.width, self.height);
        Ok(svg.replacen(&head, &sized, 1))
    }

    /// As PNG, two pixels a CSS pixel.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        let (width, height) = self.units(PNG_UNITS);
        let mut fine = image::RgbImage::new(width, height);
        paint(
            self,
            &BitMapBackend::with_buffer(&mut fine, (width, height)).into_drawing_area(),
            PNG_UNITS,
            PNG_TEXT_DROP,
        )?;
        let (width, height) = self.units(PNG_PIXELS);
        let pixels = image::imageops::resize(&fine, width, height, FilterType::Triangle);
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(
            &mut png,
            CompressionType::Default,
            image::codecs::png::FilterType::Adaptive,
        );
        encoder.write_image(&pixels, width, height, image::ColorType::Rgb8)?;
        Ok(png)
    }

    fn units(&self, scale: f64) -> (u32, u32) {
        ((self.width * scale).round() as u32, (self.height * scale).round() as u32)
    }
}

/// Plotters takes 1.24 units of font size for one em, in SVG and in layouts.
const FONT_EM: f64 = 1.24;

/// Without system fonts a text has the same layout and the same pixels on every machine.
fn register_embedded_font() {
    static ONCE: Once = Once::new();
    // a font that does not parse leaves the family unknown, and painting then says so
    ONCE.call_once(|| {
        drop(register_font(FAMILY, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT))
    });
}

fn paint<DB: DrawingBackend>(
    picture: &Picture,
    area: &DrawingArea<DB, Shift>,
    units: f64,
    drop: f64,
) -> Result<(), PlotError> {
    let failed =
        |error: DrawingAreaErrorKind<DB::ErrorType>| PlotError::Draw { cause: error.to_string() };
    area.fill(&WHITE).map_err(failed)?;
    for shape in &picture.shapes {
        paint_shape(shape, area, units, drop).map_err(failed)?;
    }
    area.present().map_err(failed)
}

fn paint_shape<DB: DrawingBackend>(
    shape: &Shape,
    area: &DrawingArea<DB, Shift>,
    units: f64,
    drop: f64,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let unit = |value: f64| (value * units).round() as i32;
    let at = |&(x, y): &(f64, f64)| (unit(x), unit(y));
    match shape {
        Shape::Line { points, width, ink } => {
            let style = ink.color().stroke_width(unit(*width).max(1) as u32);
            area.draw(&PathElement::new(points.iter().map(at).collect::<Vec<_>>(), style))
        }
        Shape::Area { points, ink } => area
            .draw(&Polygon::new(points.iter().map(at).collect::<Vec<_>>(), ink.color().filled())),
        Shape::Dot { at: centre, radius, ink } => {
            area.draw(&Circle::new(at(centre), unit(*radius), ink.color().filled()))
        }
        Shape::Text { at: place, size, anchor, ink, text } => {
            let horizontal = match anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            let font = (FAMILY, size * FONT_EM * units).into_font();
            let dropped = (place.0, place.1 + drop * size);
            area.draw_text(
                text,
                &font.color(&ink.color()).pos(Pos::new(horizontal, VPos::Center)),
                at(&dropped),
            )
        }
    }
}

/// Cuts a polyline into dashes with gaps as long as the dashes.
fn dashes(points: impl IntoIterator<Item = (f64, f64)>, length: f64) -> Vec<Vec<(f64, f64)>> {
    let mut points = points.into_iter();
    let Some(mut here) = points.next() else { return Vec::new() };
    let mut dashes = vec![vec![here]];
    let (mut drawn, mut left) = (true, length);
    for next in points {
        let mut rest = (next.0 - here.0).hypot(next.1 - here.1);
        while rest > left {
            let part = left / rest;
            here = (here.0 + part * (next.0 - here.0), here.1 + part * (next.1 - here.1));
            rest -= left;
            left = length;
            match dashes.last_mut() {
                Some(dash) if drawn => dash.push(here),
                _ => dashes.push(vec![here]),
            }
            drawn = !drawn;
        }
        left -= rest;
        here = next;
        if let Some(dash) = dashes.last_mut().filter(|_| drawn) {
            dash.push(here);
        }
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_turn_corners_and_leave_gaps() {
        let cut = dashes([(0.0, 0.0), (15.0, 0.0), (15.0, 10.0)], 10.0);
        assert_eq!(cut, [vec![(0.0, 0.0), (10.0, 0.0)], vec![(15.0, 5.0), (15.0, 10.0)]]);
        assert!(dashes([], 1.0).is_empty());
    }

    #[test]
    fn painting_twice_gives_the_same_bytes() {
        let mut picture = Picture::new(60.0, 30.0);
        picture.text((30.0, 15.0), 12.0, Anchor::Middle, Ink(0, 0, 0, 1.0), "a < b & \"c\"");
        picture.dashed([(0.0, 0.0), (60.0, 30.0)], 3.0, 0.5, Ink(200, 0, 0, 0.5));
        assert_eq!(picture.svg().unwrap(), picture.svg().unwrap());
        assert_eq!(picture.png().unwrap(), picture.png().unwrap());
        assert!(picture.svg().unwrap().contains("a &lt; b &amp; &quot;c&quot;"));
        assert!(
            picture
                .svg()
                .unwrap()
                .starts_with("<svg width=\"60\" height=\"30\" viewBox=\"0 0 480 240\"")
        );
    }
}
