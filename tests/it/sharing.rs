//! Several processes share the runs of one experiment, as the tasks of a cluster do.

use super::place::{Place, assert_transcript};
use parallot::files;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn shares_of_the_runs_are_those_of_one_sweep() {
    let (whole, shared) = (Place::with_tiny(), Place::with_tiny());
    whole.done("sweep tiny --trainer simulated");
    let ids = |place: &Place| -> BTreeSet<String> {
        place
            .done("sweep tiny --trainer simulated --missing")
            .stdout
            .lines()
            .map(str::to_owned)
            .collect()
    };
    let all = ids(&shared);
    let runs = [
        shared.done("sweep tiny --trainer simulated --shard 1/3"),
        shared.done("sweep tiny --trainer simulated --status"),
        shared.done("sweep tiny --trainer simulated --shard 1/3"),
        shared.fails(2, "sweep tiny --trainer simulated --shard 4/3"),
        shared.fails(2, "sweep tiny --trainer simulated --run none"),
        shared.fails(2, "sweep tiny --trainer simulated --json"),
    ];
    assert_transcript("shares", &runs);
    let rest = ids(&shared);
    assert!(rest.len() < all.len() && rest.is_subset(&all));
    shared.done(&format!("sweep tiny --trainer simulated --run {}", rest.first().unwrap()));
    assert_eq!(ids(&shared).len() + 1, rest.len());
    shared.done("sweep tiny --trainer simulated --shard 2/3");
    shared.done("sweep tiny --trainer simulated --shard 3/3");
    assert_eq!(ids(&shared).len(), 0);
    let points = "experiments/records/tiny/points.csv";
    assert_eq!(whole.read(points), shared.read(points));
    let left: Vec<_> = files::walk(&shared.path("experiments/records/tiny")).unwrap();
    assert!(
        left.iter()
            .all(|path| path.extension().is_some_and(|ending| ending == "json" || ending == "csv")),
        "{left:?}"
    );
}

#[test]
fn a_run_that_another_process_is_at_work_on_is_left_to_it() {
    let place = Place::with_tiny();
    let ids = place.done("sweep tiny --trainer simulated --missing").stdout;
    let [taken, failed] = [0, 1].map(|at| ids.lines().nth(at).unwrap().to_owned());
    // a machine that shares the folder
    place.write(&format!("experiments/records/tiny/{taken}.claim"), "elsewhere 7");
    place.write(&format!("experiments/records/tiny/{failed}.failed"), "out of memory");
    let status = || -> Value {
        serde_json::from_str(&place.done("sweep tiny --trainer simulated --status --json").stdout)
            .unwrap()
    };
    let state = |status: &Value, id: &str| -> Value {
        status["runs"].as_array().unwrap().iter().find(|row| row["run_id"] == id).unwrap().clone()
    };
    let before = status();
    assert_eq!(
        (&state(&before, &taken)["state"], &state(&before, &taken)["owner"]),
        (&"running".into(), &"elsewhere 7".into())
    );
    assert_eq!(
        (&state(&before, &failed)["state"], &state(&before, &failed)["reason"]),
        (&"failed".into(), &"out of memory".into())
    );
    assert!(!place.done("sweep tiny --trainer simulated --missing").stdout.contains(&taken));
    place.fails(1, "sweep tiny --trainer simulated --shard 1/1");
    let after = status();
    assert_eq!(state(&after, &taken)["state"], "running");
    assert_eq!(state(&after, &failed)["state"], "finished");
    assert!(!files::exists(&place.path(format!("experiments/records/tiny/{failed}.failed"))));
    // a whole sweep waits for the other process, which gives its run back here
    let claim = place.path(format!("experiments/records/tiny/{taken}.claim"));
    std::thread::scope(|scope| {
        let given_back = scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(2));
            files::remove(&claim).unwrap();
        });
        let whole = place.done("sweep tiny --trainer simulated");
        assert!(given_back.is_finished(), "it did not wait");
        assert!(
            whole.stderr.contains("waiting for runs that other processes are at work on: 1"),
            "{}",
            whole.stderr
        );
    });
    assert_eq!(state(&status(), &taken)["state"], "finished");
}
