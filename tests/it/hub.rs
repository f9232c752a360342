//! Checkpoints from the Hugging Face Hub, which is a server of a few lines here.

use super::checkpoints::{folder, ids, tiny_on};
use super::place::{Place, assert_transcript};
use parallot::files;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A Hub with the model `us/tiny`, which is a family's checkpoint.
struct Hub {
    endpoint: String,
    /// Paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    fn with(family: &'static str, left_out: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        // the thread waits for connections until the process ends
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&mut stream.unwrap(), family, left_out, &seen);
            }
        });
        Hub { endpoint, asked }
    }
}

/// Answers one request as the Hub does: the list of files, or a range of one.
fn answer(stream: &mut TcpStream, family: &str, left_out: &str, seen: &Mutex<Vec<String>>) {
    let reader = BufReader::new(stream.try_clone().unwrap());
    let lines: Vec<String> =
        reader.lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    let path = lines[0].split(' ').nth(1).unwrap().to_owned();
    seen.lock().unwrap().push(path.clone());
    let names: Vec<String> = files::walk(&folder(family))
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into())
        .collect();
    let names: Vec<&String> =
        names.iter().filter(|name| left_out.is_empty() || !name.contains(left_out)).collect();
    let file = path
        .strip_prefix("/us/tiny/resolve/main/")
        .and_then(|name| names.iter().find(|found| **found == name));
    let (status, headers, body) = if path == "/api/models/us/tiny/revision/main" {
        let siblings: Vec<_> =
            names.iter().map(|name| serde_json::json!({ "rfilename": name })).collect();
        (
            "200 OK",
            String::new(),
            serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string().into_bytes(),
        )
    } else if let Some(name) = file {
        let bytes = files::read(&folder(family).join(name)).unwrap();
        let range = lines
            .iter()
            .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned))
            .unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let from: usize = from.parse().unwrap();
        let to = to.parse().map_or(bytes.len(), |last: usize| last + 1);
        let headers = format!(
            "Content-Range: bytes {from}-{}/{}\r\nETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\n",
            to - 1,
            bytes.len(),
            &files::hash(&bytes)[..40]
        );
        ("206 Partial Content", headers, bytes[from..to].to_vec())
    } else {
        ("404 Not Found", String::new(), Vec::new())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
}

fn place(keys: &str) -> Place {
    let place = Place::new();
    place.write("tiny.yaml", tiny_on("model", "").replace("checkpoint: model", keys));
    place
}

#[test]
fn a_checkpoint_is_downloaded_once_into_the_shared_cache() {
    for family in ["llama", "mistral"] {
        let (hub, place) = (Hub::with(family, ""), place("hub: us/tiny"));
        let variables = [("HF_ENDPOINT", hub.endpoint.as_str()), ("HF_HOME", "home")];
        place.run_with("sweep tiny.yaml", &variables).succeeded();
        let snapshot = format!("home/hub/models--us--tiny/snapshots/{COMMIT}");
        for path in files::walk(&folder(family)).unwrap() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert_eq!(
                files::read(&place.path(&snapshot).join(&name)).unwrap(),
                files::read(&path).unwrap(),
                "{name}"
            );
        }
        let asked = hub.asked.lock().unwrap().len();
        place.run_with("sweep tiny.yaml", &variables).succeeded();
        assert_eq!(hub.asked.lock().unwrap().len(), asked, "the cache was not used");

        // the same content in a folder is the same base, and so is the commit in the cache without
        // a network
        let listed = |place: &Place, variables: &[(&str, &str)]| {
            place.run_with("sweep tiny.yaml --list", variables).succeeded().stdout
        };
        let by_branch = listed(&place, &variables);
        assert!(by_branch.contains("none of 4 runs missing"), "{by_branch}");
        place.write("tiny.yaml", tiny_on(&snapshot, ""));
        assert!(ids(&place).iter().all(|id| by_branch.contains(id)));
        place.write(
            "tiny.yaml",
            tiny_on("model", "")
                .replace("checkpoint: model", &format!("hub: us/tiny, revision: {COMMIT}")),
        );
        assert_eq!(
            listed(&place, &[("HF_HUB_CACHE", "home/hub"), ("HF_HUB_OFFLINE", "1")]),
            by_branch
        );
    }
}

#[test]
fn models_that_cannot_be_had() {
    let ran = |hub: &Hub, keys: &str, variables: &[(&str, &str)], status: i32| {
        let variables =
            [&[("HF_ENDPOINT", hub.endpoint.as_str()), ("HF_HOME", "home")], variables].concat();
        let mut ran = place(keys).run_with("sweep tiny.yaml --list", &variables).failed(status);
        ran.line += &format!("  # {keys}");
        ran.stderr = ran.stderr.replace(&hub.endpoint, "http://hub");
        ran
    };
    let (hub, pickled) = (Hub::with("llama", ""), Hub::with("llama", "safetensors"));
    let runs = [
        ran(&hub, "hub: us/absent", &[], 1),
        ran(&hub, "hub: us/tiny, revision: v2", &[], 1),
        ran(&hub, "hub: us/tiny", &[("HF_HUB_OFFLINE", "1")], 2),
        ran(&pickled, "hub: us/tiny", &[], 2),
        ran(&hub, "hub: us/../tiny", &[], 2),
        ran(&hub, "hub: us/tiny, preset: nano", &[], 2),
        ran(&hub, "checkpoint: model, revision: v2", &[], 2),
    ];
    assert_transcript("hub", &runs);
}
