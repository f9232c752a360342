//! Curves of a table: fitted family by family, and the losses that the table asks for predicted.

use super::{StudyError, version};
use crate::curve::{Curve, CurveError, CurveTable, Point, Query, Row, TableCurve};
use crate::fit::surface::{self, Choice, SurfaceData, SurfaceSettings};
use crate::fit::{Fit, FitFile, Prediction, Settings, fit_family, prior_repetition};
use crate::law::{Repetition, SurfaceForm};
use std::sync::Arc;

/// What is fitted to the curves of a family.
pub enum Forms {
    /// Laws of the amount, one per curve; a surface where a curve holds several model sizes.
    Auto(Settings, SurfaceSettings),
    /// Laws of the amount, one per curve.
    Laws(Settings),
    /// A surface over model sizes and amounts, one per family.
    Surfaces(Vec<SurfaceForm>, SurfaceSettings),
}

impl Forms {
    /// How laws of the amount are fitted; as they are by default where only surfaces are.
    pub fn settings(&self) -> Settings {
        match self {
            Forms::Auto(settings, _) | Forms::Laws(settings) => settings.clone(),
            Forms::Surfaces(..) => Settings::default(),
        }
    }
}

/// What came of one curve.
pub enum Fitted {
    /// Laws of the amount.
    Law(Box<Fit>),
    /// A surface that it shares with its family.
    Surface(Arc<Choice>),
    /// Nothing, and why.
    Failed(String),
}

impl Fitted {
    /// Laws of the amount, where they are.
    pub fn law(&self) -> Option<&Fit> {
        if let Fitted::Law(fit) = self { Some(fit) } else { None }
    }

    /// Why nothing came of it.
    pub fn error(&self) -> Option<&str> {
        if let Fitted::Failed(error) = self { Some(error) } else { None }
    }

    /// The loss that a row asks for, of the law and of a single run; absent where nothing was
    /// fitted, or the row does not say enough.
    pub fn predict(&self, query: &Query) -> Option<(Prediction, Prediction)> {
        match self {
            Fitted::Law(fit) => {
                let x = effective(query.x, query.unique);
                Some((fit.predict(x), fit.predict_run(x)))
            }
            Fitted::Surface(choice) => {
                let (fit, n_params) = (&choice.chosen.fit, query.n_params?);
                Some((fit.predict(n_params, query.x), fit.predict_run(n_params, query.x)))
            }
            Fitted::Failed(_) => None,
        }
    }
}

/// One result per curve, in the order of the table. Curves without a family are alone.
pub fn fit_table(table: &CurveTable, forms: &Forms) -> Result<Vec<Fitted>, StudyError> {
    let curves = table.curves();
    let mut results: Vec<Option<Fitted>> = curves.iter().map(|_| None).collect();
    for first in 0..curves.len() {
        if results[first].is_some() {
            continue;
        }
        let mixed = matches!(forms, Forms::Auto(..)) && model_sizes(&curves[first]) > 1;
        let alone =
            mixed || (curves[first].family.is_none() && !matches!(forms, Forms::Surfaces(..)));
        let joins = |at: usize| {
            curves[at].family == curves[first].family
                && (!matches!(forms, Forms::Auto(..)) || model_sizes(&curves[at]) < 2)
        };
        let same = |&at: &usize| at == first || (!alone && joins(at));
        let members: Vec<usize> = (first..curves.len()).filter(same).collect();
        let family: Vec<&TableCurve> = members.iter().map(|&at| &curves[at]).collect();
        let found = match forms {
            Forms::Auto(_, settings) if mixed => fit_surface(
                &family,
                &[SurfaceForm::Additive, SurfaceForm::Multiplicative],
                settings,
            ),
            Forms::Laws(settings) | Forms::Auto(settings, _) => fit_laws(&family, settings)?,
            Forms::Surfaces(forms, settings) => fit_surface(&family, forms, settings),
        };
        members.into_iter().zip(found).for_each(|(at, result)| results[at] = Some(result));
    }
    Ok(results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Fitted::Failed("no curve".to_owned())))
        .collect())
}

/// Different model sizes among the rows of a curve.
fn model_sizes(curve: &TableCurve) -> usize {
    let mut sizes: Vec<f64> = curve.rows.iter().filter_map(|row| row.n_params).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes.len()
}

/// Fits a family; curves that are none are left out of it and say why.
fn fit_laws(family: &[&TableCurve], settings: &Settings) -> Result<Vec<Fitted>, StudyError> {
    let checked: Vec<Result<Curve, CurveError>> =
        family.iter().map(|curve| checked(curve)).collect();
    let good: Vec<&Curve> = checked.iter().flatten().collect();
    let mut fits = fit_family(&good, settings)?.into_iter();
    let result = |checked: &Result<Curve, CurveError>| match checked {
        Ok(_) => fits
            .next()
            .map_or_else(|| Fitted::Failed("no fit".to_owned()), |fit| Fitted::Law(Box::new(fit))),
        Err(error) => Fitted::Failed(error.to_string()),
    };
    Ok(checked.iter().map(result).collect())
}

fn checked(curve: &TableCurve) -> Result<Curve, CurveError> {
    let rows: Vec<&Row> = curve.rows.iter().filter(|row| row.weight > 0.0).collect();
    let point = |row: &&Row| Point {
        pairs: effective(row.x, row.unique),
        loss_nats: row.loss,
        seed: row.seed.unwrap_or(0),
    };
    Curve::with_weights(&curve.name, rows.iter().map(point).collect(), weights(&rows))
}

/// Effective data of an amount whose unique pairs are known: beyond them it repeats.
fn effective(x: f64, unique: Option<u64>) -> f64 {
    let repetition =
        unique.and_then(|unique| Repetition::new(unique as f64, Repetition::R_STAR).ok());
    repetition.map_or(x, |repetition| repetition.effective(x))
}

/// Weights of the ln losses: those given, times the inverse variances that the standard errors say,
/// whose mean is 1; a row without one counts as the mean.
fn weights(rows: &[&Row]) -> Vec<f64> {
    let inverse = |row: &Row| row.se.map(|se| (row.loss / se).powi(2));
    let known: Vec<f64> = rows.iter().filter_map(|row| inverse(row)).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    rows.iter().map(|row| row.weight * inverse(row).map_or(1.0, |inverse| inverse / mean)).collect()
}

fn fit_surface(
    family: &[&TableCurve],
    forms: &[SurfaceForm],
    settings: &SurfaceSettings,
) -> Vec<Fitted> {
    let chosen = SurfaceData::of_curves(family.iter().copied())
        .and_then(|data| surface::choose(&data, forms, settings));
    match chosen {
        Ok(choice) => {
            let choice = Arc::new(choice);
            family.iter().map(|_| Fitted::Surface(choice.clone())).collect()
        }
        Err(error) => family
            .iter()
            .map(|curve| Fitted::Failed(format!("`{}`: {error}", curve.name)))
            .collect(),
    }
}

/// The fits of a table as every later verb reads them: one language per curve. The unique pairs of
/// a curve are those of its rows, where all of them name the same; what repeats bring is then known
/// by the prior alone. Curves that failed are left out, for the caller has their errors.
pub fn fits_of_table(
    source: &str,
    sha256: &str,
    table: &CurveTable,
    fitted: &[Fitted],
    settings: &Settings,
) -> Result<FitFile, StudyError> {
    let mut fits = Vec::with_capacity(fitted.len());
    for (curve, result) in table.curves().iter().zip(fitted) {
        match result {
            Fitted::Law(fit) => fits.push(Fit { unique: unique(curve), ..(**fit).clone() }),
            Fitted::Surface(_) => return Err(StudyError::Surface { curve: curve.name.clone() }),
            Fitted::Failed(_) => {}
        }
    }
    if fits.is_empty() {
        return Err(StudyError::NothingFitted);
    }
    prior_repetition(&mut fits, settings);
    Ok(FitFile {
        parallot: version().to_owned(),
        source: source.to_owned(),
        input_sha256: sha256.to_owned(),
        settings: settings.clone(),
        fits,
        transfer: None,
        joint: None,
        mixtures: None,
    })
}

/// Unique pairs of a curve's corpus, where every row that says them says the same.
fn unique(curve: &TableCurve) -> Option<u64> {
    let mut said = curve
        .rows
        .iter()
        .map(|row| row.unique)
        .chain(curve.predict.iter().map(|query| query.unique))
        .flatten();
    let first = said.next()?;
    said.all(|unique| unique == first).then_some(first)
}
