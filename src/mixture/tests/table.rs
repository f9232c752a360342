//! Tables that are read and refused.

use super::*;

#[test]
fn shares_and_amounts_are_one_table() {
    let shares = read(
        "run,p_a,p_b,loss_t,split,n_params,total\n\
        x,0.25,0.75,2.5,,1e6,400\n\
        y,1,,,predict,1e6,400\n",
    )
    .unwrap();
    let [x, y] = [shares.fitted().next().unwrap(), shares.asked().next().unwrap()];
    assert_eq!(
        (x.shares.as_slice(), x.total, x.n_params, x.losses.as_slice()),
        ([0.25, 0.75].as_slice(), Some(400.0), Some(1e6), [Some(2.5)].as_slice())
    );
    assert_eq!(
        (y.shares.as_slice(), y.losses.as_slice()),
        ([1.0, 0.0].as_slice(), [None].as_slice())
    );
    let amounts = read("run,x_a,x_b,loss_t\nx,100,300,2.5\n").unwrap();
    assert_eq!(amounts.fitted().next().unwrap().shares, [0.25, 0.75]);
    assert_eq!(amounts.fitted().next().unwrap().total, Some(400.0));
    let folder = tempfile::tempdir().unwrap();
    let (ratios, metrics) = (
        write(&folder, "r.csv", "index,a,b\n1,0.25,0.75\n2,1,0\n"),
        write(&folder, "m.csv", "index,t\n2,3\n1,2.5\n"),
    );
    let two = MixtureTable::read(&ratios, Some(&metrics)).unwrap();
    assert_eq!(
        (two.domains(), two.targets()),
        (["a".to_owned(), "b".to_owned()].as_slice(), ["t".to_owned()].as_slice())
    );
    assert_eq!(two.fitted().map(|run| run.losses[0].unwrap()).collect::<Vec<_>>(), [2.5, 3.0]);
    let less = write(&folder, "l.csv", "index,t\n1,2.5\n");
    assert!(
        MixtureTable::read(&ratios, Some(&less))
            .unwrap_err()
            .to_string()
            .ends_with("no row for the run `2`, which the other table has")
    );
    let more = write(&folder, "o.csv", "index,t\n1,2.5\n2,3\n3,4\n");
    assert!(
        MixtureTable::read(&ratios, Some(&more))
            .unwrap_err()
            .to_string()
            .ends_with("no row for the run `3`, which the other table has")
    );
}

#[test]
fn what_is_no_table_is_said_to_be_none() {
    for (text, expected) in [
        (
            "p_a,p_b,loss_t,note\n",
            "`t.csv`: the column `note`, expected `run`, `split`, `seed`, `total`, `n_params`, \
            `p_DOMAIN` or `x_DOMAIN`, `unique_DOMAIN`, and `loss_TARGET`",
        ),
        ("p_a,p_b\n", "`t.csv`: 0 columns of targets, expected at least 1"),
        ("p_a,loss_t\n", "`t.csv`: 1 columns of domains, expected at least 2"),
        ("p_a,x_b,loss_t\n", "`t.csv`: columns `p_…` and `x_…`, expected shares or amounts"),
        ("p_a,p_b,p_b,loss_t\n", "`t.csv`: the column `p_b` stands in the header twice"),
        ("p_a,p_b,loss_t\n.5,.4,2\n", "`t.csv`: row 1: the shares add up to 0.9, expected 1"),
        (
            "p_a,p_b,loss_t\n.5,.5,-2\n",
            "`t.csv`: row 1, column `loss_t`: found `-2`, expected a finite number above 0",
        ),
        ("x_a,x_b,loss_t\n0,0,2\n", "`t.csv`: row 1: all amounts are 0, expected one above"),
        (
            "x_a,x_b,total,loss_t\n1,2,4,2\n",
            "`t.csv`: row 1: `total` is 4, expected 3, the sum of its amounts",
        ),
        (
            "p_a,p_b,n_params,loss_t\n1,0,1e6,2\n0,1,,3\n",
            "`t.csv`: row 2, column `n_params`: found nothing, expected a number as in other rows",
        ),
        (
            "run,p_a,p_b,loss_t\nx,1,0,2\nx,0,1,2\n",
            "`t.csv`: two rows for the run `x`, expected one",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), expected);
    }
}
