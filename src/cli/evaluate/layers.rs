//! `--task representation`: the layers of a model, and of the model before it was tuned.

use super::super::failure::Failure;
use super::super::terminal::{bar, bars};
use super::arguments::Arguments;
use super::hinted;
use super::model::{self, Opened};
use super::output::{LayerValues, Output};
use crate::evaluate::{EvaluateError, LayerRow, Parallel, Study, representation};
use crate::files;
use crate::report::plot::{Line, Picture, layers, plane};
use crate::units::Lang;
use anyhow::anyhow;
use std::path::Path;

/// Pairs of each language where nobody asks for a number.
const PAIRS: usize = 500;

/// A quantity of a layer.
type Quantity = (&'static str, fn(&LayerRow) -> f64);

/// What is kept of each layer: name of its column or panel, and value.
const QUANTITIES: [Quantity; 7] = [
    ("cosine_parallel", |row| row.alignment.cosine_parallel),
    ("cosine_random", |row| row.alignment.cosine_random),
    ("retrieval_from_source", |row| row.alignment.retrieval_forward),
    ("retrieval_to_source", |row| row.alignment.retrieval_backward),
    ("cka", |row| row.alignment.cka),
    ("lens_translation", |row| row.lens_translation),
    ("lens_source", |row| row.lens_source),
];

/// Looks at the layers of the model, and of the one to compare with.
pub(super) fn study(arguments: &Arguments) -> Result<Output, Failure> {
    if arguments.data.len() != arguments.to.len() || arguments.data.is_empty() {
        let (files, langs) = (arguments.data.len(), arguments.to.len());
        return Err(Failure::input(anyhow!(
            "{files} files of `--data` and {langs} languages of `--to`, expected one language a \
            file"
        )));
    }
    let parallels = arguments
        .data
        .iter()
        .zip(&arguments.to)
        .map(|(path, lang)| parallel(arguments, path, lang));
    let parallels = parallels.collect::<Result<Vec<_>, _>>()?;
    let inputs = arguments
        .data
        .iter()
        .map(|path| Ok(files::hash(&files::read(path)?)))
        .collect::<Result<Vec<_>, files::FileError>>();
    let inputs = inputs.map_err(Failure::input)?;
    let folders = arguments
        .model
        .iter()
        .map(|folder| ("model", folder))
        .chain(arguments.against.iter().map(|folder| ("against", folder)));
    let mut studies = Vec::new();
    for (name, folder) in folders {
        let Opened { model, vocabulary, .. } = model::read(arguments, folder)?;
        let batches =
            parallels.iter().map(|parallel| 3 * parallel.pairs.len().div_ceil(16) as u64).sum();
        let bar = bar(&bars(), batches, name);
        let study = representation(
            &model,
            &vocabulary,
            &arguments.from,
            &parallels,
            arguments.prompt.into(),
            || bar.inc(1),
        );
        studies.push((name, study.map_err(hinted)?));
        bar.finish_and_clear();
    }
    let tables = vec![("representation.csv", csv(&studies)), ("plane.csv", plane_csv(&studies))];
    Ok(Output {
        layers: rows(&studies),
        tables,
        pictures: pictures(&studies),
        inputs,
        ..Output::default()
    })
}

fn parallel(arguments: &Arguments, path: &Path, lang: &Lang) -> Result<Parallel, Failure> {
    let columns = arguments.columns(&["source", "target"])?;
    let rows = arguments.rows(path)?;
    let pair = |row| {
        Ok((columns.texts(row, "source")?[0].clone(), columns.texts(row, "target")?[0].clone()))
    };
    let pairs = rows
        .iter()
        .take(arguments.limit.unwrap_or(PAIRS))
        .map(pair)
        .collect::<Result<Vec<_>, EvaluateError>>();
    Ok(Parallel { lang: lang.clone(), pairs: pairs.map_err(hinted)? })
}

/// The quantities of each layer of each model.
fn rows(studies: &[(&'static str, Study)]) -> Vec<LayerValues> {
    let row = |model: &'static str, row: &LayerRow| {
        let values = QUANTITIES.iter().map(|(quantity, value)| (*quantity, value(row))).collect();
        LayerValues { model, layer: row.layer, lang: row.lang.clone(), values }
    };
    studies
        .iter()
        .flat_map(|(name, study)| study.layers.iter().map(move |layer| row(name, layer)))
        .collect()
}

fn csv(studies: &[(&'static str, Study)]) -> String {
    let names: Vec<&str> = QUANTITIES.iter().map(|(name, _)| *name).collect();
    let mut text = format!("model,layer,lang,{}\n", names.join(","));
    for LayerValues { model, layer, lang, values } in rows(studies) {
        let values: Vec<String> = values.iter().map(|(_, value)| value.to_string()).collect();
        text += &format!("{model},{layer},{},{}\n", lang.code(), values.join(","));
    }
    text
}

fn plane_csv(studies: &[(&'static str, Study)]) -> String {
    let mut text = "model,layer,lang,sentence,first,second\n".to_owned();
    for (model, study) in studies {
        for point in &study.plane {
            text += &format!(
                "{model},{},{},{},{},{}\n",
                study.plane_layer,
                point.lang.code(),
                point.number,
                point.at[0],
                point.at[1]
            );
        }
    }
    text
}

fn pictures(studies: &[(&'static str, Study)]) -> Vec<(String, Picture)> {
    let mut pictures = vec![(
        "layers".to_owned(),
        layers(
            "What each layer holds of translations, from the embedding to the last",
            &panels(studies),
        ),
    )];
    for (name, study) in studies {
        let mut groups: Vec<(String, Vec<[f64; 2]>)> = Vec::new();
        for point in &study.plane {
            match groups.last_mut().filter(|(lang, _)| lang == point.lang.name()) {
                Some((_, points)) => points.push(point.at),
                None => groups.push((point.lang.name().to_owned(), vec![point.at])),
            }
        }
        let which = if *name == "model" { "" } else { ", before tuning" };
        let title =
            format!("Sentences on the principal plane of layer {}{which}", study.plane_layer);
        pictures.push((format!("plane-{name}"), plane(&title, &groups)));
    }
    pictures
}

/// One panel a quantity.
fn panels(studies: &[(&'static str, Study)]) -> Vec<(String, Vec<Line>)> {
    let line = |name: &str, study: &Study, lang: &Lang, value: fn(&LayerRow) -> f64| Line {
        name: lang.name().to_owned(),
        is_other: name != "model",
        values: study.layers.iter().filter(|row| row.lang == *lang).map(value).collect(),
    };
    let langs = |study: &Study| {
        let mut langs: Vec<Lang> = study.layers.iter().map(|row| row.lang.clone()).collect();
        langs.dedup();
        langs
    };
    let lines = |value: fn(&LayerRow) -> f64| {
        studies
            .iter()
            .flat_map(|(name, study)| {
                langs(study).into_iter().map(move |lang| line(name, study, &lang, value))
            })
            .collect()
    };
    QUANTITIES.iter().map(|&(name, value)| (name.replace('_', " "), lines(value))).collect()
}
