//! A sweep that is killed goes on where it was, and its points are those of a sweep that was not.

use super::place::{Place, Ran, TINY, assert_transcript};
use std::process::Stdio;
use std::time::Duration;

/// The tiny experiment with few and short runs; the last ones are the longest, so that a kill after
/// the first comes in time.
fn short() -> String {
    TINY.replace("[0, 100, 200, 400, 800, 1600]", "[0, 4, 8, 16, 32, 96]")
        .replace("train: 1600", "train: 100")
}

fn place(schedule: &str) -> Place {
    let place = Place::new();
    place.write(
        "experiments/short.yaml",
        short().replace("batch_pairs: 4", &format!("batch_pairs: 4, schedule: {schedule}")),
    );
    place
}

/// Lines that say a run was trained.
fn trained(ran: &Ran) -> usize {
    ran.stderr
        .lines()
        .filter(|line| line.contains(": ") && line.contains(" in ") && line.contains(", seed "))
        .count()
}

/// A sweep with two jobs, killed as soon as `least` records are there.
fn killed(place: &Place, least: usize) -> Vec<(String, String)> {
    let mut command = place.command("sweep short --jobs 2 --cache cache");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while place.records("short").len() < least {
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "the sweep ended before its records were there"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    place.records("short")
}

#[test]
fn a_killed_sweep_goes_on_where_it_was() {
    goes_on("whole");
}

#[test]
fn a_killed_sweep_keeps_the_branches_that_are_done() {
    goes_on("trunk");
}

fn goes_on(schedule: &str) {
    let place = place(schedule);
    let before = killed(&place, 3);
    let runs = 1 + 3 * 5 * 2;
    assert!(before.len() < runs, "the kill came too late");
    let resumed = place.done("sweep short --jobs 2 --cache cache");
    let after = place.records("short");
    assert_eq!(after.len(), runs);
    // wall time is part of a record, so that a run done twice would show
    assert!(before.iter().all(|record| after.contains(record)), "a finished run was run again");
    let base_was_missing = !before.iter().any(|(_, text)| text.contains("\"lang\": null"));
    assert_eq!(trained(&resumed), runs - before.len() - usize::from(base_was_missing), "{resumed}");

    let whole = self::place(schedule);
    whole.done("sweep short --jobs 1 --cache cache");
    let points = "experiments/records/short/points.csv";
    assert_eq!(place.read(points), whole.read(points));
}

#[test]
fn records_of_an_older_experiment_are_kept_and_not_read() {
    let place = place("whole");
    place.done("sweep short --trainer simulated");
    let old = place.records("short");
    place.write(
        "experiments/short.yaml",
        short().replace("evaluation: {pairs: 8}", "evaluation: {pairs: 9}"),
    );
    place.done("sweep short --trainer simulated");
    let all = place.records("short");
    assert_eq!(all.len(), 2 * old.len());
    assert!(old.iter().all(|record| all.contains(record)));
    let points = place.read("experiments/records/short/points.csv");
    for record in &all {
        let id = record.0.rsplit('/').next().unwrap().trim_end_matches(".json");
        assert_eq!(points.contains(id), !old.contains(record), "{id}");
    }
}

#[test]
fn a_fit_of_half_a_sweep_says_so() {
    let place = Place::with_tiny();
    place.done("sweep tiny --trainer simulated");
    for (path, _) in place.records("tiny").iter().filter(|(_, text)| text.contains("\"seed\": 2")) {
        std::fs::remove_file(place.path(path)).unwrap();
    }
    assert_transcript("half", &[place.done("fit tiny --n-draws 20")]);
}
