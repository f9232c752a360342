//! Every dependency has a licence that `deny.toml` allows.

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Texts in quotes of the part of `deny.toml` between two marks.
fn quoted<'a>(text: &'a str, from: &str, to: &str) -> BTreeSet<&'a str> {
    let part = text.split(from).nth(1).unwrap().split(to).next().unwrap();
    let lines = part.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2)).collect()
}

/// Whether a licence expression, `AND` binding closer than `OR`, can be met by allowed licences.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let inner = Regex::new(r"\(([^()]*)\)").unwrap();
    if let Some(found) = inner.captures(expression) {
        let verdict = if is_met(&found[1], allowed) { "YES" } else { "NO" };
        return is_met(&expression.replacen(&found[0], verdict, 1), allowed);
    }
    let one = |licence: &str| licence == "YES" || allowed.contains(licence);
    expression
        .split(" OR ")
        .flat_map(|part| part.split('/'))
        .any(|part| part.split(" AND ").all(|licence| one(licence.trim())))
}

#[test]
fn expressions_are_read_as_they_bind() {
    let allowed = BTreeSet::from(["MIT", "ISC"]);
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "MIT AND ISC",
        "(MIT OR GPL-3.0) AND ISC",
        "GPL-3.0 AND MIT OR ISC",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in
        ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "GPL-3.0 OR (MIT AND GPL-2.0)"]
    {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}

#[test]
fn every_licence_is_allowed() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let deny = parallot::files::read_text(&home.join("deny.toml")).unwrap();
    let allowed = quoted(&deny, "\nallow = [", "\n]");
    let excepted = quoted(&deny, "\nexceptions = [", "\n]");
    let ran = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(home)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let unmet = packages.iter().filter_map(|package| {
        let (name, licence) =
            (package["name"].as_str()?, package["license"].as_str().unwrap_or("none"));
        (!is_met(licence, &allowed) && !excepted.contains(name))
            .then(|| format!("{name}: {licence}"))
    });
    assert_eq!(unmet.collect::<Vec<_>>(), Vec::<String>::new());
}
