//! Tables in both formats, what is refused and how it is said, and a million rows.

use super::*;
use polars::prelude::*;

fn read(text: &str) -> Result<CurveTable, Fault> {
    CurveTable::from_bytes(text.as_bytes(), None)
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn every_column_is_read() {
    let text = "# parallot\ncurve,x,loss,se,weight,seed,n_params,split,unique,note,kin\n\
                b,0,3.5,,,,,,,,A\na,1e3,2.5,0.01,2,7,1e8,fit,900,x,B\n# a \
    comment\nb,10,,,,,1e9,predict,12.0,,A\na,5,4,,,,,train,,,B\na,9,1.5,,,,,predict,,,B\n";
    let table = CurveTable::from_bytes(text.as_bytes(), Some("kin")).unwrap();
    let row =
        |x, loss| Row { x, loss, se: None, weight: 1.0, seed: None, n_params: None, unique: None };
    let full = Row {
        se: Some(0.01),
        weight: 2.0,
        seed: Some(7),
        n_params: Some(1e8),
        unique: Some(900),
        ..row(1e3, 2.5)
    };
    let query = |position, x| Query { position, x, n_params: None, unique: None, loss: None };
    let asked = Query { n_params: Some(1e9), unique: Some(12), ..query(0, 10.0) };
    let known = Query { loss: Some(1.5), ..query(1, 9.0) };
    let curve = |name: &str, family: &str, rows, predict| TableCurve {
        name: name.into(),
        family: Some(family.into()),
        rows,
        predict,
    };
    let expected = [
        curve("b", "A", vec![row(0.0, 3.5)], vec![asked]),
        curve("a", "B", vec![full, row(5.0, 4.0)], vec![known]),
    ];
    assert_eq!(table.curves(), expected);
}

#[test]
fn one_table_in_many_guises() {
    let plain = read("curve,x,loss\na,1,2\n\"b, \"\"c\"\"\",1,2\na,1,2.5\n").unwrap();
    assert_eq!(plain.curves()[1].name, "b, \"c\"");
    for text in [
        "\u{feff}curve,x,loss\r\na,1,2\r\n\"b, \"\"c\"\"\",1,2\r\na,1,2.5",
        "# first\n\n loss , x,curve\n2,1,a\n 2.0 ,1e0,\"b, \"\"c\"\"\"\n\n2.5,+1,a\n",
        "curve,x,loss,split,se,weight,seed,n_params,unique\n\
        a,1,2,fit,,,,,\n\"b, \"\"c\"\"\",1,2,train,,,,,\na,1,2.5,,,,,,\n",
    ] {
        assert_eq!(read(text).unwrap(), plain, "{text}");
    }
}

#[test]
fn bad_cells_are_named_by_line_and_column() {
    let with = |row: &str| {
        refused(&format!(
            "curve,x,loss,split,se,weight,seed,n_params,unique\na,1,2,,,,,,\n# three\n{row}\n"
        ))
    };
    let positive = "expected a finite number above 0";
    for (row, expected) in [
        (
            ",1,2,,,,,,",
            "line 4, column `curve`: found nothing, expected the name of a curve".to_owned(),
        ),
        (
            "a,-1,2,,,,,,",
            "line 4, column `x`: found `-1`, expected a finite number not below 0".to_owned(),
        ),
        (
            "a,,2,,,,,,",
            "line 4, column `x`: found nothing, expected a finite number not below 0".to_owned(),
        ),
        ("a,1,,,,,,,", format!("line 4, column `loss`: found nothing, {positive}")),
        ("a,1,NaN,,,,,,", format!("line 4, column `loss`: found `NaN`, {positive}")),
        ("a,1,inf,,,,,,", format!("line 4, column `loss`: found `inf`, {positive}")),
        ("a,1,0,,,,,,", format!("line 4, column `loss`: found `0`, {positive}")),
        ("a,1,-0.5,,,,,,", format!("line 4, column `loss`: found `-0.5`, {positive}")),
        ("a,1,1e999,,,,,,", format!("line 4, column `loss`: found `1e999`, {positive}")),
        ("a,1,None,,,,,,", format!("line 4, column `loss`: found `None`, {positive}")),
        (
            "a,1,-1,predict,,,,,",
            format!("line 4, column `loss`: found `-1`, {positive}, or nothing"),
        ),
        (
            "a,1,2,test,,,,,",
            "line 4, column `split`: found `test`, expected `fit`, `train`, `predict` or nothing"
                .to_owned(),
        ),
        ("a,1,2,,0,,,,", format!("line 4, column `se`: found `0`, {positive}, or nothing")),
        (
            "a,1,2,,,-1,,,",
            "line 4, column `weight`: found `-1`, expected a finite number not below 0, or nothing"
                .to_owned(),
        ),
        (
            "a,1,2,,,,1.5,,",
            "line 4, column `seed`: found `1.5`, expected a whole number not below 0".to_owned(),
        ),
        ("a,1,2,,,,,0,", format!("line 4, column `n_params`: found `0`, {positive}, or nothing")),
        (
            "a,1,2,,,,,,-3",
            "line 4, column `unique`: found `-3`, expected a whole number not below 0".to_owned(),
        ),
        ("a,1,2", "line 4: found 3 cells, expected 9 as in the header".to_owned()),
    ] {
        assert_eq!(with(row), expected, "{row}");
    }
    let long = format!("a,1,{},,,,,,", "é".repeat(50));
    assert_eq!(
        with(&long),
        format!("line 4, column `loss`: found `{}…`, {positive}", "é".repeat(40))
    );
}

#[test]
fn bad_tables_are_said_to_be_so() {
    assert_eq!(
        refused(""),
        "the file is empty, expected a header with the columns `curve`, `x` and `loss`"
    );
    assert_eq!(refused("# nothing\n"), refused(""));
    assert_eq!(refused("curve;x;loss\na;1;2\n"), "no column `curve`, found `curve;x;loss`");
    assert_eq!(refused("curve,x\na,1\n"), "no column `loss`, found `curve, x`");
    assert_eq!(refused("curve,x,loss,x\na,1,2,3\n"), "the column `x` stands in the header twice");
    let none = "no row to fit, expected at least one whose `split` is not `predict`";
    assert_eq!(refused("curve,x,loss\n"), none);
    assert_eq!(refused("curve,x,loss,split\na,1,,predict\n"), none);
    assert_eq!(
        CurveTable::from_bytes(b"curve,x,loss\na,1,2\n", Some("kin")).unwrap_err().to_string(),
        "no column `kin`, found `curve, x, loss`"
    );
    assert_eq!(
        CurveTable::from_bytes(b"curve,x,loss\na,1,2\n\xff,1,2\n", None).unwrap_err(),
        Fault::NotText { line: 3 }
    );
    let moved =
        CurveTable::from_bytes(b"curve,x,loss,kin\na,1,2,A\na,2,2,\n", Some("kin")).unwrap_err();
    assert_eq!(
        moved.to_string(),
        "line 3: the curve `a` is of family ``, expected `A` as in its first row"
    );
    // columns that nobody reads may be doubled, and rows may ask with a measured loss unknown to
    // Python
    assert!(read("curve,x,loss,note,note,split\na,1,2,,,\na,3,nan,,,predict\n").is_ok());
}

#[test]
fn errors_name_the_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.csv");
    files::write(&path, b"curve,x,loss\na,1,zero\n").unwrap();
    let error = CurveTable::read(&path, None).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}`: line 2, column `loss`: found `zero`, expected a finite number above 0",
            path.display()
        )
    );
    let absent = CurveTable::read(&folder.path().join("no.csv"), None).unwrap_err().to_string();
    assert_eq!(absent.matches("no.csv").count(), 1, "{absent}");
}

fn parquet(mut frame: DataFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

#[test]
fn parquet_is_the_same_table() {
    let losses = [2.0 / 3.0, 1e-300, 0.1 + 0.2, 1e300];
    let frame = df!(
        "curve" => [4i64, 4, 5, 5],
        "x" => [0u32, 1, 2, 3],
        "loss" => losses,
        "seed" => [Some(u64::MAX), None, Some(0), Some(1)],
        "unique" => [Some(7.0), None, None, Some(8.0)],
        "split" => [None, Some("fit"), Some("predict"), Some("train")],
        "note" => [true, false, true, false],
    );
    let table = CurveTable::from_bytes(&parquet(frame.unwrap()), None).unwrap();
    let [four, five] = table.curves() else { panic!("{table:?}") };
    assert_eq!((four.name.as_str(), five.name.as_str()), ("4", "5"));
    assert_eq!(
        (four.rows[0].loss, four.rows[1].loss, five.rows[0].loss, five.predict[0].loss),
        (losses[0], 1e-300, 1e300, Some(losses[2]))
    );
    assert_eq!(
        (four.rows[0].seed, four.rows[1].seed, four.rows[0].unique, five.rows[0].unique),
        (Some(u64::MAX), None, Some(7), Some(8))
    );
}

#[test]
fn bad_parquet_is_an_error() {
    let whole =
        parquet(df!("curve" => ["a", "a"], "x" => [1.0, 2.0], "loss" => [2.0, f64::NAN]).unwrap());
    let error = CurveTable::from_bytes(&whole, None).unwrap_err().to_string();
    assert_eq!(error, "row 2, column `loss`: found `NaN`, expected a finite number above 0");
    for cut in [4, 8, whole.len() / 2, whole.len() - 1] {
        let error = CurveTable::from_bytes(&whole[..cut], None).unwrap_err().to_string();
        assert!(error.starts_with("not readable as Parquet: "), "cut at {cut}: {error}");
    }
}

#[test]
fn a_million_rows_are_no_trouble() {
    let mut text = String::from("curve,x,loss,seed\n");
    for row in 0..1_000_000u32 {
        text.push_str(&format!(
            "c{},{},{},{}\n",
            row % 1000,
            row / 1000 + 1,
            1.0 + 1.0 / f64::from(row + 1),
            row % 3
        ));
    }
    let table = read(&text).unwrap();
    assert_eq!(table.curves().len(), 1000);
    assert!(table.curves().iter().all(|curve| curve.rows.len() == 1000));
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn give_a_table_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0..60usize,
        ) {
            let _ = CurveTable::from_bytes(&bytes, Some("kin"));
            let whole = [b"curve,x,loss,kin\n", bytes.as_slice()].concat();
            let _ = CurveTable::from_bytes(&whole[..whole.len().min(cut * 4)], Some("kin"));
        }

        #[test]
        fn tables_come_back(
            rows in prop::collection::vec((0..4u8, 0.0..1e9f64, 1e-300..1e300f64, any::<u64>()), 1..40),
        ) {
            let text: String = rows
                .iter()
                .map(|(curve, x, loss, seed)| format!("c{curve},{x},{loss},{seed}\n"))
                .collect();
            let table = read(&format!("curve,x,loss,seed\n{text}")).unwrap();
            for curve in table.curves() {
                let expected = rows
                    .iter()
                    .filter(|row| format!("c{}", row.0) == curve.name)
                    .map(|row| (row.1, row.2, Some(row.3)));
                let found = curve.rows.iter().map(|row| (row.x, row.loss, row.seed));
                prop_assert!(expected.eq(found));
            }
        }
    }
}
