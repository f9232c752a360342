//! What an allocation may be asked beyond a budget, whole commands.

use super::place::{Place, assert_transcript};

/// Fits of three constructed languages, and a mix in use.
fn place() -> Place {
    let place = Place::with_fits();
    place.write("mix.yaml", "qaa: 2k\nqab_Latn: 700\nqac: 300\n");
    place
}

#[test]
fn objectives_groups_costs_and_tokens() {
    let runs = [
        "allocate tiny --budget 3k --objective worst",
        "allocate tiny --budget 3k --objective cvar:0.8",
        "allocate tiny --budget 3k --no-worse-than uniform:1%",
        "allocate tiny --budget-cost 500 --price qaa=0.5 --price qab=0.1",
        "allocate tiny --budget 200k --unit tokens",
        "allocate tiny --budget 3k --group pair:qaa+qac>=80%",
        "allocate tiny --budget 3k --group few:qab<=200",
    ];
    let place = place();
    assert_transcript("asked", &runs.map(|line| place.done(line)));
}

#[test]
fn a_mix_in_use_and_targets() {
    let place = place();
    let runs = [
        "allocate tiny --from mix.yaml",
        "allocate tiny --from mix.yaml --target mean=-3%",
        "allocate tiny --target-loss qaa=3,qab=3.2",
    ];
    let runs = runs.map(|line| place.done(line));
    assert!(
        runs[2].stdout.contains("parallot: bounds or targets leave nothing to choose"),
        "{}",
        runs[2]
    );
    assert_transcript("targets", &runs);
    // what was asked for is what the files say
    place.done("allocate tiny --from mix.yaml");
    place.done("report tiny");
    assert!(place.read("plots/tiny/policies.csv").lines().any(|line| line.starts_with("current,")));
    assert!(place.read("plots/tiny/pareto.csv").lines().count() > 21);
}

#[test]
fn what_cannot_be_asked() {
    let place = place();
    place.write("none.yaml", "{}");
    place.write("shares.yaml", "qaa: 0.5\nqab: 0.25\nqac: 0.25\n");
    place.write("unwhole.yaml", "qaa: 0.5\nqab: 0.25\n");
    place.write("odd.yaml", "qaa: many\n");
    place.write("swh.yaml", "swh: 3\n");
    place.write("twice.yaml", "qaa: 3\nqab: 2\nqaa_Latn: 4\n");
    let lines = [
        "allocate tiny --budget 3k --objective best",
        "allocate tiny --budget 3k --objective cvar:1",
        "allocate tiny --budget 3k --price qaa=2",
        "allocate tiny --budget-cost 50 --price qaa=-2",
        "allocate tiny --budget-cost -3",
        "allocate tiny --budget 3k --group indic",
        "allocate tiny --budget 3k --group a:qaa+swh>=6%",
        "allocate tiny --budget 3k --group a:qaa>=60% --max qaa=100",
        "allocate tiny --budget 3k --no-worse-than best:1%",
        "allocate tiny --budget 3k --no-worse-than current:1%",
        "allocate tiny --budget 3k --group all:qaa+qab>=90% --max qaa=100 --max qab=100",
        "allocate tiny --budget 3k --price qaa=2 --objective worst",
        "allocate tiny --target mean=3 --objective worst",
        "allocate tiny --target-loss qaa=0.001",
        "allocate tiny --target mean=-3%",
        "allocate tiny --target worst=2",
        "allocate tiny --from shares.yaml",
        "allocate tiny --budget 3k --from unwhole.yaml",
        "allocate tiny --from none.yaml",
        "allocate tiny --from odd.yaml",
        "allocate tiny --from swh.yaml",
        "allocate tiny --from nowhere.yaml",
        "allocate tiny --from twice.yaml",
        "allocate tiny --budget 3k --min qaa=500 --min qaa_Latn=400",
        "allocate tiny --budget 3k --max qab=500 --max qaa=400 --max qab=400",
        "allocate tiny --budget 3k --weight qaa=2 --weight qaa_Latn=2",
        "allocate tiny --budget-cost 3k --price qaa=2 --price qaa_Latn=3",
        "allocate tiny --target-loss qaa=3,qab=3,qaa_Latn=3",
        "allocate tiny --budget 3k --group a:qaa+qaa_Latn>=50%",
        "allocate tiny --budget 3k --group a:qaa>=5% --group a:qab>=5%",
        "allocate tiny --target-loss qaa=inf",
        "allocate tiny --target-loss qaa=-1e300",
    ];
    assert_transcript("not_asked", &lines.map(|line| place.fails(2, line)));
}

/// What is said in the unit that was asked in, and in few digits.
#[test]
fn numbers_beyond_sense() {
    let place = place();
    let lines = [
        "allocate tiny --budget 0 --unit tokens",
        "allocate tiny --budget 1 --unit tokens",
        "allocate tiny --budget-cost 1e-9",
        "allocate tiny --budget-cost 1e300",
        "allocate tiny --budget-cost -1e300",
        "allocate tiny --budget 3k --epochs=-1e300",
        "allocate tiny --budget 3k --weight qaa=-1e300",
        "allocate tiny --budget 3k --objective cvar:1e300",
        "allocate tiny --budget 3k --group a:qaa>=1e300%",
        "allocate tiny --target mean=1e-300",
        "allocate tiny --budget 1e300",
        "allocate tiny --budget 99999999999999999999",
    ];
    assert_transcript("beyond_sense", &lines.map(|line| place.fails(2, line)));
}
