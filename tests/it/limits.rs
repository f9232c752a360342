//! What no machine can hold, disks that are full, and files that are not to be lost.

use super::place::{Place, Ran, TINY, assert_transcript};
use parallot::files;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// Runs on variants of the tiny experiment, each with one text replaced by another.
fn variants(cases: &[(&str, &str)]) -> Vec<Ran> {
    let place = Place::new();
    let run = |(from, to): &(&str, &str)| {
        assert!(TINY.contains(from), "{from}");
        place.write("tiny.yaml", TINY.replace(from, to));
        let mut ran = place.fails(2, "sweep tiny.yaml --trainer simulated");
        ran.line += &format!("  # {to}");
        ran
    };
    cases.iter().map(run).collect()
}

#[test]
fn counts_of_an_experiment() {
    let cases = [
        ("vocab_size: 300", "vocab_size: 18446744073709551615"),
        ("vocab_size: 300", "vocab_size: 1000000000"),
        ("context: 64", "context: 1000000000000"),
        ("tokens: 2000", "tokens: 18446744073709551615"),
        ("batch_tokens: 512", "batch_tokens: 9999999999"),
        ("batch_pairs: 4", "batch_pairs: 18446744073709551615"),
        ("batch_pairs: 4", "micro_batch_pairs: 99999999999"),
        ("batch_pairs: 4", "epochs: 4294967295"),
        ("batch_pairs: 4", "method: {lora: {rank: 99999999999}}"),
        ("batch_pairs: 4", "method: {lora: {alpha: -1e300}}"),
        ("seeds: [1, 2]", "seeds: [1, 2]\npasses: 4294967295"),
        ("seeds: [1, 2]", "seeds: [1, 2]\nmixtures: {count: 99999999999, least: 20, most: 200}"),
        (
            "seeds: [1, 2]",
            "seeds: [1, 2]\nmixtures: {count: 3, least: 20, most: 18446744073709551615}",
        ),
        ("train: 1600", "train: 18446744073709551615"),
    ];
    assert_transcript("counts", &variants(&cases));
    let many = (0..40_000).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ");
    let ran = variants(&[("seeds: [1, 2]", &format!("seeds: [{many}]"))]).remove(0);
    assert!(ran.stderr.contains("a design of 720000 runs, expected at most 100000"), "{ran}");
}

#[test]
fn counts_of_flags() {
    let place = Place::with_fits();
    let mut lines = vec![
        "sweep tiny --trainer simulated --jobs 18446744073709551615",
        "sweep tiny --trainer simulated --stack 99999",
        "fit tiny --n-draws 99999999999",
        "fit tiny --held-back 99999999999",
        "fit tiny --held-back 18446744073709551616",
    ];
    if cfg!(feature = "train") {
        lines.extend([
            "validate tiny --budget 60 --list --trainer simulated --seeds 18446744073709551615",
            "validate tiny --budget 60 --list --trainer simulated --seeds 99999999999",
            "validate tiny --budget 60 --list --trainer simulated --seeds 0",
            "validate tiny --budget 9007199254740992 --epochs 1e300 --trainer simulated",
            "bench --threads 99999999",
            "bench --steps 4294967295",
            "bench --stack 4294967295",
            "evaluate model --task numbers --data a.jsonl --batch 18446744073709551615",
            "evaluate model --task numbers --data a.jsonl --context 99999999999",
            "evaluate model --task numbers --data a.jsonl --max-tokens 18446744073709551615",
            "evaluate model --task numbers --data a.jsonl --limit 0",
        ]);
    }
    assert_transcript("flags", &lines.iter().map(|line| place.fails(2, line)).collect::<Vec<_>>());
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Small files that would fill the memory, or keep a parser busy for minutes.
#[test]
fn files_that_unfold() {
    let place = Place::new();
    let head = TINY.split("constructed:").next().unwrap();
    let source = "corpora: [{path: zeros.jsonl.gz, english: en, other: tr}]";
    place.write("zeros.jsonl.gz", gzip(&vec![0; (64 << 20) + 2]));
    place.write("zeros.yaml", format!("{head}languages:\n- {{lang: tur_Latn, {source}}}\n"));
    place.write(
        "deep.yaml",
        TINY.replace("analysis: a try", &format!("analysis: {}", "[".repeat(200_000))),
    );
    place.write("mix.yaml", "[".repeat(200_000));
    place.write("problem.yaml", "{".repeat(200_000));
    let mut runs = vec![
        place.fails(2, "sweep zeros.yaml --trainer simulated"),
        place.fails(2, "sweep deep.yaml --trainer simulated"),
        place.fails(2, "allocate --from mix.yaml"),
        place.fails(2, "allocate --problem problem.yaml"),
    ];
    if cfg!(feature = "train") {
        place.write("a.txt", "a\n");
        runs.push(place.fails(2, "evaluate --hypotheses zeros.jsonl.gz --references a.txt"));
    }
    assert_transcript("unfolding", &runs);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_a_full_disk_loses() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    let law = r#"{"form": "rectified", "E": 1, "B": 9, "Dl": 10, "beta": 0.5}"#;
    let problem = format!(
        r#"{{"budget": {{"amount": 100, "rule": "exactly"}}, "languages": [{{"name": "a", "law": {law}}}]}}"#
    );
    place.write("problem.json", problem);
    let lines = [
        "allocate tiny --budget 3k --json",
        "allocate --budget 3k",
        "allocate --problem problem.json --json",
        "allocate --problem problem.json",
        "fit tiny --n-draws 20 --json",
        "sweep tiny --trainer simulated --list --json",
        "sweep tiny --trainer simulated --list",
        "report tiny",
        "export tiny --out out",
        "export --help",
        "--version",
    ];
    let run = |line: &str| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        Ran::of(&format!("{line} > /dev/full"), place.command(line).stdout(full)).failed(1)
    };
    assert_transcript("full", &lines.map(run));
    // a reader that has seen enough is no error
    for line in lines {
        let mut child =
            place.command(line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{line}");
    }
}

#[cfg(all(feature = "train", target_os = "linux"))]
#[test]
fn a_cache_and_a_memory_that_are_full() {
    let place = Place::with_tiny();
    // a write beyond the limit fails, once the signal that comes with it is ignored
    let full =
        place.run_after("trap '' XFSZ; ulimit -f 1000", "sweep tiny --cache cache").failed(1);
    assert!(
        full.stderr.contains("cannot write `cache/base-") && full.stderr.contains("File too large"),
        "{full}"
    );
    assert!(!full.stderr.contains(".tmp-"), "{full}");
    let small =
        place.run_after("ulimit -v 2000000", "bench --model m --stack 1024 --steps 1").failed(1);
    assert!(small.stderr.contains("error: out of memory: the system refused "), "{small}");
}

#[test]
fn an_output_is_not_written_over_an_input() {
    let place = Place::with_fits();
    let table = "curve,x,loss\na,1,3\na,2,2.8\na,4,2.5\na,8,2.4\na,16,2.35\n";
    place.write("c.csv", table);
    place.write(
        "logs/r-1/trainer_state.json",
        r#"{"global_step": 1, "log_history": [{"eval_loss": 2.5, "step": 1}]}"#,
    );
    place.write("sizes.csv", "run,x\nr-1,100\n");
    let lines = [
        "fit --curves c.csv --json c.csv",
        "fit --curves c.csv --draws logs/../c.csv",
        "fit --curves c.csv --json new --draws new",
        "fit tiny --json experiments/tiny.yaml",
        "fit tiny --draws experiments/records/tiny/sweep.json",
        "import logs --size-table sizes.csv --out sizes.csv",
        "import logs --size-table sizes.csv --out logs/r-1/trainer_state.json",
    ];
    let before = place.tree("");
    assert_transcript("over_input", &lines.map(|line| place.fails(2, line)));
    assert!(place.tree("") == before, "something was written");
}

#[test]
fn an_experiment_keeps_to_its_folders() {
    let place = Place::new();
    place.write("experiments/...yaml", TINY);
    place.write("experiments/..yaml", TINY);
    let lines = [
        "sweep experiments/...yaml --trainer simulated",
        "sweep .. --trainer simulated",
        "fit experiments/..yaml",
    ];
    assert_transcript("folders", &lines.map(|line| place.fails(2, line)));
    assert_eq!(place.tree("experiments").len(), 0, "only the hidden files are there");
}

#[cfg(unix)]
#[test]
fn files_are_for_those_whom_the_umask_lets() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_tiny();
    for (umask, mode) in [("077", 0o600), ("027", 0o640), ("002", 0o664)] {
        place.run_after(&format!("umask {umask}"), "sweep tiny --trainer simulated").succeeded();
        let found = place
            .path("experiments/records/tiny/points.csv")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "umask {umask}");
    }
}

#[test]
fn an_edited_export_is_not_written_over() {
    let place = Place::with_fits();
    let rewritten = |path: &str, text: &str| {
        files::write(&place.path(path), (place.read(path) + text).as_bytes()).unwrap()
    };
    place.done("allocate tiny --budget 3k");
    place.done("export tiny --out out");
    place.done("allocate tiny --budget 4k");
    place.done("export tiny --out out --seed 3");
    rewritten("out/train.yaml", "# mine\n");
    let mut runs =
        vec![place.fails(2, "export tiny --out out"), place.done("export tiny --out out --force")];
    rewritten("out/realised.csv", " ");
    runs.push(place.fails(2, "export tiny --out out"));
    // somebody else's file of that name
    place.write("theirs/README.md", "{}");
    runs.push(place.fails(2, "export tiny --out theirs"));
    assert!(
        !files::exists(&place.path("theirs/train.yaml")),
        "nothing is written where one file is edited"
    );
    assert_transcript("edited", &runs);
}

#[test]
fn an_export_takes_away_what_an_earlier_one_left() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.done("export tiny --out out");
    // a language that drops out leaves no file behind, and no folder of the earlier plan
    place.done("allocate tiny --budget 300 --weight qaa=0 --max qaa=0");
    place.done("export tiny --out out");
    let files_of =
        |place: &Place| place.tree("out").into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let left = files_of(&place);
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("qaa")), "{left:?}");
    assert_eq!(place.path("out/data").read_dir().unwrap().count(), 1);
    // what was edited since, and what no export wrote, stays
    let edited =
        left.iter().find(|path| path.to_string_lossy().contains("qab_Latn.jsonl")).unwrap();
    files::write(&place.path(edited), b"mine").unwrap();
    place.write("out/data/mine.txt", "mine");
    let outside = place.path("outside.txt");
    files::write(&outside, b"x").unwrap();
    let list = place.read("out/exported.sha256");
    let listed =
        format!("{list}{0}  ../outside.txt\n{0}  {1}\n", files::hash(b"x"), outside.display());
    place.write("out/exported.sha256", listed);
    let told = place.done("export tiny --out out --to trl");
    assert_eq!(
        told.stderr.matches("is of an earlier export and was edited since; it stays").count(),
        1,
        "{told}"
    );
    let now = files_of(&place);
    assert!(now.contains(edited) && now.iter().any(|path| path.ends_with("mine.txt")), "{now:?}");
    assert!(!now.iter().any(|path| path.ends_with("train.yaml")), "{now:?}");
    assert!(
        files::exists(&outside),
        "a list that anybody can edit takes nothing outside of its folder away"
    );
    // a lost list is no reason to refuse what would be written anyway
    std::fs::remove_file(place.path("out/exported.sha256")).unwrap();
    place.done("export tiny --out out --to trl");
    let list = place.read("out/exported.sha256");
    let of = |name: &str| {
        list.lines().any(|line| {
            line == format!(
                "{}  {name}",
                files::hash_file(&place.path(Path::new("out").join(name))).unwrap()
            )
        })
    };
    assert!(["sft.yaml", "realised.csv", "README.md"].iter().all(|name| of(name)), "{list}");
}

#[cfg(feature = "train")]
#[test]
fn a_base_with_a_flipped_bit_is_trained_again() {
    let place = Place::new();
    let short = TINY
        .replace("[0, 100, 200, 400, 800, 1600]", "[0, 4, 8]")
        .replace("train: 1600", "train: 100");
    let swept = |seed: u64| {
        place.write(
            "experiments/tiny.yaml",
            short.replace("seeds: [1, 2]", &format!("seeds: [{seed}]")),
        );
        place.done("sweep tiny --cache cache").stderr
    };
    swept(1);
    let weights = place
        .tree("cache")
        .into_iter()
        .find(|(path, _)| path.ends_with("model.safetensors"))
        .unwrap();
    let kept = swept(2);
    assert!(!kept.contains("trained again") && !kept.contains("no hash"), "{kept}");
    let mut flipped = weights.1.clone();
    let last = flipped.len() - 2;
    flipped[last] ^= 1;
    files::write(&place.path(&weights.0), &flipped).unwrap();
    let damaged = swept(3);
    assert!(damaged.contains("was not as it had been written, and was trained again"), "{damaged}");
    assert!(files::read(&place.path(&weights.0)).unwrap() == weights.1, "the base is what it was");
    std::fs::remove_file(place.path(weights.0.with_file_name("checkpoint.sha256"))).unwrap();
    let older = swept(4);
    assert!(older.contains("had no hash to hold it against"), "{older}");
    assert!(!swept(5).contains("no hash"), "it has one now");
}
