//! No circles: of the modules inside one, none names another that names it, by itself or by way of
//! others.
//!
//! A name that a parent hands on counts as the child that has it: `super::Pair` is `super::pair`.

use super::layering::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Modules that still hold circles, until they are taken out of them.
const EXCEPTED: [&str; 0] = [];

/// A module by the names on the way to it from the root of the crate.
type Module<'a> = Vec<&'a str>;

/// The modules of a crate and what they say.
struct House<'a> {
    /// Each file's module with its code, tests left out.
    files: Vec<(Module<'a>, String)>,
    /// All modules, the root among them.
    modules: BTreeSet<Module<'a>>,
    /// Of each module the names that it hands on, with the child that has each.
    handed_on: BTreeMap<Module<'a>, BTreeMap<String, String>>,
}

impl<'a> House<'a> {
    fn new(sources: &'a [Source]) -> Self {
        let production: Vec<&Source> = sources.iter().filter(|source| !source.is_test()).collect();
        let of = |source: &&'a Source| {
            (module_of(&source.path), source.production().collect::<Vec<_>>().join(" "))
        };
        let files: Vec<(Module, String)> = production.iter().map(of).collect();
        let modules = files
            .iter()
            .flat_map(|(module, _)| (0..=module.len()).map(|depth| module[..depth].to_vec()))
            .collect();
        let mut house = House { files, modules, handed_on: BTreeMap::new() };
        for (module, code) in &house.files {
            for path in uses(code) {
                let steps: Vec<&str> = path.trim_start_matches("self::").split("::").collect();
                let child = [module.as_slice(), &[steps[0]]].concat();
                if let (true, [child, .., name]) =
                    (house.modules.iter().any(|known| known.iter().eq(&child)), steps.as_slice())
                {
                    house
                        .handed_on
                        .entry(module.clone())
                        .or_default()
                        .insert((*name).to_owned(), (*child).to_owned());
                }
            }
        }
        house
    }

    /// The module that a path names which is written in `from`; nothing where it is of another
    /// crate, or of an item of `from`.
    fn resolved(&self, from: &[&str], path: &str) -> Option<Vec<String>> {
        let mut steps = path.split("::").peekable();
        let mut at: Vec<String> = match *steps.peek()? {
            "crate" => Vec::new(),
            "super" | "self" => from.iter().map(ToString::to_string).collect(),
            child if self.knows(from, child) => from.iter().map(ToString::to_string).collect(),
            _ => return None,
        };
        for step in steps {
            match step {
                "crate" | "self" => {}
                "super" => drop(at.pop()),
                child if self.knows(&at, child) => at.push(child.to_owned()),
                name => match self
                    .handed_on
                    .get(&at.iter().map(String::as_str).collect::<Vec<_>>())
                    .and_then(|names| names.get(name))
                {
                    Some(child) => at.push(child.clone()),
                    None => break,
                },
            }
        }
        Some(at)
    }

    fn knows(&self, parent: &[impl AsRef<str>], child: &str) -> bool {
        let path = parent.iter().map(AsRef::as_ref).chain([child]);
        self.modules.contains(&path.collect::<Vec<_>>())
    }

    /// Of each module, which of its children names which others.
    fn names(&self) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
        let mut names: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (module, code) in &self.files {
            for named in uses(code)
                .into_iter()
                .chain(paths(code))
                .filter_map(|path| self.resolved(module, &path))
            {
                let shared =
                    module.iter().zip(&named).take_while(|(own, other)| *own == other).count();
                // modules of the crate itself stand in layers
                if let (1.., Some(own), Some(other)) =
                    (shared, module.get(shared), named.get(shared))
                {
                    names
                        .entry(module[..shared].join("/"))
                        .or_default()
                        .entry((*own).to_owned())
                        .or_default()
                        .insert(other.clone());
                }
            }
        }
        names
    }
}

/// The module of a file below `src/`.
fn module_of(path: &str) -> Module<'_> {
    let path = path.trim_end_matches(".rs");
    path.strip_suffix("/mod").unwrap_or(path).split('/').collect()
}

/// The paths of all `use` declarations, groups written out.
fn uses(code: &str) -> Vec<String> {
    // not the word in a message
    let begins = |before: &str| {
        before.is_empty() || before.ends_with([';', '{', '}', ')', ']']) || before.ends_with("pub")
    };
    let starts =
        code.match_indices("use ").map(|(at, _)| at).filter(|&at| begins(code[..at].trim_end()));
    let mut found = Vec::new();
    for start in starts {
        let tree = &code[start + "use ".len()..];
        write_out("", &tree[..tree.find(';').unwrap_or(0)], &mut found);
    }
    found
}

fn write_out(before: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((open, close)) =
        tree.find('{').zip(tree.rfind('}')).filter(|(open, close)| open < close)
    else {
        let path = tree.split(" as ").next().unwrap_or_default();
        found.extend((!path.is_empty()).then(|| format!("{before}{path}")));
        return;
    };
    let before = format!("{before}{}", &tree[..open]);
    let (mut depth, mut start) = (0, open + 1);
    for (at, c) in tree[..close].char_indices().filter(|(at, _)| *at > open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                write_out(&before, &tree[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
    write_out(&before, &tree[start..close], found);
}

/// The paths from the crate or a parent that stand anywhere.
fn paths(code: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let starts = ["crate::", "super::"]
        .into_iter()
        .flat_map(|start| code.match_indices(start).map(|(at, _)| at));
    let whole = starts.filter(|&at| !code[..at].ends_with(is_path));
    whole
        .map(|at| {
            code[at..]
                .split(|c: char| !is_path(c))
                .next()
                .unwrap_or_default()
                .trim_end_matches(':')
                .to_owned()
        })
        .collect()
}

/// The circles of a crate, a line for each set of modules that name each other.
fn circles(sources: &[Source]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (parent, names) in House::new(sources).names() {
        let reached = |from: &str| {
            let (mut seen, mut left) = (BTreeSet::new(), vec![from.to_owned()]);
            while let Some(at) = left.pop() {
                left.extend(
                    names
                        .get(&at)
                        .into_iter()
                        .flatten()
                        .filter(|next| seen.insert((*next).clone()))
                        .cloned(),
                );
            }
            seen
        };
        for child in names.keys() {
            let circle: Vec<String> =
                reached(child).into_iter().filter(|other| reached(other).contains(child)).collect();
            if circle.contains(child) {
                found
                    .insert(format!("{parent}: {} name each other in a circle", circle.join(", ")));
            }
        }
    }
    found.into_iter().collect()
}

#[test]
fn no_module_names_one_that_names_it() {
    let mut sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "");
    sources.retain(|source| !EXCEPTED.contains(&source.module()));
    let circles = circles(&sources);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_planted_circle_is_found() {
    let found = |files: &[(&str, &str)]| {
        circles(&files.iter().map(|(path, text)| Source::new(path, text)).collect::<Vec<_>>())
    };
    let head =
        ("law/mod.rs", "mod form;\nmod shape;\npub use form::{Form, Name};\npub struct Law;");
    let innocent: [&[(&str, &str)]; 4] = [
        &[head, ("law/form.rs", "use super::Law;"), ("law/shape.rs", "use super::form::Form;")],
        &[
            head,
            ("law/form.rs", "// super::shape is only talked about"),
            ("law/shape.rs", "use super::{Form, Name as Word};\nlet x = \"to use }super::form{\";"),
        ],
        &[
            head,
            ("law/form.rs", "mod tests {\nuse super::super::shape;\n}"),
            ("law/shape.rs", "use super::Form;"),
        ],
        &[
            head,
            ("law/form.rs", "use crate::curve::shape;"),
            ("law/shape.rs", "use super::Form;"),
            ("curve/shape.rs", ""),
        ],
    ];
    for files in innocent {
        assert_eq!(found(files), [""; 0], "{files:?}");
    }
    let pair = "law: form, shape name each other in a circle";
    let guilty: [(&[(&str, &str)], &str); 6] = [
        (
            &[
                head,
                ("law/form.rs", "use super::shape::Shape;"),
                ("law/shape.rs", "use super::form;"),
            ],
            pair,
        ),
        (
            &[
                head,
                ("law/form.rs", "use crate::law::shape::{\n    Shape,\n};"),
                ("law/shape.rs", "let x = super::form::Form;"),
            ],
            pair,
        ),
        (
            &[
                head,
                ("law/form.rs", "use super::{Law, shape::{self, Shape}};"),
                ("law/shape.rs", "use crate::law::Form;"),
            ],
            pair,
        ),
        (
            &[
                head,
                ("law/form/mod.rs", ""),
                ("law/form/deep.rs", "use super::super::shape;"),
                ("law/shape.rs", "use super::Name;"),
            ],
            pair,
        ),
        (
            &[
                head,
                ("law/form.rs", "use super::shape;"),
                ("law/shape.rs", "use super::wire;"),
                ("law/wire.rs", "use super::Form;"),
            ],
            "law: form, shape, wire name each other in a circle",
        ),
        (
            &[
                head,
                ("law/form/mod.rs", ""),
                ("law/form/a.rs", "use super::b;"),
                ("law/form/b.rs", "use crate::law::form::a;"),
            ],
            "law/form: a, b name each other in a circle",
        ),
    ];
    for (files, fault) in guilty {
        assert_eq!(found(files), [fault], "{files:?}");
    }
}
