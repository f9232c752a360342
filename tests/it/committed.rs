//! What the repository keeps follows from its records: points and laws are made again and compared.

use super::place::Place;
use parallot::curve::curves_of_records;
use parallot::files;
use parallot::fit::{FitFile, Settings, fit_all};
use parallot::record::{Store, points_csv};
use parallot::similarity::{Similarity, trials};
use parallot::study::fit_records;
use parallot::validate::{Prediction, Validation};
use regex::Regex;
use std::path::{Path, PathBuf};

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders of finished sweeps that are kept; the points are what a sweep writes last.
fn kept() -> Vec<PathBuf> {
    let Ok(entries) = home().join("experiments/records").read_dir() else { return Vec::new() };
    let folders = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> =
        folders.filter(|folder| files::exists(&folder.join("points.csv"))).collect();
    folders.sort();
    folders
}

#[test]
fn points_and_laws_follow_from_the_records() {
    if kept().is_empty() {
        println!("skipped: no finished sweep is kept yet");
    }
    for folder in kept() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (manifest, records) = Store::new(&folder).read_sweep().unwrap();
        let points = points_csv(&records).unwrap();
        assert!(
            points == files::read(&folder.join("points.csv")).unwrap(),
            "the points of {name} are not those of its records"
        );

        let fits = home().join("fits").join(&name).join("fits.json");
        let kept = FitFile::from_json(&files::read_text(&fits).unwrap()).unwrap();
        assert_eq!(kept.source, name);
        assert_eq!(
            kept.input_sha256,
            files::hash(&points),
            "the fits of {name} are of other points"
        );
        if kept.fits.is_empty() {
            let settings = Settings { draws: 4, ..kept.settings };
            let again = fit_records(&name, &manifest, &records, settings).unwrap().file;
            let (again, kept) = (again.joint.unwrap(), kept.joint.unwrap());
            assert_eq!((&again.langs, again.totals), (&kept.langs, kept.totals));
            approx::assert_relative_eq!(
                again.held_out.joint_log,
                kept.held_out.joint_log,
                max_relative = 1e-4
            );
            for (again, kept) in again.forms.iter().zip(&kept.forms) {
                assert_eq!(again.interference, kept.interference);
                approx::assert_relative_eq!(again.weight, kept.weight, max_relative = 1e-4);
            }
            continue;
        }
        let langs: Vec<_> = manifest.corpora.iter().map(|row| row.lang.clone()).collect();
        let unique: Vec<_> = manifest.corpora.iter().map(|row| Some(row.train_pairs.0)).collect();
        let curves: Vec<_> =
            curves_of_records(&langs, &records).into_iter().map(Result::unwrap).collect();
        // draws only make the intervals
        let settings = Settings { draws: 4, ..kept.settings };
        let again = fit_all(&curves, &settings, &unique).unwrap();
        assert_eq!(again.len(), kept.fits.len());
        for (again, kept) in again.into_iter().zip(&kept.fits) {
            assert_eq!(
                (&again.curve, again.unique, &again.points),
                (&kept.curve, kept.unique, &kept.points)
            );
            assert_eq!(again.law.form(), kept.law.form(), "{}", kept.curve);
            for ((parameter, again), (_, kept_value)) in
                again.law.parameters().iter().zip(kept.law.parameters())
            {
                let distance = (again - kept_value).abs();
                assert!(
                    distance <= 1e-6 * kept_value.abs(),
                    "{} {parameter}: {again}, kept {kept_value}",
                    kept.curve
                );
            }
        }
    }
}

#[test]
fn what_similarity_predicts_follows_from_the_fits() {
    for folder in kept() {
        let fits = home().join("fits").join(folder.file_name().unwrap());
        if !files::exists(&fits.join("similarity.json")) {
            println!("skipped: no similarities of `{}` are kept", fits.display());
            continue;
        }
        let kept: Similarity =
            serde_json::from_str(&files::read_text(&fits.join("similarity.json")).unwrap())
                .unwrap();
        let json = files::read_text(&fits.join("fits.json")).unwrap();
        assert_eq!(
            kept.fits_sha256,
            files::hash(json.as_bytes()),
            "the similarities of {} are of other fits",
            kept.source
        );
        let (again, verdict) =
            trials(&FitFile::from_json(&json).unwrap().fits, &kept.languages).unwrap();
        assert_eq!(verdict, kept.verdict);
        for (again, kept) in again
            .iter()
            .zip(&kept.trials)
            .flat_map(|(again, kept)| again.scores.iter().zip(&kept.scores))
        {
            assert_eq!(again.predictor, kept.predictor);
            assert!(
                (again.rms_log - kept.rms_log).abs() < 1e-9,
                "{}: {}, kept {}",
                kept.predictor,
                again.rms_log,
                kept.rms_log
            );
        }
    }
}

#[test]
fn validations_are_of_the_predictions_beside_their_records() {
    for folder in kept() {
        let fits = home().join("fits").join(folder.file_name().unwrap());
        let paths = files::list(&fits, "json").unwrap();
        let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
        for path in paths.iter().filter(|path| name(path).starts_with("validation")) {
            let found: Validation = serde_json::from_str(&files::read_text(path).unwrap()).unwrap();
            assert_eq!(name(path), format!("validation-{}", found.budget));
            let json = files::read_text(
                &folder.join(format!("validate-{}/prediction.json", found.budget)),
            )
            .unwrap();
            let prediction: Prediction = serde_json::from_str(&json).unwrap();
            assert_eq!(found.prediction_sha256, files::hash(json.as_bytes()), "{}", path.display());
            assert_eq!(
                (&found.fits_sha256, &found.weights),
                (&prediction.fits_sha256, &prediction.weights),
                "{}",
                path.display()
            );
            assert_eq!(found.policies.len(), prediction.policies.len());
        }
    }
}

#[test]
fn the_shipped_laws_allocate_a_budget_without_an_experiment() {
    if !kept().iter().any(|folder| folder.ends_with("bible-six")) {
        println!(
            "skipped: the shipped laws are those of bible-six, whose sweep is not finished yet"
        );
        return;
    }
    let ran = Place::new().done("allocate --budget 60k --json");
    let allocation: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let languages = allocation["comparison"]["allocation"]["languages"].as_array().unwrap();
    assert_eq!(
        languages.iter().map(|language| language["pairs"].as_u64().unwrap()).sum::<u64>(),
        60_000
    );
}

/// The commands that made what is kept, in their order.
const MADE_BY: [(&str, &str); 4] = [
    ("bible-six", "allocate bible-six --budget 30k"),
    ("thirteen", "allocate thirteen --budget 78k"),
    ("smollm2-seven", "allocate smollm2-seven --budget 10k"),
    ("thirteen-pooled", "allocate thirteen-pooled --budget 5k"),
];

/// Files that no command makes without a model, and the fits, which are compared as numbers: an
/// older version wrote them.
fn is_remade(name: &str) -> bool {
    !(name.starts_with("similarity")
        || name.starts_with("validation")
        || name.contains("evaluation")
        || name == "fits.json")
}

/// A text without the version that wrote it.
fn without_version(bytes: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Regex::new(r"\d+\.\d+\.\d+ \(rev \w+\)")
            .unwrap()
            .replace_all(text, "VERSION")
            .into_owned()
            .into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

fn copy(from: &Path, to: &Path, is_wanted: impl Fn(&str) -> bool) {
    for path in files::walk(from).unwrap() {
        let name = path.strip_prefix(from).unwrap().to_string_lossy().into_owned();
        if is_wanted(&name) {
            files::write(&to.join(&name), &files::read(&path).unwrap()).unwrap();
        }
    }
}

#[test]
fn every_file_is_made_again_to_the_byte() {
    for (name, allocate) in MADE_BY {
        let place = Place::new();
        let below =
            |folder: &str| (home().join(folder).join(name), place.path("").join(folder).join(name));
        let (kept, made) = below("experiments/records");
        copy(&kept, &made, |_| true);
        let yaml = format!("experiments/{name}.yaml");
        files::write(&place.path("").join(&yaml), &files::read(&home().join(&yaml)).unwrap())
            .unwrap();
        let (kept_fits, made_fits) = below("fits");
        copy(&kept_fits, &made_fits, |name| !is_remade(name) && name != "fits.json");
        place.done(&format!("fit {name}"));
        let fits = |folder: &Path| {
            FitFile::from_json(&files::read_text(&folder.join("fits.json")).unwrap()).unwrap()
        };
        assert!(
            fits(&kept_fits).fits == fits(&made_fits).fits,
            "the fits of {name} are not those of its records"
        );
        // what follows names the fits by the hash of their file
        copy(&kept_fits, &made_fits, |name| name == "fits.json");
        place.done(allocate);
        place.done(&format!("report {name}"));
        for folder in ["fits", "plots"] {
            let (kept, made) = below(folder);
            for path in files::walk(&kept).unwrap() {
                let file = path.strip_prefix(&kept).unwrap().to_string_lossy().into_owned();
                if is_remade(&file) {
                    let again = files::read(&made.join(&file)).unwrap();
                    assert!(
                        without_version(&again) == without_version(&files::read(&path).unwrap()),
                        "`{folder}/{name}/{file}` is not made again, compare {}",
                        made.join(&file).display()
                    );
                }
            }
        }
    }
}
