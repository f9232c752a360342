//! Checkpoints on the Hugging Face Hub or a mirror of it: downloaded once, into the cache that all
//! its tools share.

use super::failure::Failure;
use crate::files;
use crate::model::Chat;
use crate::spec::CheckpointFiles;
use anyhow::anyhow;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use std::env;
use std::path::PathBuf;

/// Where models are if `HF_ENDPOINT` does not say.
const ENDPOINT: &str = "https://huggingface.co";

/// The folder of a checkpoint on the Hub. One that is whole in the cache is taken without asking
/// whether there is a newer one, so that a sweep goes on with what it began with; `revision` is a
/// branch, a tag or a commit.
pub(super) fn fetch(name: &str, revision: &str) -> Result<PathBuf, Failure> {
    let cache = Cache::new(cache_folder()?);
    let repo = Repo::with_revision(name.to_owned(), RepoType::Model, revision.to_owned());
    if let Some(folder) = cached(&cache, &repo) {
        return Ok(folder);
    }
    if is_offline() {
        let error = anyhow!(
            "`{name}` at revision `{revision}` is not in the cache `{}`",
            cache.path().display()
        );
        return Err(Failure::input(error).hint("HF_HUB_OFFLINE forbids downloads"));
    }
    let endpoint = env::var("HF_ENDPOINT").unwrap_or_else(|_| ENDPOINT.to_owned());
    download(&cache, &repo, &endpoint).map_err(|error| {
        let error = anyhow!(
            "cannot download `{name}` at revision `{revision}` from `{endpoint}`: \
        {error}"
        );
        Failure::work(error).hint(
            "HF_ENDPOINT names a mirror and HF_TOKEN opens gated models; \
        `checkpoint: FOLDER` needs no network",
        )
    })?;
    cached(&cache, &repo).ok_or_else(|| {
        let error = anyhow!(
            "`{name}` at revision `{revision}` is no checkpoint, expected \
        `config.json`, `tokenizer.json` and safetensors"
        );
        Failure::input(error).hint(
            "a revision or a conversion with safetensors may exist; pickles \
        are never read",
        )
    })
}

/// The folder of a tokenizer: one that is there, or else that of a model on the Hub, of which
/// nothing but the tokenizer is downloaded.
pub(super) fn tokenizer(name: &str) -> Result<PathBuf, Failure> {
    let folder = PathBuf::from(name);
    if files::is_folder(&folder) {
        return Ok(folder);
    }
    let cache = Cache::new(cache_folder()?);
    let repo = Repo::with_revision(name.to_owned(), RepoType::Model, "main".to_owned());
    let cached = || {
        cache
            .repo(repo.clone())
            .get(CheckpointFiles::TOKENIZER)
            .and_then(|path| Some(path.parent()?.to_owned()))
    };
    if let Some(folder) = cached() {
        return Ok(folder);
    }
    let endpoint = env::var("HF_ENDPOINT").unwrap_or_else(|_| ENDPOINT.to_owned());
    let is_wanted = |file: &str| Chat::FILES.contains(&file);
    let got = |repo: ApiRepo, found: &[String]| {
        found.iter().filter(|file| is_wanted(file)).try_for_each(|file| repo.get(file).map(drop))
    };
    let done = if is_offline() { Ok(()) } else { from_hub(&cache, &repo, &endpoint, got) };
    let hint = "`--tokenizer FOLDER` needs no network; HF_ENDPOINT names a mirror and HF_TOKEN \
    opens gated models";
    done.map_err(|error| {
        Failure::work(anyhow!(
            "cannot download the tokenizer of `{name}` from `{endpoint}`: {error}"
        ))
        .hint(hint)
    })?;
    cached().ok_or_else(|| {
        let error = anyhow!(
            "`{name}` is no folder and no model with a `tokenizer.json` on the Hub \
        or in its cache, expected one of them"
        );
        Failure::input(error).hint(hint)
    })
}

/// Whether downloads are forbidden.
fn is_offline() -> bool {
    env::var("HF_HUB_OFFLINE")
        .is_ok_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
}

/// As `huggingface_hub` looks for it.
fn cache_folder() -> Result<PathBuf, Failure> {
    let variable =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE"));
    let in_home = || variable("HF_HOME").map(|home| home.join("hub"));
    let in_caches = || {
        let caches = variable("XDG_CACHE_HOME")
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))?;
        Some(caches.join("huggingface").join("hub"))
    };
    let folder = named.or_else(in_home).or_else(in_caches);
    folder.ok_or_else(|| {
        Failure::input(anyhow!("no home directory for the cache of models"))
            .hint("HF_HOME names a folder for it")
    })
}

/// The folder of a repository in the cache, if all that is needed is there.
fn cached(cache: &Cache, repo: &Repo) -> Option<PathBuf> {
    let cache = cache.repo(repo.clone());
    let of_branch =
        cache.get(CheckpointFiles::CONFIG).and_then(|path| Some(path.parent()?.to_owned()));
    // other tools leave no reference where the revision is a commit
    let of_commit = cache.pointer_path(repo.revision());
    of_branch.into_iter().chain([of_commit]).find(|folder| CheckpointFiles::is_whole(folder))
}

fn download(cache: &Cache, repo: &Repo, endpoint: &str) -> Result<(), ApiError> {
    from_hub(cache, repo, endpoint, |repo, found| {
        CheckpointFiles::wanted(found).into_iter().try_for_each(|name| repo.get(name).map(drop))
    })
}

/// Does something with a repository and the names of its files.
fn from_hub(
    cache: &Cache,
    repo: &Repo,
    endpoint: &str,
    get: impl FnOnce(ApiRepo, &[String]) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let mut api = ApiBuilder::from_cache(cache.clone())
        .with_endpoint(endpoint.trim_end_matches('/').to_owned())
        .with_retries(3);
    if let Ok(token) = env::var("HF_TOKEN") {
        api = api.with_token(Some(token));
    }
    let repo = api.build()?.repo(repo.clone());
    let found: Vec<String> = repo.info()?.siblings.into_iter().map(|file| file.rfilename).collect();
    get(repo, &found)
}
