//! What a trainer will really read: `realised.csv`, and the README beside it.

use super::plan::Plan;
use super::portion::Portion;
use super::trainer::OnLong;
use super::{Exported, Trainer};
use std::fmt::Write;

/// What becomes of the rows of a language.
struct Realised<'p> {
    portion: &'p Portion<'p>,
    tokens: Option<u64>,
    target_tokens: Option<u64>,
    over: Option<u64>,
    /// Rows that are read; none where that is not known.
    trained: Option<u64>,
}

fn realised<'p>(plan: &Plan, portion: &'p Portion<'p>) -> Realised<'p> {
    let (limit, on_long) = (plan.settings.limit, plan.settings.trainer.on_long());
    let over = portion.rows_over(limit);
    let without_target = portion.sum(|length| u64::from(length.prompt >= limit));
    let lost = match on_long {
        OnLong::Truncates => over.map(|_| 0),
        OnLong::TruncatesOrDrops => without_target,
        OnLong::Drops => over,
        OnLong::Open => over.filter(|over| *over == 0),
    };
    Realised {
        portion,
        tokens: portion.sum(|length| u64::from(length.total)),
        target_tokens: portion.sum(|length| u64::from(length.total.saturating_sub(length.prompt))),
        over,
        trained: lost.map(|lost| portion.drawn - lost),
    }
}

/// One row per language; cells are empty where tokens were not counted. `rows_drawn` stand in the
/// files, `rows_trained` of them are read.
pub(super) fn table(plan: &Plan) -> String {
    let rows: Vec<Realised> = plan.portions.iter().map(|portion| realised(plan, portion)).collect();
    let total = plan.rows();
    let trained: Option<u64> = rows.iter().map(|row| row.trained).sum();
    let cell = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut csv = format!(
        "# {}\nlang,unique_rows,repetitions,rows_drawn,share,tokens,target_tokens,rows_over_limit,\
        long_rows,rows_replaced,rows_trained,share_trained\n",
        plan.stamp
    );
    for row in &rows {
        let (unique, drawn) = (row.portion.unique_drawn(), row.portion.drawn);
        let (repetitions, share) = (drawn as f64 / unique as f64, drawn as f64 / total as f64);
        let share_trained = row
            .trained
            .zip(trained)
            .filter(|(_, all)| *all > 0)
            .map(|(own, all)| own as f64 / all as f64);
        let share_trained = share_trained.map(|share| share.to_string()).unwrap_or_default();
        let long = if row.over.is_some() { plan.settings.trainer.on_long().name() } else { "" };
        let long = if long.contains(',') { format!("\"{long}\"") } else { long.to_owned() };
        let [tokens, target, over, trained] =
            [row.tokens, row.target_tokens, row.over, row.trained].map(cell);
        let name = &row.portion.name;
        let replaced = row.portion.replaced;
        let _ = writeln!(
            csv,
            "{name},{unique},{repetitions},{drawn},{share},{tokens},{target},{over},{long},{replaced},{trained},{share_trained}"
        );
    }
    csv
}

/// What the folder holds, how to start, and where the trainer departs from the plan.
pub(super) fn readme(plan: &Plan, exported: &Exported) -> String {
    let trainer = plan.settings.trainer;
    let mut text = format!("# Data for {}\n\n{}.\n\n", trainer.name(), plan.stamp);
    if let Some(start) = &exported.start {
        let _ = write!(text, "```sh\n{start}\n```\n\n");
    }
    let _ = write!(
        text,
        "`python3 check_counts.py` counts the rows of the files; {}.\n\n",
        trainer.tested()
    );
    text += "| language | rows | unique | over the limit | read |\n|---|---:|---:|---:|---:|\n";
    let cell =
        |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let mut over = None;
    for row in plan.portions.iter().map(|portion| realised(plan, portion)) {
        let (name, drawn, unique) =
            (&row.portion.name, row.portion.drawn, row.portion.unique_drawn());
        let _ = writeln!(
            text,
            "| {name} | {drawn} | {unique} | {} | {} |",
            cell(row.over),
            cell(row.trained)
        );
        over = row.over.map(|rows| rows + over.unwrap_or(0)).or(over);
    }
    let _ = write!(text, "\n{}\n", long_rows(plan, over));
    if let Some(batch) = trainer.dropped_batch(plan.rows()) {
        let lost = plan.rows() % batch;
        let _ = write!(
            text,
            "\nThe last batch is dropped where it is not full. The batch of {batch} rows leaves \
            {lost} of {} over.\n",
            plan.rows()
        );
    }
    text
}

fn long_rows(plan: &Plan, over: Option<u64>) -> String {
    let (limit, trainer) = (plan.settings.limit, plan.settings.trainer);
    let does = match trainer.on_long() {
        OnLong::Truncates => "cut at the limit, and kept",
        OnLong::TruncatesOrDrops => {
            "cut at the limit, and dropped where nothing of the answer is left"
        }
        OnLong::Drops => "dropped, without a word",
        OnLong::Open => "the matter of the program that reads the files",
    };
    match over {
        None if trainer == Trainer::Tsv => {
            "Rows are pairs; programs that read them skip long ones by their own limit.".to_owned()
        }
        None => format!(
            "Tokens were not counted: `--tokenizer NAME` does. Rows of more than {limit} tokens \
            would be {does}."
        ),
        Some(0) => format!("No row has more than {limit} tokens."),
        Some(over) => format!(
            "{over} rows have more than {limit} tokens; they are {does}. `--replace-long` puts the \
            next pairs in their place, a larger `--limit` keeps them."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, plan};
    use super::super::{Format, Length};
    use super::*;

    #[test]
    fn what_will_be_drawn_is_told_and_adds_up() {
        insta::assert_snapshot!(file(&plan(Trainer::Axolotl, Format::Messages), "realised.csv"), @r"
        # parallot 0.1.0 (rev 0123abc), input sha256 00ff
        lang,unique_rows,repetitions,rows_drawn,share,tokens,target_tokens,rows_over_limit,long_rows,rows_replaced,rows_trained,share_trained
        swh_Latn,3,2.6666666666666665,8,0.8,,,,,0,,
        tur_Latn,2,1,2,0.2,19,8,1,dropped,0,1,
        ");
    }

    #[test]
    fn rows_that_are_lost_change_the_shares() {
        let of = |trainer: Trainer| {
            let mut plan = plan(trainer, trainer.formats()[0]);
            let lengths =
                |totals: [u32; 3]| Some(totals.map(|total| Length { prompt: 9, total }).to_vec());
            // of eight rows three passes, of which the last lacks a row: one long row is read three
            // times
            plan.portions[0].lengths = lengths([10, 8, 8]);
            plan.portions[1].lengths = lengths([8, 8, 8]);
            let read = plan
                .portions
                .iter()
                .map(|portion| realised(&plan, portion).trained)
                .collect::<Vec<_>>();
            (read, table(&plan).lines().last().unwrap().rsplit(',').next().unwrap().to_owned())
        };
        assert_eq!(of(Trainer::LlamaFactory), (vec![Some(8), Some(2)], "0.2".to_owned()));
        assert_eq!(of(Trainer::Axolotl), (vec![Some(5), Some(2)], (2.0 / 7.0).to_string()));
        // with a prompt as long as the limit nothing of any answer is left
        assert_eq!(of(Trainer::Trl).0, [Some(0), Some(0)]);
        assert_eq!(of(Trainer::Jsonl).0, [None, Some(2)]);
    }
}
