//! Tables that are read and refused, and mixtures of a known law that are predicted.

use super::*;
use crate::files;
use std::path::PathBuf;

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    files::write(&path, text.as_bytes()).unwrap();
    path
}

fn read(text: &str) -> Result<MixtureTable, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "t.csv", text);
    MixtureTable::read(&path, None).map_err(|error| error.to_string().replace(&path.display().to_string(), "t.csv"))
}

#[test]
fn shares_and_amounts_are_one_table() {
    let shares = read("run,p_a,p_b,loss_t,split,n_params,total\nx,0.25,0.75,2.5,,1e6,400\ny,1,,,predict,1e6,400\n").unwrap();
    let [x, y] = [shares.fitted().next().unwrap(), shares.asked().next().unwrap()];
    assert_eq!(
        (x.shares.as_slice(), x.total, x.n_params, x.losses.as_slice()),
        ([0.25, 0.75].as_slice(), Some(400.0), Some(1e6), [Some(2.5)].as_slice())
    );
    assert_eq!((y.shares.as_slice(), y.losses.as_slice()), ([1.0, 0.0].as_slice(), [None].as_slice()));
    let amounts = read("run,x_a,x_b,loss_t\nx,100,300,2.5\n").unwrap();
    assert_eq!(amounts.fitted().next().unwrap().shares, [0.25, 0.75]);
    assert_eq!(amounts.fitted().next().unwrap().total, Some(400.0));
    let folder = tempfile::tempdir().unwrap();
    let (ratios, metrics) = (write(&folder, "r.csv", "index,a,b\n1,0.25,0.75\n2,1,0\n"), write(&folder, "m.csv", "index,t\n2,3\n1,2.5\n"));
    let two = MixtureTable::read(&ratios, Some(&metrics)).unwrap();
    assert_eq!((two.domains(), two.targets()), (["a".to_owned(), "b".to_owned()].as_slice(), ["t".to_owned()].as_slice()));
    assert_eq!(two.fitted().map(|run| run.losses[0].unwrap()).collect::<Vec<_>>(), [2.5, 3.0]);
    let less = write(&folder, "l.csv", "index,t\n1,2.5\n");
    assert!(
        MixtureTable::read(&ratios, Some(&less)).unwrap_err().to_string().ends_with("no row for the run `2`, which the other table has")
    );
    let more = write(&folder, "o.csv", "index,t\n1,2.5\n2,3\n3,4\n");
    assert!(
        MixtureTable::read(&ratios, Some(&more)).unwrap_err().to_string().ends_with("no row for the run `3`, which the other table has")
    );
}

#[test]
fn what_is_no_table_is_said_to_be_none() {
    for (text, expected) in [
        (
            "p_a,p_b,loss_t,note\n",
            "`t.csv`: the column `note`, expected `run`, `split`, `seed`, `total`, `n_params`, `p_DOMAIN` or `x_DOMAIN`, `unique_DOMAIN`, and `loss_TARGET`",
        ),
        ("p_a,p_b\n", "`t.csv`: 0 columns of targets, expected at least 1"),
        ("p_a,loss_t\n", "`t.csv`: 1 columns of domains, expected at least 2"),
        ("p_a,x_b,loss_t\n", "`t.csv`: columns `p_…` and `x_…`, expected shares or amounts"),
        ("p_a,p_b,p_b,loss_t\n", "`t.csv`: the column `p_b` stands in the header twice"),
        ("p_a,p_b,loss_t\n.5,.4,2\n", "`t.csv`: row 1: the shares add up to 0.9, expected 1"),
        ("p_a,p_b,loss_t\n.5,.5,-2\n", "`t.csv`: row 1, column `loss_t`: found `-2`, expected a finite number above 0"),
        ("x_a,x_b,loss_t\n0,0,2\n", "`t.csv`: row 1: all amounts are 0, expected one above"),
        ("x_a,x_b,total,loss_t\n1,2,4,2\n", "`t.csv`: row 1: `total` is 4, expected 3, the sum of its amounts"),
        (
            "p_a,p_b,n_params,loss_t\n1,0,1e6,2\n0,1,,3\n",
            "`t.csv`: row 2, column `n_params`: found nothing, expected a number as in other rows",
        ),
        ("run,p_a,p_b,loss_t\nx,1,0,2\nx,0,1,2\n", "`t.csv`: two rows for the run `x`, expected one"),
    ] {
        assert_eq!(read(text).unwrap_err(), expected);
    }
}

/// Runs on a design without a pattern, of which the last `asked` are to be predicted, with the losses of a law of three domains.
fn planted(runs: usize, asked: usize) -> (MixtureTable, Vec<f64>) {
    let mut text = String::from("p_a,p_b,p_c,n_params,loss_t,loss_u,split\n");
    let mut truth = Vec::new();
    for at in 0..runs {
        let [a, b, c] = crate::numeric::random::halton(at + 1).map(|u| -u.ln());
        let (sum, n) = (a + b + c, [1e6f64, 1e7][at % 2]);
        let [a, b, c] = [a, b, c].map(|part| part / sum);
        let loss = 1.5 + 0.4 * (a + 0.3 * b + 0.02).powf(-0.3) + 3.0 * n.powf(-0.2) + 0.1 * c;
        truth.push(loss);
        let split = if at + asked >= runs { "predict" } else { "" };
        text += &format!("{a},{b},{c},{n},{loss},{},{split}\n", if at < 3 { "2" } else { "" });
    }
    (read(&text).unwrap(), truth.split_off(runs - asked))
}

#[test]
fn mixtures_of_a_known_law_are_predicted() {
    let (table, truth) = planted(48, 16);
    let fits = fit_mixtures(&table);
    // three losses are too few
    assert_eq!(fits[1], None);
    let fit = fits[0].as_ref().unwrap();
    assert_eq!((fit.left_out.runs, fit.predicted.len()), (32, 16));
    assert!(fit.left_out.error < 0.004 && fit.left_out.spearman.unwrap() > 0.98 && fit.left_out.within_90 > 0.7, "{:?}", fit.left_out);
    let errors: Vec<f64> = fit.predicted.iter().zip(&truth).map(|(predicted, truth)| (predicted.loss / truth - 1.0).abs()).collect();
    assert!(errors.iter().sum::<f64>() / 16.0 < 0.004, "{errors:?}");
    let inside =
        fit.predicted.iter().zip(&truth).filter(|(predicted, truth)| (predicted.interval_90.lo..=predicted.interval_90.hi).contains(truth));
    assert!(inside.count() >= 12);
    assert!(fit.predicted.iter().all(|one| one.interval_90.lo < one.interval_50.lo && one.interval_50.hi < one.interval_90.hi));
}
